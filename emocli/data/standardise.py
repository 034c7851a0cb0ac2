"""Standardisation: zero mean and unit variance per dimension, learned from the train split.

Before that, absurd numbers are brought back: a tracker's -1e30 would make a whole dimension
constant. What lies further than so many robust standard deviations from the median is clipped. The
robust standard deviation is that of a normal distribution whose middle 98 % are as wide as those of
the dimension (of few rows, at least two at either end are left out), so that what is rare but real,
a blink or a plosive, is not touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from emocli.data.samples import Samples

Vector = NDArray[np.float32]

MEAN, STD = "standardise.mean.", "standardise.std."
LOW, HIGH = "standardise.low.", "standardise.high."
"""Prefixes of the tensors' names."""

OUTLIERS = 20.0
"""Robust standard deviations beyond which a number is clipped, by default."""

TAIL, ROWS, MOST_TAIL = 0.01, 2.5, 0.25
"""Share of the rows left out at either end; at least so many rows; at most so large a share."""

SAMPLE = 1 << 24
"""Numbers of a modality that quantiles are taken of, at most, evenly from all clips."""

RESOLUTION = float(np.finfo(np.float32).eps)
"""A spread below this share of the mean is rounding: the dimension is constant."""


@dataclass(frozen=True)
class Statistics:
    """Statistics of the dimensions of a modality over the steps of some clips.

    Attributes
    ----------
    clips : int
        Clips that have the modality.
    mean, std : ndarray, shape (D,)
        Over all their steps; ``std`` is 0 where a dimension is constant.
    low, high : ndarray, shape (D,)
        What numbers were clipped to beforehand, infinite where there is no limit.
    """

    clips: int
    mean: Vector
    std: Vector
    low: Vector
    high: Vector

    @classmethod
    def of(cls, samples: Samples, modality: str, outliers: float = OUTLIERS) -> Statistics:
        """Measure every step of every clip, one clip in memory at a time."""
        dim, store = samples.dims[modality], samples.stores[modality]
        high = np.full(dim, np.inf, np.float32)
        low = -high
        if outliers:
            low, high = _limits(_some_rows(samples, modality), outliers)
        arrays = (np.clip(samples.array(c.id, modality), low, high) for c in samples.clips)
        mean, std = _moments(arrays, dim)
        there = sum(bool(store.length(clip.id)) for clip in samples.clips)
        return cls(there, mean, std, low, high)


@dataclass(frozen=True)
class Standardiser:
    """A mean to subtract and a standard deviation to divide by, per modality and dimension.

    A transform of :class:`~emocli.data.samples.Samples`.

    Attributes
    ----------
    mean, std : mapping
        Modality to an array of shape (D,). ``std`` is 1 where a dimension is constant.
    low, high : mapping
        Modality to the limits numbers are clipped to beforehand, shape (D,), infinite where there
        is none.
    """

    mean: Mapping[str, Vector]
    std: Mapping[str, Vector]
    low: Mapping[str, Vector] = field(default_factory=dict)
    high: Mapping[str, Vector] = field(default_factory=dict)

    @classmethod
    def fit(cls, samples: Samples, outliers: float = OUTLIERS) -> Standardiser:
        """Measure every step of every clip, one clip in memory at a time.

        Parameters
        ----------
        outliers : float
            Robust standard deviations beyond which numbers are clipped; 0 clips none.
        """
        whole = {m: Statistics.of(samples, m, outliers) for m in samples.dims}
        limited = whole if outliers else {}
        return cls(
            {m: each.mean for m, each in whole.items()},
            {m: np.where(each.std > 0, each.std, np.float32(1)) for m, each in whole.items()},
            {m: each.low for m, each in limited.items()},
            {m: each.high for m, each in limited.items()},
        )

    def __call__(self, clip_id: str, modality: str, values: Vector) -> Vector:
        """Standardise an array of shape (T, D)."""
        return (self.clip(modality, values) - self.mean[modality]) / self.std[modality]

    def clip(self, modality: str, values: Vector) -> Vector:
        """Bring numbers beyond the limits back to them."""
        if modality not in self.low:
            return values
        return np.clip(values, self.low[modality], self.high[modality])

    def clipped(self, samples: Samples) -> dict[str, int]:
        """Count the numbers beyond the limits in clips as they are in the store, by modality."""
        return {
            modality: sum(
                self.beyond(modality, samples.array(c.id, modality)) for c in samples.clips
            )
            for modality in self.low
        }

    def beyond(self, modality: str, values: Vector) -> int:
        """Count the numbers beyond the limits in an array of shape (T, D)."""
        outside = (values < self.low[modality]) | (values > self.high[modality])
        return int(np.count_nonzero(outside))

    def require(self, modality: str, width: int) -> None:
        """Refuse statistics that are not those of a feature of such a width.

        Raises
        ------
        ValueError
            If one is missing, of another shape, not a number, or a spread not above 0.
        """
        for kind in ("mean", "std", "low", "high"):
            vector = getattr(self, kind).get(modality)
            if vector is None and kind in ("low", "high"):  # nothing was clipped
                continue
            if vector is None or vector.shape != (width,) or np.isnan(vector).any():
                raise ValueError(f"its {kind} of '{modality}' is not that of {width} columns")
        if not np.isfinite(self.mean[modality]).all() or not (self.std[modality] > 0).all():
            raise ValueError(f"its mean or std of '{modality}' cannot be one")

    def tensors(self) -> dict[str, Vector]:
        """Return the statistics by name, to be kept with a model."""
        parts = {MEAN: self.mean, STD: self.std, LOW: self.low, HIGH: self.high}
        return {
            f"{part}{m}": array for part, arrays in parts.items() for m, array in arrays.items()
        }

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> Standardiser:
        """Inverse of :meth:`tensors`; tensors of other names are left alone."""
        return cls(*(_starting(tensors, prefix) for prefix in (MEAN, STD, LOW, HIGH)))


