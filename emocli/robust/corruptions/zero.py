"""All values zero (the mean of a standardised feature); the length stays.

Source: emocli.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emocli.robust.corruptions._base import Plain


class Config(Plain):
    """Nothing to set."""

    def __call__(
        self,
        values: NDArray[np.float32],
        rng: np.random.Generator,
        others: Sequence[NDArray[np.float32]],
    ) -> NDArray[np.float32]:
        """Return zeros of the same shape."""
        return np.zeros_like(values, np.float32)
