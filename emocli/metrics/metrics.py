"""Metrics of classification and of intensities, each with its definition.

Every task reports ``accuracy``, ``uar``, ``weighted_f1`` and ``macro_f1``; what they count depends
on the task and is stated in `DEFINITIONS`. A ratio that is not defined (recall and F1 of a class
nobody showed) is NaN, stays out of means, and its class is listed in ``Scores.undefined``. An F1
without any hit is 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.manifest import Task
from emocli.metrics import sentiment
from emocli.metrics.calibration import area_under_risk, brier, expected_calibration_error

ACCEPT = 0.1
"""Intensity above which an emotion counts as present, in prediction and reference (Beard 2018)."""

PRESENT = 0.5
"""Probability from which a class of a multi-label task counts as predicted."""

COMMON = ("accuracy", "uar", "weighted_f1", "macro_f1")
"""The metrics every task has."""

_BINARY = {
    "binary_accuracy": "mean over classes of the accuracy of 'this class or not' (M3ER's MA)",
    "binary_f1": "mean over classes of the F1 of this class and of others, weighted by their clips",
}

_PRESENCE = {
    "accuracy": "mean over classes of the binary accuracy of 'class present' (M3ER's MA)",
    "uar": "mean over classes of WA = (true positive rate + true negative rate) / 2",
    "weighted_f1": "mean over classes of the F1 of present and absent, weighted by their clips",
    "macro_f1": "mean over classes of the plain mean of the F1 of present and of absent",
    "f1_pos": "mean over classes of the F1 of present",
    "f1_neg": "mean over classes of the F1 of absent",
    **_BINARY,
}

DEFINITIONS: Mapping[Task, Mapping[str, str]] = {
    "single": {
        "accuracy": "share of clips whose class of highest score is the label",
        "uar": "plain mean of the recalls of the classes that occur",
        "weighted_f1": "mean of the classes' F1, weighted by their clips",
        "macro_f1": "plain mean of the F1 of the classes that occur",
        **_BINARY,
        "ece": "distance of confidence and accuracy over 15 bins of confidence, by their clips",
        "brier": "mean squared distance of the probabilities from the label, summed over classes",
        "aurc": "mean share of errors among the most confident clips, over all coverages",
    },
    "multi": _PRESENCE,
    "intensity": {
        **_PRESENCE,
        "mse_sum": "sum over classes of the mean squared error",
        "mae_sum": "sum over classes of the mean absolute error",
        "mse": "mean over classes of the mean squared error",
        "mae": "mean over classes of the mean absolute error",
        "pearson": "mean over classes of the correlation of prediction and reference",
        "ccc": "mean over classes of the concordance correlation of prediction and reference",
    },
}
"""The definition of each metric of a task; `definitions` has those of a corpus."""

_PRESENT_ROWS = "rows: every class present in a clip; column: its class of highest score"

RULES: Mapping[Task, Mapping[str, str]] = {
    "single": {"confusion": "rows: label; column: class of highest score"},
    "multi": {"present": f"probability at least {PRESENT}", "confusion": _PRESENT_ROWS},
    "intensity": {
        "present": f"intensity above {ACCEPT}, in prediction and reference; not asked of scales "
        "on which every reference is above it",
        "confusion": _PRESENT_ROWS,
    },
}
"""Conventions of each task: presence of a class, and counts of the confusion matrix."""

ONE_VS_REST = f"probability of the class by itself at least {PRESENT}, whatever the others'"
"""How 'this class or not' is decided where a network was trained so."""

ERRORS = frozenset({"loss", "mse_sum", "mae_sum", "mse", "mae", "ece", "brier", "aurc"})
"""Metrics that are better when smaller."""

Metrics = dict[str, float]
"""Name of a metric to its value."""


@dataclass(frozen=True)
class Scores:
    """The metrics of predictions.

    Attributes
    ----------
    overall : mapping
        Name of a metric to its value.
    per_class : mapping
        Class to its metrics.
    confusion : ndarray of int, shape (C, C)
        Rows: reference; columns: prediction.
    hits : ndarray of float, shape (n,)
        What each clip adds to the accuracy, 0 to 1; their mean is the accuracy.
    undefined : mapping
        Metric to the classes for which it is not defined, and which its mean leaves out.
    """

    overall: Metrics
    per_class: dict[str, Metrics]
    confusion: NDArray[np.int64]
    hits: NDArray[np.float64]
    undefined: dict[str, list[str]]


def score(
    task: Task,
    targets: NDArray[Any],
    predicted: NDArray[Any],
    classes: Sequence[str],
    one_vs_rest: bool = False,
) -> Scores:
    """Compare predictions with labels.

    Parameters
    ----------
    task : {'single', 'multi', 'intensity'}
        What the numbers mean.
    targets : ndarray
        Index of the class, shape (n,), for ``single``; else 0/1 or intensities, shape (n, C).
    predicted : ndarray, shape (n, C)
        Probabilities, or predicted intensities.
    classes : sequence of str
        The C classes.
    one_vs_rest : bool
        Whether the probabilities of a ``single`` task are of each class by itself: then a class
        counts as predicted from one half on where each is asked for by itself (binary accuracy and
        F1); everything else takes the class of highest score.
    """
    if not len(targets):
        raise ValueError("there is no prediction to score")
    targets, predicted = np.asarray(targets), np.asarray(predicted, np.float64)
    if is_sentiment(task, classes):
        scores = _intensity(targets, predicted, classes)
        more = sentiment.sentiment(targets[:, 0].astype(np.float64), predicted[:, 0])
        return replace(scores, overall={**scores.overall, **more})
    if task == "single" and one_vs_rest:
        return _single(targets, predicted, classes, predicted >= PRESENT)
    return _SCORERS[task](targets, predicted, classes)


def definitions(task: Task, classes: Sequence[str]) -> Mapping[str, str]:
    """Return the definition of each metric that `score` gives of a task and its classes."""
    more = sentiment.DEFINITIONS if is_sentiment(task, classes) else {}
    return {**DEFINITIONS[task], **more}


def is_sentiment(task: Task, classes: Sequence[str]) -> bool:
    """Whether the metrics of `emocli.metrics.sentiment` are those of the task, too."""
    return task == "intensity" and tuple(classes) == sentiment.SENTIMENT


def tells_presence(targets: NDArray[Any]) -> bool:
    """Whether intensities tell present from absent; ratings from 1 to 5 are all above `ACCEPT`."""
    return bool((np.asarray(targets) <= ACCEPT).any())


def confusion_matrix(
    targets: NDArray[np.int64], predicted: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Count how often class i (row) was taken for class j (column)."""
    flat = np.bincount(targets * count + predicted, minlength=count * count)
    return flat.reshape(count, count).astype(np.int64)