def _some_rows(samples: Samples, modality: str) -> Vector:
    """Return rows of the feature, of every clip or every so many, without those that are all 0."""
    numbers = samples.dims[modality] * sum(
        samples.stores[modality].length(c.id) for c in samples.clips
    )
    clips = samples.clips[:: 1 + numbers // SAMPLE]
    rows = np.concatenate([samples.array(clip.id, modality) for clip in clips])
    return rows[rows.any(axis=1)]


def _limits(rows: Vector, outliers: float) -> tuple[Vector, Vector]:
    """Return the lowest and the highest number of each dimension that is not absurd."""
    if not len(rows):
        endless = np.full(rows.shape[1], np.inf, np.float32)
        return -endless, endless
    tail = min(max(TAIL, ROWS / len(rows)), MOST_TAIL)
    low, middle, high = np.quantile(rows, (tail, 0.5, 1 - tail), axis=0).astype(np.float64)
    spread = (high - low) / (2 * NormalDist().inv_cdf(1 - tail))
    flat = spread == 0  # nearly all are equal
    spread[flat] = rows[:, flat].std(axis=0, dtype=np.float64)
    spread[spread == 0] = 1.0  # as the standard deviation of what is constant
    with np.errstate(over="ignore"):
        low, high = middle - outliers * spread, middle + outliers * spread
        return low.astype(np.float32), high.astype(np.float32)


def _moments(arrays: Iterable[NDArray[Any]], dim: int) -> tuple[Vector, Vector]:
    """Mean and standard deviation over all rows (Chan, Golub and LeVeque 1983, pairwise update).

    The deviation of a constant dimension is 0.
    """
    count, mean, squares = 0, np.zeros(dim), np.zeros(dim)
    for array in arrays:
        if not len(array):
            continue
        rows = np.asarray(array, np.float64)
        centre = rows.mean(axis=0)
        shift, total = centre - mean, count + len(rows)
        squares += ((rows - centre) ** 2).sum(axis=0) + shift**2 * (count * len(rows) / total)
        mean += shift * (len(rows) / total)
        count = total
    std = np.sqrt(squares / max(count, 1))
    constant = std <= np.maximum(RESOLUTION * np.abs(mean), np.finfo(np.float32).tiny)
    std[constant] = 0.0
    return mean.astype(np.float32), std.astype(np.float32)


def _starting(tensors: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, Vector]:
    return {
        name.removeprefix(prefix): np.asarray(array, np.float32)
        for name, array in tensors.items()
        if name.startswith(prefix)
    }
