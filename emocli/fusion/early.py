"""Early fusion: all views on the time axis of the fastest, joined, under one attention.

Encoder outputs are resampled in time to as many steps as the clip's longest view has, joined step
by step, and treated as one view by the attention of GCA.

Source: Beard et al. 2018, CoNLL (system "early fusion").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from emocli.fusion import gca
from emocli.plugin.layers import Encoded, decoder, presets, take
from emocli.plugin.network import Batch, FusionOutput, Padded

JOINED = "joined"
"""Name of the one view that attention sees."""


class Config(gca.Config):
    """Settings of early fusion.

    There is one view for the attention, so ``gca_update`` 'sum' and 'dan_product' are the same.

    Attributes
    ----------
    resample : {'linear', 'nearest'}
        How values between a view's steps are computed.
    project : bool
        Whether the joined states are mapped to the width of one view first.
    """

    resample: Literal["linear", "nearest"] = "linear"
    project: bool = False


PRESETS = presets(literal={}, plus={"gca_update": "linear"})


@dataclass(frozen=True)
class Resampling:
    """The places of the steps of a common time axis between those of a view.

    Attributes
    ----------
    before, after : Tensor of int64, shape (B, K)
        The view's steps on either side.
    share : Tensor, shape (B, K)
        Of ``after`` in the mixture of the two, 0 to 1.
    """

    before: Tensor
    after: Tensor
    share: Tensor

    @classmethod
    def of(cls, view: Padded, lengths: Tensor, steps: int, nearest: bool) -> Resampling:
        """Stretch each sequence to its common length; both axes cover the same stretch of time."""
        own = view.lengths[:, None]
        centres = torch.arange(steps, device=own.device) + 0.5
        position = centres * own / lengths[:, None].clamp(min=1)
        position = position.floor() if nearest else position - 0.5
        last = (own - 1).clamp(min=0)
        position = position.clamp(min=0).minimum(last)
        before = position.long()
        return cls(before, (before + 1).minimum(last), position - before)

    def __call__(self, values: Tensor) -> Tensor:
        """Bring values (B, T, D) to the common axis, (B, K, D)."""
        before, after = take(values, self.before), take(values, self.after)
        return torch.lerp(before, after, self.share[..., None].to(values.dtype))

    def back(self, weights: Tensor, steps: int) -> Tensor:
        """Turn weights of common steps (B, hops, K) into those they give the view's own steps."""
        own = weights.new_zeros(*weights.shape[:2], steps)
        for index, share in ((self.before, 1 - self.share), (self.after, self.share)):
            parts = weights * share[:, None]
            own = own.scatter_add(2, index[:, None].expand_as(parts), parts.to(own.dtype))
        return own


class Model(Encoded):
    """Early fusion: encoders, resampling, one attention block.

    Shapes: M views (n, T_m, D_m) -> states (n, K_m, W), W = 2 hidden -> resampled to K, the most
    blocks of any view, and joined (n, K, M W), or (n, K, W) if projected -> memory -> logits
    (n, C); attention is returned by step of each view, (n, hops, T_m).
    """

    def __init__(self, dims: Mapping[str, int], outputs: int, config: Config) -> None:
        super().__init__(dims, config)
        joined = len(dims) * config.width
        width = config.width if config.project else joined
        self.nearest = config.resample == "nearest"
        self.project = nn.Linear(joined, width) if config.project else nn.Identity()
        self.recursion = gca.Recursion([JOINED], width, config, gca.Update(1, width, config))
        self.decoder = decoder(width, outputs, config)
        self.vector_width = width

    def forward(self, batch: Batch) -> FusionOutput:
        """Classify clips; attention is given for each view's own steps."""
        states, joined, grids = self._joined(batch)
        memory, attention, _ = self.recursion({JOINED: joined})
        own = self._by_view(attention[JOINED], states, grids, batch)
        return FusionOutput(self.decoder(memory), attention=own, vector=memory)

    def uniform(self, batch: Batch) -> dict[str, Tensor]:
        """Return what the attention over steps, (B, T) each, is if it prefers no state to another.

        Some of a view's steps stand for more of the common ones than others.
        """
        states, joined, grids = self._joined(batch)
        own = self._by_view(gca.evenly(joined.mask), states, grids, batch)
        return {name: weights[:, 0] for name, weights in own.items()}

    def _joined(self, batch: Batch) -> tuple[dict[str, Padded], Padded, dict[str, Resampling]]:
        """Encode the views, bring them to common steps, and join them."""
        states: dict[str, Padded] = self.encoders(batch)
        lengths = torch.stack([v.lengths * v.observed for v in states.values()]).amax(dim=0)
        steps = max(view.values.shape[1] for view in states.values())
        grids = {n: Resampling.of(v, lengths, steps, self.nearest) for n, v in states.items()}
        parts = [_present(view, grids[name](view.values)) for name, view in states.items()]
        return states, Padded(self.project(torch.cat(parts, dim=-1)), lengths), grids

    def _by_view(
        self,
        weights: Tensor,
        states: Mapping[str, Padded],
        grids: Mapping[str, Resampling],
        batch: Batch,
    ) -> dict[str, Tensor]:
        """Turn weights of common steps (B, hops, K) into those of each view's steps."""
        own = {
            name: _present(view, grids[name].back(weights, view.values.shape[1]))
            for name, view in states.items()
        }
        return self.encoders.over_steps(own, batch)


def _present(view: Padded, values: Tensor) -> Tensor:
    """Values (B, ...) where the view is observed, zero where it is missing."""
    return values.masked_fill(~view.observed[:, None, None], 0)
