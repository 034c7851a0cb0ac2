"""All values zero (the mean of a standardised feature); the length stays.

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
        """Return zeros of the same shape."""
        return np.zeros_like(values, np.float32)
