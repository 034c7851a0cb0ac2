"""Blocks of steps: what an encoder is given of a sequence that is faster or longer than it needs.

A block's value is the mean over its observed steps; attention over blocks is spread over the steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from emocli.data.batch import Padded


@dataclass(frozen=True)
class Blocks:
    """How the steps of sequences are gathered into blocks.

    Attributes
    ----------
    view : Padded
        The sequences, (B, T, D).
    sizes : Tensor of int64, shape (B,)
        Steps of each sequence's blocks; its last block may be shorter.
    """

    view: Padded
    sizes: Tensor

    @classmethod
    def of(cls, view: Padded, stride: int, longest: int) -> Blocks:
        """Gather ``stride`` steps, or as many as it takes for at most ``longest`` blocks."""
        return cls(view, _ceil(view.lengths, longest).clamp(min=stride))

    @property
    def trivial(self) -> bool:
        """Whether every step is a block of its own."""
        return bool((self.sizes == 1).all())

    def mean(self) -> Padded:
        """Mean over each block's observed steps, (B, K, D); zero where there is none."""
        if self.trivial:
            return self.view
        lengths = _ceil(self.view.lengths, self.sizes)
        values = self.view.values.masked_fill(~self.view.mask[..., None], 0)
        steps = max(1, int(lengths.max()))
        total = values.new_zeros(len(values), steps, values.shape[-1])
        total = total.scatter_add(1, self._index(steps)[..., None].expand_as(values), values)
        observed = self._observed(steps)
        present = None if self.view.present is None else observed > 0
        return Padded(total / observed.clamp(min=1)[..., None], lengths, present)

    def spread(self, weights: Tensor) -> Tensor:
        """Share the weights of blocks (B, hops, K) out among their observed steps, (B, hops, T)."""
        if self.trivial:
            return weights
        steps = weights.shape[-1]
        shares = weights / self._observed(steps).clamp(min=1)[:, None]
        index = self._index(steps)[:, None].expand(-1, weights.shape[1], -1)
        return shares.gather(2, index) * self.view.mask[:, None]

    def _index(self, steps: int) -> Tensor:
        """Block of each step, (B, T); padding counts to the last one."""
        places = torch.arange(self.view.values.shape[1], device=self.sizes.device)
        return (places // self.sizes[:, None]).clamp(max=steps - 1)

    def _observed(self, steps: int) -> Tensor:
        """Observed steps of each block, (B, K)."""
        mask = self.view.mask.long()
        return mask.new_zeros(len(mask), steps).scatter_add(1, self._index(steps), mask)


def _ceil(lengths: Tensor, sizes: Tensor | int) -> Tensor:
    return -(-lengths // sizes)
