"""Blocks of steps: summaries of sequences that are faster or longer than an encoder needs.

A block is the mean over its observed steps, or also their standard deviation and largest value;
attention over blocks is spread over the steps.

>>> import numpy as np
>>> view = Padded.from_rows([np.arange(5, dtype=np.float32)[:, None]])
>>> blocks = Blocks.of(view, stride=2, longest=100)
>>> blocks.mean().values.ravel().tolist()
[0.5, 2.5, 4.0]
>>> blocks.spread(torch.tensor([[[0.5, 0.25, 0.25]]])).ravel().tolist()
[0.25, 0.25, 0.125, 0.125, 0.25]
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import pad

from emocli.data.batch import Padded as Padded


@dataclass(frozen=True)
class Blocks:
    """Settings of the blocks that the steps of sequences are gathered into.

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

    def mean(self) -> Padded:
        """Mean over each block's observed steps, (B, K, D); zero where there is none."""
        if self._single:
            return self.view
        return self._blocks(self._mean)

    def statistics(self) -> Padded:
        """Mean, standard deviation and largest value of each block, (B, K, 3 D)."""
        values, mask = self._cells
        off = (values - self._mean[:, :, None]).masked_fill(~mask, 0)
        std = root(off.square().sum(dim=2) / self._count)
        largest = values.masked_fill(~mask, -torch.inf).amax(dim=2)
        largest = torch.where(mask.any(dim=2), largest, 0)
        return self._blocks(torch.cat([self._mean, std, largest], dim=-1))

    def spread(self, weights: Tensor) -> Tensor:
        """Share the weights of blocks (B, hops, K) out among their observed steps, (B, hops, T)."""
        if self._single:
            return weights
        shares = weights / self._count[:, None, :, 0]
        places = torch.arange(self.view.values.shape[1], device=self.sizes.device)
        block = (places // self.sizes[:, None]).clamp(max=weights.shape[-1] - 1)
        block = block[:, None].expand(-1, weights.shape[1], -1)
        return shares.gather(2, block) * self.view.mask[:, None]

    @property
    def _single(self) -> bool:
        """Whether every step is a block of its own."""
        return bool((self.sizes == 1).all())

    def _blocks(self, values: Tensor) -> Padded:
        present = None if self.view.present is None else self._cells[1].any(dim=2)[..., 0]
        return Padded(values, _ceil(self.view.lengths, self.sizes), present)

    @cached_property
    def _cells(self) -> tuple[Tensor, Tensor]:
        """Observed steps by block, (B, K, S, D), and where there is one, (B, K, S, 1)."""
        view, size = self.view, int(self.sizes.max())
        count = max(1, int(_ceil(view.lengths, self.sizes).max()))
        if (self.sizes == size).all():  # side by side, in half the time
            lack = count * size - view.values.shape[1]
            values, mask = pad(view.values, (0, 0, 0, lack)), pad(view.mask, (0, lack))
            shape = (-1, count, size)
            return values.view(*shape, values.shape[2]), mask.view(*shape, 1)
        within = torch.arange(size, device=self.sizes.device)
        first = torch.arange(count, device=self.sizes.device) * self.sizes[:, None]
        step = (first[..., None] + within).clamp(max=view.values.shape[1] - 1)
        inside = (within < self.sizes[:, None, None]) & (
            first[..., None] + within < view.values.shape[1]
        )
        flat = step.flatten(1)
        mask = view.mask.gather(1, flat).view_as(step) & inside
        values = view.values.gather(1, flat[..., None].expand(-1, -1, view.values.shape[2]))
        return values.view(*step.shape, -1), mask[..., None]

    @cached_property
    def _count(self) -> Tensor:
        """Observed steps of each block, at least 1, (B, K, 1)."""
        return self._cells[1].sum(dim=2).clamp(min=1)

    @cached_property
    def _mean(self) -> Tensor:
        values, mask = self._cells
        return values.masked_fill(~mask, 0).sum(dim=2) / self._count


def root(squares: Tensor) -> Tensor:
    """Return the square root; its slope at zero, which is infinite, counts as none.

    The steps may be what a learnt layer made, and those of a block may all be the same.
    """
    above = squares > 0
    return torch.where(above, squares, 1).sqrt() * above


def _ceil(lengths: Tensor, sizes: Tensor | int) -> Tensor:
    return -(-lengths // sizes)
