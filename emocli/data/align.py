"""Sequences in time: cutting a clip out of a whole recording, and averaging over words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from emocli.data.store.reader import FeatureStore

STEP = 1.0
"""Seconds a row is given where nothing tells how long it lasts."""


@dataclass(frozen=True)
class Timed:
    """Rows of a feature, each describing an interval of time.

    Attributes
    ----------
    values : ndarray of float32, shape (n, D)
        May hold NaN and infinite numbers.
    intervals : ndarray of float64, shape (n, 2), optional
        Start and end of each row in seconds, NaN where they are unknown; None where the rows have
        no times.
    """

    values: NDArray[np.float32]
    intervals: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if self.intervals is not None and self.intervals.shape != (len(self.values), 2):
            raise ValueError(f"{len(self.values)} rows have intervals {self.intervals.shape}")

    @property
    def timed(self) -> bool:
        """Whether the times of all rows are known."""
        return self.intervals is not None and bool(np.isfinite(self.intervals).all())

    @property
    def times(self) -> NDArray[np.float64] | None:
        """The middle of each row's interval, in seconds."""
        return None if self.intervals is None else self.intervals.mean(axis=1)

    def cut(self, start: float, end: float) -> Timed:
        """Keep the rows whose middle is in [start, end): each belongs to one of two neighbours."""
        times = self.times
        if times is None or self.intervals is None:
            raise ValueError("rows without times cannot be cut")
        inside = (start <= times) & (times < end)
        return Timed(self.values[inside], self.intervals[inside])

    def since(self, start: float) -> Timed:
        """Count time from ``start``."""
        return self if self.intervals is None else Timed(self.values, self.intervals - start)


def by_start(values: NDArray[Any], intervals: NDArray[np.float64]) -> Timed:
    """Put rows in the order of their starts."""
    order = np.argsort(intervals[:, 0], kind="stable")
    return Timed(values[order], intervals[order])


def recorded(store: FeatureStore, clip_id: str) -> Timed:
    """Return the rows of a feature's clip, NaN and all, timed from the clip's start.

    They are in the order of the store.
    """
    span = store.span_of(clip_id)
    values = store.rows("values", *span).astype(np.float32, copy=False)
    if "times" not in store.columns:
        return Timed(values)
    return Timed(values, intervals(store.rows("times", *span), store.header.rate))


def intervals(times: NDArray[np.float64], rate: float | None) -> NDArray[np.float64]:
    """Return the start and end of rows with these times, shape (n, 2), all in seconds.

    A row lasts one step of the feature's rate; where it has none, to half-way to its neighbours.
    """
    if rate is not None or len(times) < 2:
        half = 0.5 / rate if rate else STEP / 2
        return np.stack([times - half, times + half], axis=1)
    # Words that are spoken at once need not be in the order of their middles.
    order = np.argsort(times, kind="stable")
    centres = times[order]
    inner = (centres[:-1] + centres[1:]) / 2
    first, last = 2 * centres[0] - inner[0], 2 * centres[-1] - inner[-1]
    lasting = np.empty((len(times), 2))
    lasting[order] = np.stack([np.r_[first, inner], np.r_[inner, last]], axis=1)
    return lasting


def average(rows: Timed, words: NDArray[np.float64]) -> tuple[Timed, int]:
    """Average the rows over intervals (m, 2) of words in seconds, as the CMU SDK aligns sequences.

    Returns a row per word, the mean of all rows that overlap it, number by number over those that
    are finite, zeros where there is none; and how many words no row overlaps.
    """
    if rows.intervals is None:
        raise ValueError("rows without times cannot be aligned")
    rows = by_start(rows.values, rows.intervals)
    assert rows.intervals is not None
    starts, ends = rows.intervals.T
    latest = np.maximum.accumulate(ends) if len(ends) else ends
    values = np.zeros((len(words), rows.values.shape[1]), np.float32)
    empty = 0
    for k, (start, end) in enumerate(words):
        # No row before `first` can reach into the word.
        first, last = np.searchsorted(latest, start, "right"), np.searchsorted(starts, end, "left")
        overlapping = rows.values[first:last][ends[first:last] > start]
        empty += not len(overlapping)
        finite = np.isfinite(overlapping)
        count = finite.sum(axis=0)
        total = np.where(finite, overlapping, 0).sum(axis=0, dtype=np.float64)
        values[k] = total / np.maximum(count, 1)
    return Timed(values, np.array(words, np.float64)), empty
