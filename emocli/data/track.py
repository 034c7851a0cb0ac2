"""The arrays of one clip that a feature returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

Rows = NDArray[np.float32]
"""Rows of features, shape (rows, D)."""


class Absent(Exception):  # noqa: N818 - not an error: the clip has no such medium
    """The clip has no medium this feature could be computed from: counted, not a failure."""


@dataclass(frozen=True)
class Track:
    """One feature of one clip.

    Attributes
    ----------
    values : ndarray, shape (T, ...)
        A row per step; T may be 0.
    times : ndarray, shape (T,), optional
        Seconds from the start of the clip, one per row (the centre of what the row describes).
    extra : mapping
        Further arrays, each with T rows.
    notes : mapping
        Counts worth reporting, summed over the clips in the report of the extraction. A name with
        a dot counts a part of another: ``{"words": 14, "words.out_of_vocabulary": 2}``.
    """

    values: Array
    times: Array | None = None
    extra: Mapping[str, Array] = field(default_factory=dict)
    notes: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = len(self.values)
        for name, array in {"times": self.times, **self.extra}.items():
            if array is not None and len(array) != rows:
                raise ValueError(f"{name} has {len(array)} rows, values has {rows}")

    def __len__(self) -> int:
        return len(self.values)
