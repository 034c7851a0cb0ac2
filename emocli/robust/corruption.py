"""A corruption as everything else sees it: a function of one array, with settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class Corruption(Protocol):
    """Corrupts the features of one clip in one modality."""

    def __call__(
        self, values: Array, rng: np.random.Generator, others: Sequence[Array], /
    ) -> Array:
        """Return other values for an array of shape (T, D); ``others`` are those of other clips."""

    def describe(self) -> str:
        """Return the level as a table shows it; empty where there is none."""
