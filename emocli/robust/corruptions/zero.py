"""Zeros, the mean of a standardised feature, at the same length.

Source: emocli.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emocli.plugin.corruption import Array, Corruption


class Config(Corruption):
    """Nothing to set."""

    def __call__(self, values: Array, rng: np.random.Generator, others: Sequence[Array]) -> Array:
        """Return zeros of the same shape."""
        return np.zeros_like(values, np.float32)
