"""Agreement of raters: Krippendorff's alpha.

Source: Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", University of Pennsylvania.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emocli.data.arrays import Reals

MeasurementLevel = Literal["nominal", "ordinal", "interval"]


def _nominal(values: Reals, totals: Reals) -> Reals:
    return np.asarray(values[:, None] != values[None, :], np.float64)


def _ordinal(values: Reals, totals: Reals) -> Reals:
    """Return the squared number of ratings from one value to the other, each end half."""
    ranks = np.cumsum(totals) - totals / 2
    return np.asarray((ranks[:, None] - ranks[None, :]) ** 2)


def _interval(values: Reals, totals: Reals) -> Reals:
    return np.asarray((values[:, None] - values[None, :]) ** 2)


DISTANCES: Mapping[MeasurementLevel, Callable[[Reals, Reals], Reals]] = {
    "nominal": _nominal,
    "ordinal": _ordinal,
    "interval": _interval,
}
"""(values (V,), how often each was given (V,)) -> their squared distances, (V, V)."""


def alpha_of_counts(
    counts: ArrayLike, level: MeasurementLevel = "nominal", values: ArrayLike | None = None
) -> float:
    """Return Krippendorff's alpha, ``1 - D_o / D_e``, from how often each value was given.

    1 is agreement, 0 what chance would do; NaN where no two ratings of a unit, or no two different
    values, are there.

    Parameters
    ----------
    counts : array_like, shape (units, V)
        How many raters gave each unit each value; units with one rating or none do not count.
    level : {'nominal', 'ordinal', 'interval'}
        What the values are.
    values : array_like, shape (V,), optional
        The values in ascending order; by default 0, 1, ...
    """
    table = np.asarray(counts, np.float64)
    table = table[table.sum(axis=1) > 1]
    ascending = np.arange(table.shape[1]) if values is None else np.asarray(values)
    totals = table.sum(axis=0)
    distances = DISTANCES[level](ascending.astype(np.float64), totals)
    raters = table.sum(axis=1)
    pairs = np.einsum("uv,vw,uw->u", table, distances, table) / np.maximum(raters - 1, 1)
    expected = totals @ distances @ totals / max(totals.sum() - 1, 1)
    return float(1 - pairs.sum() / expected) if expected > 0 else float("nan")


def alpha(ratings: ArrayLike, level: MeasurementLevel = "nominal") -> float:
    """Return Krippendorff's alpha of ratings, shape (raters, units); NaN where there is none."""
    table = np.asarray(ratings, np.float64)
    values, place = np.unique(table[~np.isnan(table)], return_inverse=True)
    counts = np.zeros((table.shape[1], len(values)))
    units = np.broadcast_to(np.arange(table.shape[1]), table.shape)[~np.isnan(table)]
    np.add.at(counts, (units, place), 1)
    return alpha_of_counts(counts, level, values)


MOST_RATERS = 30
"""Raters above which shares are taken as they are."""

FITTING = 0.9
"""Share of the clips whose votes must be whole numbers of raters."""


def counts_of_shares(shares: ArrayLike) -> tuple[Reals, int]:
    """Return votes as counts, and how many raters most clips have.

    Rows that sum to more than one are counts already. Of shares the raters are the smallest number,
    at least two, of which `FITTING` of the rows are whole votes; a row that is none has the
    smallest number of its own. Rows without votes are zero.

    Raises
    ------
    ValueError
        If no such number up to `MOST_RATERS` is there.
    """
    table = np.nan_to_num(np.asarray(shares, np.float64))
    sums = table.sum(axis=1)
    if (sums > 1.5).any():
        return table, int(np.median(sums[sums > 0]))
    voted = table[sums > 0]
    usual = next((m for m in range(2, MOST_RATERS + 1) if _whole(voted, m).mean() >= FITTING), None)
    if usual is None:
        raise ValueError(f"the votes are no whole numbers of up to {MOST_RATERS} raters")
    raters = np.full(len(table), usual)
    for row in np.flatnonzero((sums > 0) & ~_whole(table, usual)):
        fits = (m for m in range(2, MOST_RATERS + 1) if _whole(table[row : row + 1], m)[0])
        raters[row] = next(fits, usual)
    return np.rint(table * raters[:, None]), usual


def _whole(table: Reals, raters: int) -> NDArray[np.bool_]:
    votes = table * raters
    return np.asarray((np.abs(votes - np.rint(votes)) < 0.02).all(axis=1))