def _single(
    targets: NDArray[np.int64],
    predicted: NDArray[np.float64],
    classes: Sequence[str],
    taken: NDArray[np.bool_] | None = None,
) -> Scores:
    """Score classes; ``taken``, (n, C), says which are predicted where each is asked by itself."""
    choice, numbers = predicted.argmax(axis=1), np.arange(len(classes))
    taken = choice[:, None] == numbers if taken is None else taken
    binary_hit, binary_chosen = (taken & (targets[:, None] == numbers)).sum(0), taken.sum(0)
    matrix = confusion_matrix(targets, choice, len(classes))
    hit, shown, chosen = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    recall, precision = _ratio(hit, shown), _ratio(hit, chosen)
    # A class without clips has no F1, however often it is predicted.
    f1 = np.where(shown > 0, _ratio(2 * hit, shown + chosen), np.nan)
    own = _by_class({"n": shown, "precision": precision, "recall": recall, "f1": f1}, classes)
    per_class = {
        name: own[name] | _against_the_rest(binary_hit[k], shown[k], binary_chosen[k], len(targets))
        for k, name in enumerate(classes)
    }
    overall = {
        "accuracy": float(hit.sum() / len(targets)),
        "uar": _mean(recall),
        "weighted_f1": float((shown * np.nan_to_num(f1)).sum() / len(targets)),
        "macro_f1": _mean(f1),
        **_binary(per_class),
        **_calibration(targets, predicted),
    }
    undefined = _undefined({"recall": recall, "precision": precision, "f1": f1}, classes)
    return Scores(overall, per_class, matrix, (choice == targets).astype(float), undefined)


