"""The whole modality is missing: an array without a step.

Source: emocli.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emocli.robust.corruption import Array
from emocli.robust.corruptions._base import Plain


class Config(Plain):
    """Nothing to set."""

    def __call__(self, values: Array, rng: np.random.Generator, others: Sequence[Array]) -> Array:
        """Return an array of shape (0, D)."""
        return np.zeros((0, *values.shape[1:]), np.float32)
