"""The whole modality is missing: an array without a step.

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
        """Return an array of shape (0, D)."""
        return np.zeros((0, *values.shape[1:]), np.float32)
