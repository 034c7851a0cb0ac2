"""The anomaly of a modality by itself: how far its vectors are from those of held-out clips."""

from __future__ import annotations

import numpy as np

from emocli.data.arrays import Reals
from emocli.robust.check.settings import CheckConfig

TINY = float(np.finfo(np.float64).tiny)


def reference(distances: Reals) -> Reals:
    """Sort each column of the held-out clips' distances (m, 2) (PCA.distances), without NaN."""
    return np.sort(distances[~np.isnan(distances[:, 0])], axis=0)


def anomaly(distances: Reals, known: Reals) -> Reals:
    """Judge clips by their distances, (B, 2) -> (B,); NaN stays NaN.

    The mean over both distances of how far their percentile among the known is from the median: 0
    is a clip like most, 1 one at the edge. Along the components too small a distance counts as
    well, for a dead sensor gives the mean; the distance from them can only be too large, for the
    clips the components were fitted on lie close to them. Beyond the known it grows on with the
    logarithm, so that of two impossible modalities one is still the worse.
    """
    parts = [
        _beyond(x, column, both)
        for x, column, both in zip(distances.T, known.T, (False, True), strict=True)
        if column[-1] > 0  # no residual where the reduction keeps all dimensions
    ]
    return np.where(np.isnan(distances[:, 0]), np.nan, np.mean(parts, axis=0))


def anomaly_limit(clean: Reals, noisy: Reals, config: CheckConfig) -> float:
    """Choose the limit of anomaly scores, by held-out clips and (``youden``) noisy copies.

    Of limits that do equally well, one near the clean clips, the nearer the more of them there are:
    it finds weaker noise.
    """
    clean, noisy = np.sort(clean[~np.isnan(clean)]), np.sort(noisy[~np.isnan(noisy)])
    if config.outliers == "quantile":
        return float(np.quantile(clean, 1 - config.quantile))
    candidates = np.unique(np.concatenate([clean, noisy]))
    hits = 1 - np.searchsorted(noisy, candidates, side="right") / max(len(noisy), 1)
    alarms = 1 - np.searchsorted(clean, candidates, side="right") / len(clean)
    best = np.flatnonzero(hits - alarms == (hits - alarms).max())
    low, high = candidates[best[0]], candidates[min(best[0] + 1, len(candidates) - 1)]
    return float(low + (high - low) / np.sqrt(len(clean)))


def _beyond(x: Reals, known: Reals, both: bool) -> Reals:
    """Tell how far beyond the median of the known numbers are, to ``both`` sides or above only."""
    x = np.maximum(x, TINY)
    inside = np.clip(x, np.maximum(known[0], TINY), known[-1])
    above = 2 * np.searchsorted(known, x) / len(known) - 1 + np.log(x / inside)
    return np.asarray(np.abs(above) if both else np.maximum(above, 0.0))
