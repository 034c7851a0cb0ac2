"""Every value with the other sign.

Source: this example.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emocli.plugin.corruption import Array, Corruption


class Config(Corruption):
    """Nothing to set."""

    def __call__(self, values: Array, rng: np.random.Generator, others: Sequence[Array]) -> Array:
        """Return the negative of an array of shape (T, D)."""
        return -values
