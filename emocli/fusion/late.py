"""Late fusion: the weighted sum of the predictions that every view makes by itself.

Each view's encoder ends in a layer of its own. The weights are learned, the same for all clips, not
negative and sum to one over the views that are there.

Source: Beard et al. 2018, CoNLL (system "late fusion").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from emocli.plugin.layers import Encoded, NetworkSettings, last_step, presets
from emocli.plugin.network import Batch, FusionOutput, PerView


class Config(NetworkSettings):
    """Settings of late fusion.

    Attributes
    ----------
    late_weights : {'scalar', 'per_class'}
        Whether a view has one weight, or one for each class.
    """

    late_weights: Literal["scalar", "per_class"] = "scalar"


PRESETS = presets(literal={}, plus={"late_weights": "per_class"})


class Model(Encoded):
    """Late fusion: an encoder and a linear layer per view, and a weighted sum.

    Shapes: M views (n, T_m, D_m) -> states (n, K_m, 2 hidden) -> M logits (n, C), weights
    (n, M, 1 or C) -> logits (n, C).
    """

    def __init__(self, dims: Mapping[str, int], outputs: int, config: Config) -> None:
        super().__init__(dims, config)
        self.heads = PerView({name: self._head(outputs, config) for name in self.encoders})
        columns = outputs if config.late_weights == "per_class" else 1
        self.scores = nn.Parameter(torch.zeros(len(dims), columns))
        self.vector_width = len(dims) * config.width

    @staticmethod
    def _head(outputs: int, config: Config) -> nn.Module:
        return nn.Sequential(nn.Dropout(config.dropout), nn.Linear(config.width, outputs))

    def forward(self, batch: Batch) -> FusionOutput:
        """Classify clips; a missing view has no say (weight 0), the others share its weight."""
        states = self.encoders(batch)
        ends = {name: last_step(view) for name, view in states.items()}
        logits = {name: self.heads[name](end) for name, end in ends.items()}
        weights = self.weights(torch.stack([view.observed for view in states.values()], dim=1))
        total = (weights * torch.stack(list(logits.values()), dim=1)).sum(dim=1)
        by_view = dict(zip(logits, weights.mean(dim=-1).unbind(1), strict=True))
        vector = torch.cat(list(ends.values()), dim=-1)
        return FusionOutput(total, weights=by_view, vector=vector)

    def weights(self, observed: Tensor) -> Tensor:
        """Weights (B, M, 1 or C) of views of which ``observed`` (B, M) are there."""
        there = observed[..., None]
        scores = self.scores.masked_fill(~there, torch.finfo(self.scores.dtype).min)
        return torch.softmax(scores, dim=1) * there