def _calibration(targets: NDArray[np.int64], predicted: NDArray[np.float64]) -> Metrics:
    """Score the probabilities themselves."""
    hits, confidence = (predicted.argmax(axis=1) == targets) * 1.0, predicted.max(axis=1)
    return {
        "ece": expected_calibration_error(hits, confidence),
        "brier": brier(targets, predicted),
        "aurc": area_under_risk(hits, confidence),
    }


def _against_the_rest(hit: int, shown: int, chosen: int, clips: int) -> Metrics:
    """Score a class against all others, as Mittal 2020 does for IEMOCAP.

    The accuracy flatters: most clips are of other classes.
    """
    errors, absent = shown + chosen - 2 * hit, clips - shown
    right = absent - (chosen - hit)
    f1_pos = 2 * hit / (2 * hit + errors) if shown else float("nan")
    f1_neg = 2 * right / (2 * right + errors) if absent else float("nan")
    return {
        "accuracy": float((hit + right) / clips),
        "f1_pos": float(f1_pos),
        "weighted_f1": float((shown * f1_pos + absent * f1_neg) / clips),
    }


def _binary(per_class: Mapping[str, Metrics]) -> Metrics:
    """Average accuracy and F1 of each class against all others: M3ER's MA and F1, for any task."""
    kept = {"binary_accuracy": "accuracy", "binary_f1": "weighted_f1"}
    return {
        name: _mean(np.array([metrics[key] for metrics in per_class.values()]))
        for name, key in kept.items()
    }


def _multi(targets: NDArray[Any], predicted: NDArray[np.float64], classes: Sequence[str]) -> Scores:
    return _presence(targets > PRESENT, predicted >= PRESENT, predicted, classes)


def _intensity(
    targets: NDArray[Any], predicted: NDArray[np.float64], classes: Sequence[str]
) -> Scores:
    present = _presence(targets > ACCEPT, predicted > ACCEPT, predicted, classes)
    if not tells_presence(targets):
        present = _without_presence(present, classes)
    error = predicted - targets
    mse, mae = (error**2).mean(axis=0), np.abs(error).mean(axis=0)
    r, agreement = (f(targets.astype(np.float64), predicted) for f in (_correlation, _concordance))
    overall = {
        **present.overall,
        "mse_sum": float(mse.sum()),
        "mae_sum": float(mae.sum()),
        "mse": float(mse.mean()),
        "mae": float(mae.mean()),
        "pearson": _mean(r),
        "ccc": _mean(agreement),
    }
    own = _by_class({"mse": mse, "mae": mae, "pearson": r, "ccc": agreement}, classes)
    per_class = {name: present.per_class[name] | own[name] for name in classes}
    undefined = {**present.undefined, **_undefined({"pearson": r, "ccc": agreement}, classes)}
    return Scores(overall, per_class, present.confusion, present.hits, undefined)


def _without_presence(scores: Scores, classes: Sequence[str]) -> Scores:
    """Say that presence is not defined, rather than that whatever is predicted is right."""
    per_class = {
        name: dict.fromkeys(own, float("nan")) | {"n": own["n"]}
        for name, own in scores.per_class.items()
    }
    return Scores(
        overall=dict.fromkeys(scores.overall, float("nan")),
        per_class=per_class,
        confusion=scores.confusion,
        hits=np.full(len(scores.hits), np.nan),
        undefined={key: list(classes) for key in _PRESENCE if key not in _BINARY},
    )


