"""Changes of the length of sequences, and the steps of them that are padding."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def lengthened(sequences: NDArray[Any], length: int) -> NDArray[Any]:
    """Bring sequences to another length, linearly between the middles of steps.

    Shape (B, T, D) -> (B, length, D); where the length stays, so do the numbers.
    """
    steps = sequences.shape[1]
    if steps == length:
        return sequences
    place = ((np.arange(length) + 0.5) * steps / length - 0.5).clip(0, steps - 1)
    before = np.minimum(place.astype(int), max(steps - 2, 0))
    after = np.minimum(before + 1, steps - 1)
    share = (place - before)[:, None].astype(sequences.dtype)
    return np.asarray(sequences[:, before] * (1 - share) + sequences[:, after] * share)


def valid_steps(lengths: NDArray[np.int64], steps: int, padded: bool) -> NDArray[np.bool_]:
    """Tell which of the steps of each sequence are its own, shape (n,) -> (n, steps)."""
    if not padded:
        return np.ones((len(lengths), steps), bool)
    return np.asarray(np.arange(steps) < lengths[:, None])
