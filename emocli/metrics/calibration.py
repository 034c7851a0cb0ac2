"""Calibration: whether of the clips judged with 70 % confidence 70 % are judged rightly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 15


def each_class(targets: NDArray[Any], classes: int) -> NDArray[Any]:
    """Return targets of one class each, shape (n,), as 0/1 for every class, (n, C)."""
    return np.eye(classes)[targets] if targets.ndim == 1 else targets


def calibration_error(probabilities: NDArray[Any], targets: NDArray[Any]) -> float:
    r"""Return the expected calibration error, in `BINS` bins of equal width.

    .. math:: \mathrm{ECE} = \sum_b \frac{n_b}{n} |\mathrm{acc}(b) - \mathrm{conf}(b)|

    Parameters
    ----------
    probabilities : ndarray, shape (n, C)
        Of one class per clip: the greatest one is the confidence; else each class by itself.
    targets : ndarray
        Indices of the classes, shape (n,); or 0/1, shape (n, C).

    Returns
    -------
    float
        0 to 1; NaN without clips, or where a probability is not a number.

    Source: Guo et al. 2017, ICML, "On Calibration of Modern Neural Networks".
    """
    if targets.ndim == 1:
        confidence = probabilities.max(axis=1)
        right = (probabilities.argmax(axis=1) == targets).astype(float)
    else:
        present = probabilities >= 0.5
        confidence = np.where(present, probabilities, 1 - probabilities).ravel()
        right = (present == (targets > 0.5)).astype(float).ravel()
    if not len(right) or not np.isfinite(confidence).all():
        return float("nan")
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, right - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(right))
