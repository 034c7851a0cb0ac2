"""A missing modality: an array without a step.

Source: emocli.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emocli.plugin.corruption import Array, Corruption


class Config(Corruption):
    """Nothing to set."""

    def __call__(self, values: Array, rng: np.random.Generator, others: Sequence[Array]) -> Array:
        """Return an array of shape (0, D)."""
        return np.zeros((0, *values.shape[1:]), np.float32)
