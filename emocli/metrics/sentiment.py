"""The metrics of sentiment from -3 to 3, as papers on CMU-MOSI and CMU-MOSEI print them.

Source: Zadeh et al. 2017, EMNLP (Tensor Fusion Network), and Tsai et al. 2019, ACL (MulT), for what
is above zero; Zadeh et al. 2018, ACL (CMU-MOSEI), for what is not below. The names say which.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

SENTIMENT = ("sentiment",)
"""The classes of a task of intensities that has these metrics."""

DEFINITIONS: Mapping[str, str] = {
    "acc2_non_negative": "share of clips whose sign is right: 0 or more against less than 0",
    "f1_non_negative": "F1 of 0 or more and of less than 0, weighted by their clips",
    "acc2_without_zeros": "share of clips whose sign is right, of those whose label is not 0",
    "f1_without_zeros": "F1 of above 0 and of the others, weighted, of those whose label is not 0",
    "acc5": "share of clips right after clipping to -2 to 2 and rounding to whole numbers",
    "acc7": "share of clips right after clipping to -3 to 3 and rounding to whole numbers",
}
"""The definition of each; `mae` and `pearson` are those of any intensities."""


Signs = tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]
"""Of each clip whether the label counts as positive, the prediction does, and the clip counts."""


def non_negative(targets: NDArray[np.float64], predicted: NDArray[np.float64]) -> Signs:
    """Tell 0 or more from less."""
    return targets >= 0, predicted >= 0, np.ones_like(targets, np.bool_)


def without_zeros(targets: NDArray[np.float64], predicted: NDArray[np.float64]) -> Signs:
    """Tell above 0 from the others, of the clips whose label is not 0."""
    return targets > 0, predicted > 0, targets != 0


def rounded(values: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """Round to whole numbers from ``-most`` to ``most``; halves to even ones, as papers' code."""
    return np.asarray(np.rint(np.clip(values, -most, most)))


def sentiment(targets: NDArray[np.float64], predicted: NDArray[np.float64]) -> dict[str, float]:
    """Return the metrics of `DEFINITIONS`, of scores of shape (n,); NaN where no clip counts."""
    conventions = {"non_negative": non_negative, "without_zeros": without_zeros}
    values = {}
    for name, convention in conventions.items():
        wanted, taken, counted = convention(targets, predicted)
        values[f"acc2_{name}"] = _accuracy(wanted[counted], taken[counted])
        values[f"f1_{name}"] = _weighted_f1(wanted[counted], taken[counted])
    for most in (2, 3):
        levels = rounded(targets, most), rounded(predicted, most)
        values[f"acc{2 * most + 1}"] = _accuracy(*levels)
    return values


def _accuracy(wanted: NDArray[Any], taken: NDArray[Any]) -> float:
    return float((wanted == taken).mean()) if len(wanted) else float("nan")


def _weighted_f1(wanted: NDArray[np.bool_], taken: NDArray[np.bool_]) -> float:
    if not len(wanted):
        return float("nan")
    sides = ((wanted, taken), (~wanted, ~taken))
    return float(sum(side.sum() * _f1(side, chosen) for side, chosen in sides) / len(wanted))


def _f1(wanted: NDArray[np.bool_], taken: NDArray[np.bool_]) -> float:
    whole = wanted.sum() + taken.sum()
    return float(2 * (wanted & taken).sum() / whole) if whole else 0.0
