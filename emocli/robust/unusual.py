"""How unusual a modality is by itself, judged by held-out clips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emocli.robust.settings import CheckConfig

Array = NDArray[np.float64]

TINY = float(np.finfo(np.float64).tiny)


def usual(distances: Array) -> Array:
    """Sort each column of the held-out clips' distances (m, 2) (PCA.unusual), without NaN."""
    return np.sort(distances[~np.isnan(distances[:, 0])], axis=0)


def abnormality(distances: Array, known: Array) -> Array:
    """Judge clips by their distances, (B, 2) -> (B,); NaN stays NaN.

    The mean over both distances of how far their percentile among the known is from the median: 0
    is a clip like most, 1 one at the edge. Too small a distance counts as well, for a dead sensor
    gives the mean. Beyond the known it grows on with the logarithm, so that of two impossible
    modalities one is still the worse.
    """
    parts = [
        _from_median(x, column)
        for x, column in zip(distances.T, known.T, strict=True)
        if column[-1] > 0  # no residual where the reduction keeps all dimensions
    ]
    return np.where(np.isnan(distances[:, 0]), np.nan, np.mean(parts, axis=0))


def limit(clean: Array, noisy: Array, config: CheckConfig) -> float:
    """Choose how unusual a modality may be, by held-out clips and (``youden``) noisy copies.

    Of limits that do equally well, one near the clean clips, the nearer the more of them there are:
    it finds weaker noise.
    """
    clean, noisy = np.sort(clean[~np.isnan(clean)]), np.sort(noisy[~np.isnan(noisy)])
    if config.outliers == "quantile":
        return float(np.quantile(clean, 1 - config.quantile))
    candidates = np.unique(np.concatenate([clean, noisy]))
    found = 1 - np.searchsorted(noisy, candidates, side="right") / max(len(noisy), 1)
    false = 1 - np.searchsorted(clean, candidates, side="right") / len(clean)
    best = np.flatnonzero(found - false == (found - false).max())
    low, high = candidates[best[0]], candidates[min(best[0] + 1, len(candidates) - 1)]
    return float(low + (high - low) / np.sqrt(len(clean)))


def _from_median(x: Array, known: Array) -> Array:
    x = np.maximum(x, TINY)
    inside = np.clip(x, np.maximum(known[0], TINY), known[-1])
    percentile = np.searchsorted(known, x) / len(known)
    return np.asarray(np.abs(2 * percentile - 1) + np.abs(np.log(x / inside)))
