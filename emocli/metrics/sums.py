"""Metrics as functions of sums over clips, of which many samples are taken at once.

What a clip adds is computed once; a sample of speakers, or an exchange of two systems in some of
them, is then a sum of their sums. The values are those of `emocli.metrics.metrics.score`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.arrays import Reals
from emocli.data.manifest import Task
from emocli.metrics.metrics import ACCEPT, PRESENT, tells_presence


@dataclass(frozen=True)
class SumMetric:
    """A metric.

    Attributes
    ----------
    terms : callable
        (targets, predictions) -> what each clip adds, shape (n, S).
    value : callable
        Sums, shape (..., S) -> the metric, shape (...).
    """

    terms: Callable[[NDArray[Any], Reals], Reals]
    value: Callable[[Reals], Reals]


def _confusion(targets: NDArray[np.int64], predicted: Reals) -> Reals:
    """Mark the cell of the confusion matrix, flat: (n, C * C)."""
    count = predicted.shape[1]
    cells = targets * count + predicted.argmax(axis=1)
    return np.asarray(np.eye(count * count)[cells])


def _matrix(sums: Reals) -> tuple[Reals, Reals, Reals]:
    """Return hits, clips and predictions of each class, (..., C)."""
    count = isqrt(sums.shape[-1])
    matrix = sums.reshape(*sums.shape[:-1], count, count)
    return np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(-1), matrix.sum(-2)


def _accuracy(sums: Reals) -> Reals:
    hit, shown, _ = _matrix(sums)
    return _over(hit.sum(-1), shown.sum(-1))


def _uar(sums: Reals) -> Reals:
    hit, shown, _ = _matrix(sums)
    return _mean(_over(hit, shown))


def _weighted_f1(sums: Reals) -> Reals:
    _, shown, _ = _matrix(sums)
    return _over((shown * np.nan_to_num(_f1(sums))).sum(-1), shown.sum(-1))


def _f1(sums: Reals) -> Reals:
    """Return the F1 of each class, (..., C); NaN of a class without clips."""
    hit, shown, chosen = _matrix(sums)
    return np.where(shown > 0, _over(2 * hit, shown + chosen), np.nan)


def _macro_f1(sums: Reals) -> Reals:
    return _mean(_f1(sums))


def _presence(targets: NDArray[Any], predicted: Reals, *, intensity: bool) -> Reals:
    """Mark true and false positives, false and true negatives of each class: (n, 4 C).

    They are NaN, and so is the metric, where intensities do not tell present from absent.
    """
    present = targets > (ACCEPT if intensity else PRESENT)
    taken = predicted > ACCEPT if intensity else predicted >= PRESENT
    cells = (present & taken, ~present & taken, present & ~taken, ~present & ~taken)
    marks = np.concatenate(cells, axis=1).astype(np.float64)
    return marks if not intensity or tells_presence(targets) else np.full_like(marks, np.nan)


def _presence_accuracy(sums: Reals) -> Reals:
    tp, fp, fn, tn = np.split(sums, 4, axis=-1)
    return _mean(_over(tp + tn, tp + fp + fn + tn))


def _presence_uar(sums: Reals) -> Reals:
    tp, fp, fn, tn = np.split(sums, 4, axis=-1)
    return _mean((_over(tp, tp + fn) + _over(tn, tn + fp)) / 2)


def _f1_of_both(sums: Reals) -> tuple[Reals, Reals, Reals, Reals]:
    """Return the F1 of present (none without clips) and of absent, and the clips of each."""
    tp, fp, fn, tn = np.split(sums, 4, axis=-1)
    there, absent = tp + fn, tn + fp
    positive = np.where(there > 0, _over(2 * tp, 2 * tp + fp + fn), np.nan)
    return positive, np.nan_to_num(_over(2 * tn, 2 * tn + fp + fn)), there, absent


def _presence_weighted_f1(sums: Reals) -> Reals:
    positive, negative, there, absent = _f1_of_both(sums)
    return _mean(_over(there * positive + absent * negative, there + absent))


def _presence_macro_f1(sums: Reals) -> Reals:
    positive, negative, _, _ = _f1_of_both(sums)
    return _mean((positive + negative) / 2)


def _errors(targets: NDArray[Any], predicted: Reals, *, power: int) -> Reals:
    """Return one, and the error of each class: (n, 1 + C)."""
    errors = np.abs(predicted - targets) ** power
    return np.concatenate([np.ones((len(errors), 1)), errors], axis=1)


def _mean_error(sums: Reals) -> Reals:
    return _mean(_over(sums[..., 1:], sums[..., :1]))


def _summed_error(sums: Reals) -> Reals:
    return np.asarray(_over(sums[..., 1:], sums[..., :1]).sum(-1))


_SINGLE = partial(SumMetric, _confusion)
_MULTI = partial(SumMetric, partial(_presence, intensity=False))
_INTENSITY = partial(SumMetric, partial(_presence, intensity=True))

SUMS: Mapping[Task, Mapping[str, SumMetric]] = {
    "single": {
        "accuracy": _SINGLE(_accuracy),
        "uar": _SINGLE(_uar),
        "weighted_f1": _SINGLE(_weighted_f1),
        "macro_f1": _SINGLE(_macro_f1),
    },
    "multi": {
        "accuracy": _MULTI(_presence_accuracy),
        "uar": _MULTI(_presence_uar),
        "weighted_f1": _MULTI(_presence_weighted_f1),
        "macro_f1": _MULTI(_presence_macro_f1),
    },
    "intensity": {
        "accuracy": _INTENSITY(_presence_accuracy),
        "uar": _INTENSITY(_presence_uar),
        "weighted_f1": _INTENSITY(_presence_weighted_f1),
        "macro_f1": _INTENSITY(_presence_macro_f1),
        "mse": SumMetric(partial(_errors, power=2), _mean_error),
        "mae": SumMetric(partial(_errors, power=1), _mean_error),
        "mse_sum": SumMetric(partial(_errors, power=2), _summed_error),
        "mae_sum": SumMetric(partial(_errors, power=1), _summed_error),
    },
}
"""Metrics of each task that are compared and have intervals."""


def _over(part: Reals, whole: Reals) -> Reals:
    """Divide; NaN where there is nothing to divide by."""
    part, whole = np.broadcast_arrays(part, whole)
    ratio = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio


def _mean(values: Reals) -> Reals:
    """Mean over the classes for which it is defined."""
    defined = ~np.isnan(values)
    return _over(np.where(defined, values, 0.0).sum(-1), defined.sum(-1).astype(np.float64))
