"""Late fusion: every view predicts by itself, and the predictions are weighted and added.

Each view's encoder ends in a layer of its own; the weights are learned and the same for all clips.

Source: Beard et al. 2018, CoNLL (system "late fusion").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import nn

from emocli.data.batch import Batch, FusionOutput
from emocli.data.samples import Level
from emocli.fusion._layers import Encoders, NetworkSettings, PerView, last_step, presets


class Config(NetworkSettings):
    """Settings of late fusion.

    Attributes
    ----------
    late_weights : {'scalar', 'per_class'}
        Whether a view has one weight, or one for each class.
    """

    late_weights: Literal["scalar", "per_class"] = "scalar"


PRESETS = presets(literal={}, plus={"late_weights": "per_class"})


class Model(nn.Module):
    """Late fusion: an encoder and a linear layer per view, and a weighted sum."""

    level: ClassVar[Level] = "clip"

    def __init__(self, dims: Mapping[str, int], outputs: int, config: Config) -> None:
        super().__init__()
        self.encoders = Encoders(dims, config)
        self.heads = PerView({name: self._head(outputs, config) for name in self.encoders})
        columns = outputs if config.late_weights == "per_class" else 1
        self.weights = nn.Parameter(torch.full((len(dims), columns), 1 / len(dims)))

    @staticmethod
    def _head(outputs: int, config: Config) -> nn.Module:
        return nn.Sequential(nn.Dropout(config.dropout), nn.Linear(config.width, outputs))

    def forward(self, batch: Batch) -> FusionOutput:
        """Classify clips; a missing view has no say (weight 0)."""
        states = self.encoders(batch.views)
        logits = {name: self.heads[name](last_step(view)) for name, view in states.items()}
        weights = {
            name: weight * states[name].observed[:, None]
            for name, weight in zip(self.encoders, self.weights, strict=True)
        }
        total = torch.stack([weights[name] * logits[name] for name in logits]).sum(dim=0)
        by_view = {name: weight.mean(dim=-1) for name, weight in weights.items()}
        return FusionOutput(total, modality_logits=logits, weights=by_view)
