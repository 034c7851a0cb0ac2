"""How sure a figure is: spread over seeds, and bootstrap over groups of clips that belong together.

Clips of one dialogue or of one speaker resemble each other, so whole groups are drawn.
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

ROUNDING = 1e-12
"""Share of what it is summed from below which a sum is nothing."""

Grouping = Literal["dialogue", "speaker", "clip"]


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
        The bounds are NaN if there is only one group, or what it is a share of may be nothing.
    groups : int
        How many groups were drawn from.
    p : float
        Two-sided bootstrap p-value of the mean being zero; for differences.
    """

    mean: float
    low: float
    high: float
    groups: int
    p: float


def spread(values: ArrayLike) -> Spread:
    """Mean and sample standard deviation over seeds; a figure undefined in one seed is left out."""
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
    if count < 2 or np.isnan(mean):
        return Interval(mean, float("nan"), float("nan"), count, float("nan"))
    totals = np.bincount(member, weights=numbers, minlength=count)
    sizes = np.bincount(member, weights=counted, minlength=count)
    magnitudes = np.bincount(member, weights=np.abs(counted), minlength=count)
    rng = np.random.default_rng(seed)
    times = rng.multinomial(count, np.full(count, 1 / count), size=draws)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = (times @ totals) / _settled(times @ sizes, times @ magnitudes)
        tail = (1 - LEVEL) / 2
        bounds = np.nanquantile(means, (tail, 1 - tail))
    low, high = bounds if np.isfinite(bounds).all() else (np.nan, np.nan)
    # Counting the sample itself keeps p above 0.
    below, above = (1 + (means <= 0).sum()) / (draws + 1), (1 + (means >= 0).sum()) / (draws + 1)
    return Interval(mean, float(low), float(high), count, float(min(1.0, 2 * min(below, above))))


def _settled(sums: ArrayLike, magnitudes: ArrayLike) -> NDArray[np.float64]:
    """Return sums, 0 where only rounding is left of what they were added up from."""
    return np.where(np.abs(sums) <= ROUNDING * np.asarray(magnitudes), 0.0, sums)


def grouping(clips: Sequence[Clip]) -> Grouping:
    """Choose what belongs together: dialogues where clips share them, else speakers, else clips."""
    names: tuple[Grouping, ...] = ("dialogue", "speaker")
    for name in names:
        held = {getattr(clip, name) for clip in clips}
        if "" not in held and 1 < len(held) < len(clips):
            return name
    return "clip"


def interval_over(clips: Sequence[Clip]) -> str:
    """Say what the intervals of figures of these clips are."""
    return f"{100 * LEVEL:g} %, bootstrap over {grouping(clips)}s"


def groups(clips: Sequence[Clip], by: Grouping) -> list[str]:
    """Name the group of each clip."""
    return [clip.id if by == "clip" else str(getattr(clip, by)) for clip in clips]
