"""Metrics as functions of sums over clips, of which many samples are taken at once.

What a clip adds is computed once; a sample of speakers, or an exchange of two systems in some of
them, is then a sum of their sums. The values are those of `emocli.metrics.metrics.score`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.arrays import Reals
from emocli.data.manifest import Task
from emocli.metrics import sentiment
from emocli.metrics.metrics import ACCEPT, PRESENT, is_sentiment, tells_presence
from emocli.metrics.statistics import ROUNDING


@dataclass(frozen=True)
class SumMetric:
    """A metric.

    Attributes
    ----------
    terms : callable
        (targets, predictions) -> what each clip adds, shape (n, S).
    value : callable
        Sums, shape (..., S) -> the metric, shape (...).
    share : bool
        Whether it is a share of the clips, 0 where all are wrong and 1 where all are right.
    """

    terms: Callable[[NDArray[Any], Reals], Reals]
    value: Callable[[Reals], Reals]
    share: bool = False


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
    """Mark the cells of each class; NaN where intensities do not tell present from absent."""
    present = targets > (ACCEPT if intensity else PRESENT)
    taken = predicted > ACCEPT if intensity else predicted >= PRESENT
    marks = _cells(present, taken)
    return marks if not intensity or tells_presence(targets) else np.full_like(marks, np.nan)


def _each(targets: NDArray[np.int64], predicted: Reals, *, one_vs_rest: bool) -> Reals:
    """Mark the cells of each class of a single task, asked for by itself."""
    classes = np.arange(predicted.shape[1])
    chosen = predicted.argmax(axis=1)[:, None] == classes
    return _cells(targets[:, None] == classes, predicted >= PRESENT if one_vs_rest else chosen)


def _signs(
    targets: Reals, predicted: Reals, *, convention: Callable[[Reals, Reals], sentiment.Signs]
) -> Reals:
    """Mark the cells of the sign of sentiment, of the clips that a convention counts."""
    wanted, taken, counted = convention(targets, predicted)
    return _cells(wanted, taken) * counted


def _cells(present: NDArray[np.bool_], taken: NDArray[np.bool_]) -> Reals:
    """Mark true and false positives, false and true negatives of each class: (n, 4 C)."""
    cells = (present & taken, ~present & taken, present & ~taken, ~present & ~taken)
    return np.concatenate(cells, axis=1).astype(np.float64)


def _presence_accuracy(sums: Reals) -> Reals:
    tp, fp, fn, tn = np.split(sums, 4, axis=-1)
    return _mean(_over(tp + tn, tp + fp + fn + tn))


def _presence_uar(sums: Reals) -> Reals:
    tp, fp, fn, tn = np.split(sums, 4, axis=-1)
    return _mean((_over(tp, tp + fn) + _over(tn, tn + fp)) / 2)


def _f1_of_both(sums: Reals) -> tuple[Reals, Reals, Reals, Reals]:
    """Return the F1 of present and of absent, NaN without clips, and the clips of each."""
    tp, fp, fn, tn = np.split(sums, 4, axis=-1)
    there, absent = tp + fn, tn + fp
    positive = np.where(there > 0, _over(2 * tp, 2 * tp + fp + fn), np.nan)
    return positive, np.where(absent > 0, _over(2 * tn, 2 * tn + fp + fn), np.nan), there, absent


def _presence_weighted_f1(sums: Reals) -> Reals:
    positive, negative, there, absent = _f1_of_both(sums)
    return _mean(_over(there * positive + absent * negative, there + absent))


def _presence_macro_f1(sums: Reals) -> Reals:
    positive, negative, _, _ = _f1_of_both(sums)
    return _mean((positive + negative) / 2)


def _f1_pos(sums: Reals) -> Reals:
    return _mean(_f1_of_both(sums)[0])


def _f1_neg(sums: Reals) -> Reals:
    return _mean(_f1_of_both(sums)[1])


def _signs_f1(sums: Reals) -> Reals:
    """Return the F1 of both signs, weighted; a sign without clips has no weight."""
    positive, negative, there, absent = map(np.nan_to_num, _f1_of_both(sums))
    return _mean(_over(there * positive + absent * negative, there + absent))


def _counted(values: Reals) -> Reals:
    """Prepend a column of ones to the values of the clips: (n, 1 + C)."""
    return np.concatenate([np.ones((len(values), 1)), values], axis=1)


def _errors(targets: NDArray[Any], predicted: Reals, *, power: int) -> Reals:
    return _counted(np.abs(predicted - targets) ** power)


def _brier(targets: NDArray[np.int64], predicted: Reals) -> Reals:
    return _errors(np.eye(predicted.shape[1])[targets], predicted, power=2)


def _level(targets: Reals, predicted: Reals, *, most: int) -> Reals:
    """Mark the clips whose sentiment is right after rounding."""
    right = sentiment.rounded(targets, most) == sentiment.rounded(predicted, most)
    return _counted(right.astype(np.float64))


def _mean_over_classes(sums: Reals) -> Reals:
    return _mean(_over(sums[..., 1:], sums[..., :1]))


def _sum_over_classes(sums: Reals) -> Reals:
    return np.asarray(_over(sums[..., 1:], sums[..., :1]).sum(-1))


def _moments(targets: NDArray[Any], predicted: Reals) -> Reals:
    """Return one, and x, y, x^2, y^2, xy of each class: (n, 1 + 5 C).

    Both are taken from the mean of the references, for squares of numbers far from zero leave
    nothing but rounding between them.
    """
    x, y = (values.astype(np.float64) - targets.mean(axis=0) for values in (targets, predicted))
    return _counted(np.concatenate([x, y, x * x, y * y, x * y], axis=1))


def _central(sums: Reals) -> tuple[Reals, Reals, Reals, Reals]:
    """Return the difference of the means, both variances, and the covariance of each class."""
    x, y, xx, yy, xy = (_over(part, sums[..., :1]) for part in np.split(sums[..., 1:], 5, axis=-1))
    return x - y, _variance(x, xx), _variance(y, yy), xy - x * y


def _variance(mean: Reals, square: Reals) -> Reals:
    """Return a variance, 0 where only rounding is left of it."""
    variance = square - mean**2
    return np.where(variance > ROUNDING * square, variance, 0.0)


def _pearson(sums: Reals) -> Reals:
    _, x, y, both = _central(sums)
    return _mean(_over(both, np.sqrt(x * y)))


def _ccc(sums: Reals) -> Reals:
    shift, x, y, both = _central(sums)
    return _mean(np.where(x + y > 0, _over(2 * both, x + y + shift**2), np.nan))


_SQUARES = partial(_errors, power=2)
_DISTANCES = partial(_errors, power=1)


def _of_presence(terms: Callable[[NDArray[Any], Reals], Reals]) -> Mapping[str, SumMetric]:
    """Return the metrics of classes that are present or absent."""
    return {
        "accuracy": SumMetric(terms, _presence_accuracy, share=True),
        "uar": SumMetric(terms, _presence_uar),
        "weighted_f1": SumMetric(terms, _presence_weighted_f1),
        "macro_f1": SumMetric(terms, _presence_macro_f1),
        "f1_pos": SumMetric(terms, _f1_pos),
        "f1_neg": SumMetric(terms, _f1_neg),
        "binary_accuracy": SumMetric(terms, _presence_accuracy, share=True),
        "binary_f1": SumMetric(terms, _presence_weighted_f1),
    }


def _of_classes(one_vs_rest: bool) -> Mapping[str, SumMetric]:
    """Return the metrics of one class per clip."""
    each = partial(_each, one_vs_rest=one_vs_rest)
    return {
        "accuracy": SumMetric(_confusion, _accuracy, share=True),
        "uar": SumMetric(_confusion, _uar),
        "weighted_f1": SumMetric(_confusion, _weighted_f1),
        "macro_f1": SumMetric(_confusion, _macro_f1),
        "binary_accuracy": SumMetric(each, _presence_accuracy, share=True),
        "binary_f1": SumMetric(each, _presence_weighted_f1),
        "brier": SumMetric(_brier, _sum_over_classes),
    }


_INTENSITIES: Mapping[str, SumMetric] = {
    **_of_presence(partial(_presence, intensity=True)),
    "mse_sum": SumMetric(_SQUARES, _sum_over_classes),
    "mae_sum": SumMetric(_DISTANCES, _sum_over_classes),
    "mse": SumMetric(_SQUARES, _mean_over_classes),
    "mae": SumMetric(_DISTANCES, _mean_over_classes),
    "pearson": SumMetric(_moments, _pearson),
    "ccc": SumMetric(_moments, _ccc),
}

_NON_NEGATIVE = partial(_signs, convention=sentiment.non_negative)
_WITHOUT_ZEROS = partial(_signs, convention=sentiment.without_zeros)

_SENTIMENT: Mapping[str, SumMetric] = {
    "acc2_non_negative": SumMetric(_NON_NEGATIVE, _presence_accuracy, share=True),
    "f1_non_negative": SumMetric(_NON_NEGATIVE, _signs_f1),
    "acc2_without_zeros": SumMetric(_WITHOUT_ZEROS, _presence_accuracy, share=True),
    "f1_without_zeros": SumMetric(_WITHOUT_ZEROS, _signs_f1),
    "acc5": SumMetric(partial(_level, most=2), _mean_over_classes, share=True),
    "acc7": SumMetric(partial(_level, most=3), _mean_over_classes, share=True),
}

_OF_TASK: Mapping[Task, Callable[[bool], Mapping[str, SumMetric]]] = {
    "single": _of_classes,
    "multi": lambda one_vs_rest: _of_presence(partial(_presence, intensity=False)),
    "intensity": lambda one_vs_rest: _INTENSITIES,
}

WITHOUT_INTERVAL: Mapping[str, str] = {
    "ece": "no interval, for it grows with noise, and draws are noisier than the clips",
    "aurc": "no interval, for it goes by the order of all clips",
}
"""The other metrics of `score`, and what is said of them."""


def sum_metrics(
    task: Task, classes: Sequence[str], one_vs_rest: bool = False
) -> Mapping[str, SumMetric]:
    """Return the metrics that are compared and have intervals, of those that `score` gives.

    The parameters are those of `score`.
    """
    more = _SENTIMENT if is_sentiment(task, classes) else {}
    return {**_OF_TASK[task](one_vs_rest), **more}


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
