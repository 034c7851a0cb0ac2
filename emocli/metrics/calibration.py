"""Calibration of probabilities: expected calibration error, and risk at each coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.record import Number, Record

BINS = 15
"""Equal intervals of confidence of the expected calibration error (Guo et al. 2017, ICML)."""

COVERAGES = tuple(round(0.05 * k, 2) for k in range(1, 21))
"""Shares of the clips of which the risk is told."""


@dataclass(frozen=True, kw_only=True)
class ReliabilityBin(Record):
    """The clips whose most probable class has a probability between two bounds.

    Attributes
    ----------
    low, high : float
        The bounds; the upper one is inside.
    n : float
        The clips, mean over the seeds.
    confidence, accuracy : float
        The mean of that probability, and the share of clips it was right of; NaN without clips.
    """

    low: float
    high: float
    n: Number
    confidence: Number
    accuracy: Number


@dataclass(frozen=True, kw_only=True)
class CalibrationCurves(Record):
    """The reliability diagram and the risk-coverage curve, of the seeds together.

    Attributes
    ----------
    bins : tuple of ReliabilityBin
        Confidence and accuracy.
    coverage : tuple of float
        Shares of the clips, the surest first.
    risk : tuple of float
        The share of errors among them, mean over the seeds.
    """

    bins: tuple[ReliabilityBin, ...]
    coverage: tuple[float, ...]
    risk: tuple[Number, ...]


def brier(targets: NDArray[np.int64], predicted: NDArray[np.float64]) -> float:
    """Mean over clips of the squared distance of the probabilities from the label: 0 to 2.

    ``targets`` (n,) are class indices, ``predicted`` (n, C) probabilities.
    """
    wanted = np.eye(predicted.shape[1])[targets]
    return float(((predicted - wanted) ** 2).sum(axis=1).mean())


def expected_calibration_error(
    hits: NDArray[np.float64], confidence: NDArray[np.float64], bins: int = BINS
) -> float:
    """Mean distance of confidence and accuracy over bins of confidence, weighted by their clips.

    ``sum over bins of n_b / n |accuracy_b - confidence_b|``; ``hits`` and ``confidence`` are (n,).
    """
    place = _bin(confidence, bins)
    gaps = np.bincount(place, weights=hits - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(hits))


def each_class(targets: NDArray[Any], classes: int) -> NDArray[Any]:
    """Return targets of one class each, shape (n,), as 0/1 for every class, (n, C)."""
    return np.eye(classes)[targets] if targets.ndim == 1 else targets


def calibration_error(probabilities: NDArray[Any], targets: NDArray[Any]) -> float:
    """Return the expected calibration error of probabilities, shape (n, C).

    Of one class per clip, targets (n,), the greatest probability is the confidence; of several,
    targets (n, C) of 0/1, each class is judged by itself. NaN without clips, or where a
    probability is not a number.
    """
    if targets.ndim == 1:
        confidence = probabilities.max(axis=1)
        hits = (probabilities.argmax(axis=1) == targets).astype(float)
    else:
        present = probabilities >= 0.5
        confidence = np.where(present, probabilities, 1 - probabilities).ravel()
        hits = (present == (targets > 0.5)).astype(float).ravel()
    if not len(hits) or not np.isfinite(confidence).all():
        return float("nan")
    return expected_calibration_error(hits, confidence)


def risk_coverage(
    hits: NDArray[np.float64], confidence: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of errors among the k surest clips, k = 1 to n, shape (n,).

    Clips of one confidence are indistinguishable: they count by their mean.
    """
    order = np.argsort(-confidence, kind="stable")
    _, place, count = np.unique(-confidence[order], return_inverse=True, return_counts=True)
    errors = np.bincount(place, weights=1 - hits[order]) / count
    return np.asarray(np.cumsum(errors[place]) / np.arange(1, len(hits) + 1))


def area_under_risk(hits: NDArray[np.float64], confidence: NDArray[np.float64]) -> float:
    """Mean of the risk over all coverages (AURC; Geifman et al. 2019, ICLR)."""
    return float(risk_coverage(hits, confidence).mean())


def calibration(
    targets: NDArray[np.int64], predictions: Sequence[NDArray[np.float64]], bins: int = BINS
) -> CalibrationCurves:
    """Return the curves of the predictions (n, C) of every seed."""
    confidence = [values.max(axis=1) for values in predictions]
    hits = [(values.argmax(axis=1) == targets).astype(float) for values in predictions]
    place = _bin(np.concatenate(confidence), bins)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        sure, right = (
            np.bincount(place, weights=np.concatenate(each), minlength=bins) / counts
            for each in (confidence, hits)
        )
    risks = np.mean([risk_coverage(h, c) for h, c in zip(hits, confidence, strict=True)], axis=0)
    last = [max(0, int(np.ceil(share * len(targets))) - 1) for share in COVERAGES]
    return CalibrationCurves(
        bins=tuple(
            ReliabilityBin(
                low=k / bins,
                high=(k + 1) / bins,
                n=counts[k] / len(predictions),
                confidence=float(sure[k]),
                accuracy=float(right[k]),
            )
            for k in range(bins)
        ),
        coverage=COVERAGES,
        risk=tuple(float(risks[k]) for k in last),
    )


def _bin(confidence: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
