"""Masking and noise on views, the augmentation of networks' inputs.

Sources: Park et al. 2019, Interspeech (masks of time and of features); Srivastava et al. 2014, JMLR
(dropout); Bishop 1995, Neural Computation (noise).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from emocli.data.batch import Batch, Padded


class Masks(Protocol):
    """Settings of `masked`."""

    @property
    def time_mask(self) -> float:
        """Largest share of the steps of a sequence that are masked."""

    @property
    def feature_mask(self) -> float:
        """Largest share of the columns of a sequence that are masked."""

    @property
    def view_dropout(self) -> float:
        """Probability with which each number is dropped."""

    @property
    def view_noise(self) -> float:
        """Standard deviation of the noise on each number."""


def masks(config: Masks) -> bool:
    """Whether settings ask for any of it."""
    return any((config.time_mask, config.feature_mask, config.view_dropout, config.view_noise))


def masked(batch: Batch, config: Masks, rng: np.random.Generator) -> Batch:
    """Mask and disturb every view of every clip, each anew.

    A run of successive steps is masked, of a length drawn evenly from none to ``time_mask`` of the
    clip's steps, and at least one step stays; of the columns a random set, of a size drawn evenly
    from none to ``feature_mask`` of them. With ``view_dropout`` each number is dropped, and the
    others divided by the share that stays. A masked number is zero: the mean of standardised
    features. Lengths and masks of the batch stay.
    """
    return batch.with_views({m: _masked(view, config, rng) for m, view in batch.views.items()})


def _masked(view: Padded, config: Masks, rng: np.random.Generator) -> Padded:
    values = view.values
    if config.view_noise:
        noise = rng.normal(0.0, config.view_noise, tuple(values.shape))
        values = values + torch.from_numpy(noise).to(values)
    if config.view_dropout:
        kept = rng.random(tuple(values.shape)) >= config.view_dropout
        values = values * torch.from_numpy(kept / (1 - config.view_dropout)).to(values)
    lost = _steps(view, config.time_mask, rng)[:, :, None]
    lost = lost | _columns(values.shape[0], values.shape[2], config.feature_mask, rng)[:, None, :]
    return view.with_values(values.masked_fill(torch.from_numpy(lost).to(values.device), 0))


def _steps(view: Padded, most: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw a run of steps for each clip, shape (B, T)."""
    lengths = view.lengths.cpu().numpy()
    longest = np.minimum((most * lengths).astype(int), np.maximum(lengths - 1, 0))
    counts = rng.integers(0, longest + 1)
    starts = rng.integers(0, lengths - counts + 1)
    steps = np.arange(view.values.shape[1])
    return np.asarray((starts[:, None] <= steps) & (steps < (starts + counts)[:, None]))


def _columns(clips: int, width: int, most: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw a set of columns for each clip, shape (B, D)."""
    counts = rng.integers(0, int(most * width) + 1, clips)
    ranks = rng.random((clips, width)).argsort(axis=1)
    return np.asarray(ranks < counts[:, None])