def _presence(
    present: NDArray[np.bool_],
    taken: NDArray[np.bool_],
    predicted: NDArray[np.float64],
    classes: Sequence[str],
) -> Scores:
    """Score the presence of each class."""
    tp, tn = (present & taken).sum(axis=0), (~present & ~taken).sum(axis=0)
    there, absent = present.sum(axis=0), (~present).sum(axis=0)
    errors = (present != taken).sum(axis=0)
    f1_pos, f1_neg = _ratio(2 * tp, 2 * tp + errors), _ratio(2 * tn, 2 * tn + errors)
    # What no clip shows has no F1, however often it is predicted.
    f1_pos, f1_neg = np.where(there > 0, f1_pos, np.nan), np.where(absent > 0, f1_neg, np.nan)
    metrics = {
        "accuracy": (tp + tn) / len(present),
        "uar": (_ratio(tp, there) + _ratio(tn, absent)) / 2,
        "weighted_f1": (there * f1_pos + absent * f1_neg) / len(present),
        "macro_f1": (f1_pos + f1_neg) / 2,
        "f1_pos": f1_pos,
        "f1_neg": f1_neg,
    }
    per_class = _by_class({"n": there, **metrics}, classes)
    clip, shown = np.nonzero(present)
    matrix = confusion_matrix(shown, predicted.argmax(axis=1)[clip], len(classes))
    overall = {key: _mean(value) for key, value in metrics.items()} | _binary(per_class)
    hits = (present == taken).mean(axis=1)
    return Scores(overall, per_class, matrix, hits, _undefined(metrics, classes))


_SCORERS = {"single": _single, "multi": _multi, "intensity": _intensity}


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """Divide; NaN where there is nothing to divide by."""
    ratio = np.full(len(whole), np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio


def _by_class(metrics: Mapping[str, NDArray[Any]], classes: Sequence[str]) -> dict[str, Metrics]:
    """Return what each class has of metrics, each of which is an array over the classes."""
    return {
        name: {key: float(values[k]) for key, values in metrics.items()}
        for k, name in enumerate(classes)
    }


def _mean(values: NDArray[np.float64]) -> float:
    """Mean over what is defined."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def _undefined(
    metrics: Mapping[str, NDArray[np.float64]], classes: Sequence[str]
) -> dict[str, list[str]]:
    """List the classes for which a metric is not defined."""
    holes = {
        key: [name for name, value in zip(classes, values, strict=True) if np.isnan(value)]
        for key, values in metrics.items()
    }
    return {key: names for key, names in holes.items() if names}


def _correlation(
    targets: NDArray[np.float64], predicted: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Pearson's r of each column; NaN where one side does not vary."""
    x, y = targets - targets.mean(axis=0), predicted - predicted.mean(axis=0)
    scale = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    # A constant column's deviations are rounding errors, not a signal.
    varies = (np.ptp(targets, axis=0) > 0) & (np.ptp(predicted, axis=0) > 0) & (scale > 0)
    r = np.full(len(scale), np.nan)
    np.divide((x * y).sum(axis=0), scale, out=r, where=varies)
    return r


def _concordance(
    targets: NDArray[np.float64], predicted: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Concordance correlation of each column (Lin 1989, Biometrics 45).

    ``2 cov(x, y) / (var(x) + var(y) + (mean(x) - mean(y))^2)``, moments over n; NaN where neither
    side varies.
    """
    x, y = targets - targets.mean(axis=0), predicted - predicted.mean(axis=0)
    shift = targets.mean(axis=0) - predicted.mean(axis=0)
    scale = (x**2).mean(axis=0) + (y**2).mean(axis=0) + shift**2
    varies = (np.ptp(targets, axis=0) > 0) | (np.ptp(predicted, axis=0) > 0)
    agreement = np.full(len(scale), np.nan)
    np.divide(2 * (x * y).mean(axis=0), scale, out=agreement, where=varies)
    return agreement
