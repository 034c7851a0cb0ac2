"""Uncertainty of metrics: spread over seeds, and bootstrap over groups of clips.

Clips of one dialogue or of one speaker resemble each other, so whole groups are drawn. A few groups
give no interval: two can be drawn in three ways, and if both agree the interval has no width. Then
there is neither an interval over groups nor a p, but one over clips, taken for independent.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emocli.data.clip import Clip

DRAWS = 1000
LEVEL = 0.95

FEWEST = 8
"""Groups below which there is no interval over them."""

ROUNDING = 1e-12
"""Share of the sum of magnitudes below which a sum is taken for 0."""

Grouping = Literal["dialogue", "speaker", "clip"]

SHARED: tuple[Grouping, ...] = ("dialogue", "speaker")
"""What clips may have in common, the nearest first."""


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation (n - 1 in the denominator; NaN for a single value)."""

    mean: float
    std: float
    n: int


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval.

    Attributes
    ----------
    mean, low, high : float
        The bounds are NaN if there are fewer than `FEWEST` groups, or what it is a share of may be
        nothing.
    groups : int
        How many groups were drawn from.
    p : float
        Two-sided bootstrap p-value of the mean being zero; for differences. At least one of the
        number of draws and one; NaN if there are fewer than `FEWEST` groups.
    clips : (float, float), optional
        Bounds by drawing clips as if they were independent, which are too narrow; only where the
        groups are too few.
    """

    mean: float
    low: float
    high: float
    groups: int
    p: float
    clips: tuple[float, float] | None = None

    @property
    def bounds(self) -> tuple[float, float]:
        """Its ends."""
        return self.low, self.high

    def times(self, factor: float) -> Interval:
        """Return the interval of the mean times a number."""
        low, high = (factor * bound for bound in self.bounds)
        clips = self.clips and (factor * self.clips[0], factor * self.clips[1])
        return Interval(factor * self.mean, low, high, self.groups, self.p, clips)


def spread(values: ArrayLike) -> Spread:
    """Mean and sample standard deviation over seeds; a metric undefined in one seed is left out."""
    defined = np.asarray(values, np.float64)
    defined = defined[~np.isnan(defined)]
    n = len(defined)
    mean = float(defined.mean()) if n else float("nan")
    return Spread(mean, float(defined.std(ddof=1)) if n > 1 else float("nan"), n)


def cluster_bootstrap(
    values: ArrayLike,
    groups: Sequence[Hashable],
    draws: int = DRAWS,
    seed: int = 0,
    wholes: ArrayLike | None = None,
) -> Interval:
    """Percentile interval of a mean, or of a share, by drawing groups with replacement.

    Parameters
    ----------
    values : array_like, shape (n,)
        One number per clip: 0 or 1 for a miss or a hit. For a paired comparison pass the
        differences of two systems on the same clips.
    groups : sequence, length n
        What each clip belongs to.
    draws : int
        Number of bootstrap samples.
    seed : int
        Of the draws.
    wholes : array_like, shape (n,), optional
        What the values are parts of: their sum is divided by the sum of these, not by the number
        of clips. A share of nothing is NaN.
    """
    numbers = np.asarray(values, np.float64)
    counted = np.ones_like(numbers) if wholes is None else np.asarray(wholes, np.float64)
    names = list(dict.fromkeys(groups))
    place = {name: i for i, name in enumerate(names)}
    member = np.array([place[group] for group in groups])
    count = len(names)
    whole = float(_settled(counted.sum(), np.abs(counted).sum()))
    mean = float(numbers.sum() / whole) if whole else float("nan")
    nan = float("nan")
    if np.isnan(mean):
        return Interval(mean, nan, nan, count, nan)
    if count < FEWEST:
        return Interval(mean, nan, nan, count, nan, _over_clips(numbers, counted, draws, seed))
    sums = [
        np.bincount(member, weights=each, minlength=count).astype(np.float64)
        for each in (numbers, np.abs(numbers), counted, np.abs(counted))
    ]
    totals, most, sizes, magnitudes = sums
    low, high, p = _drawn(totals, most, sizes, magnitudes, draws, seed)
    return Interval(mean, low, high, count, p)


def _over_clips(
    numbers: NDArray[np.float64], counted: NDArray[np.float64], draws: int, seed: int
) -> tuple[float, float] | None:
    """Return the bounds by drawing clips; None if they are too few as well."""
    if len(numbers) < FEWEST:
        return None
    return _drawn(numbers, np.abs(numbers), counted, np.abs(counted), draws, seed)[:2]


def _drawn(
    totals: NDArray[np.float64],
    most: NDArray[np.float64],
    sizes: NDArray[np.float64],
    magnitudes: NDArray[np.float64],
    draws: int,
    seed: int,
) -> tuple[float, float, float]:
    """Return the bounds and the p of a ratio of sums by drawing their terms.

    ``most`` and ``magnitudes`` are what the terms above and below were added up from, without sign.
    """
    count, rng = len(totals), np.random.default_rng(seed)
    times = rng.multinomial(count, np.full(count, 1 / count), size=draws)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = _settled(times @ totals, times @ most) / _settled(times @ sizes, times @ magnitudes)
        tail = (1 - LEVEL) / 2
        bounds = np.nanquantile(means, (tail, 1 - tail))
    low, high = bounds if np.isfinite(bounds).all() else (np.nan, np.nan)
    # Counting the sample itself keeps p above 0; a share of nothing is on either side.
    unknown = 1 + int(np.isnan(means).sum())
    tail = min((unknown + int(beyond.sum())) / (draws + 1) for beyond in (means <= 0, means >= 0))
    return float(low), float(high), float(min(1.0, 2 * tail))


def _settled(sums: ArrayLike, magnitudes: ArrayLike) -> NDArray[np.float64]:
    """Return sums, 0 where only rounding is left of what they were added up from."""
    return np.where(np.abs(sums) <= ROUNDING * np.asarray(magnitudes), 0.0, sums)


def grouping(clips: Sequence[Clip]) -> Grouping:
    """Choose what belongs together: dialogues where clips share them, else speakers, else clips."""
    for name in SHARED:
        held = {getattr(clip, name) for clip in clips}
        if "" not in held and 1 < len(held) < len(clips):
            return name
    return "clip"


def clustered(clips: Sequence[Clip]) -> list[str]:
    """Name what each clip is drawn with; if all are of one dialogue or speaker, they are one."""
    return groups(clips, _unit(clips))


def interval_over(clips: Sequence[Clip]) -> str:
    """Say what the intervals of metrics of these clips are, or why there are none."""
    unit, what = _unit(clips), f"{100 * LEVEL:g} %, bootstrap over"
    count = len(set(groups(clips, unit)))
    if count >= FEWEST:
        return f"{what} {unit}s"
    why = f"none over {unit}s, of which there are {count} (it takes {FEWEST})"
    apart = unit != "clip" and len(clips) >= FEWEST
    return f"{why}; {what} clips as if they were independent" if apart else why


def warnings(clips: Sequence[Clip]) -> list[str]:
    """Say what is to be known of intervals of metrics of these clips, a line each."""
    unit = _unit(clips)
    count = len(set(groups(clips, unit)))
    if count >= FEWEST:
        return []
    few = f"{count} {unit}{'s are' if count != 1 else ' is'} too few to draw from"
    line = f"{few} (it takes {FEWEST}): there is no interval and no p over {unit}s"
    if unit == "clip" or len(clips) < FEWEST:
        return [line]
    return [f"{line}; an interval over clips takes those of one {unit} for independent"]


def _unit(clips: Sequence[Clip]) -> Grouping:
    by = grouping(clips)
    if by == "clip" and len(clips) > 1:
        for name in SHARED:
            held = {getattr(clip, name) for clip in clips}
            if len(held) == 1 and "" not in held:
                return name
    return by


def groups(clips: Sequence[Clip], by: Grouping) -> list[str]:
    """Name the group of each clip."""
    return [clip.id if by == "clip" else str(getattr(clip, by)) for clip in clips]
