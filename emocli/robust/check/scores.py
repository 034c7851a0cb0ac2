"""Scores of agreement of two projected vectors: one number for one clip.

Each takes z and w, shape (B, k), two modalities projected by their CCA, and the k canonical
correlations r; it returns shape (B,). A row with NaN scores NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from emocli.data.arrays import Reals

CERTAIN = 1.0 - 1e-9
"""A correlation of one would make any deviation infinitely unlikely."""


def cosine(z: Reals, w: Reals, r: Reals) -> Reals:
    """Cosine of the angle between the two."""
    norm = np.linalg.norm(z, axis=1) * np.linalg.norm(w, axis=1)
    return np.asarray((z * w).sum(axis=1) / np.where(norm == 0.0, 1.0, norm))


def pearson(z: Reals, w: Reals, r: Reals) -> Reals:
    """Pearson correlation across components: the rho of Mittal 2020, section 3.3."""
    return cosine(z - z.mean(axis=1, keepdims=True), w - w.mean(axis=1, keepdims=True), r)


def weighted(z: Reals, w: Reals, r: Reals) -> Reals:
    """Cosine in which a component counts by its canonical correlation."""
    return cosine(np.sqrt(r) * z, np.sqrt(r) * w, r)


def llr(z: Reals, w: Reals, r: Reals) -> Reals:
    """Log-likelihood ratio of belonging together against independence, under the Gaussian model."""
    r = np.minimum(r, CERTAIN)
    rest = 1 - r**2
    gain = -np.log(rest) / 2 - (r**2 * (z**2 + w**2) - 2 * r * z * w) / (2 * rest)
    return np.asarray(gain.sum(axis=1))


SCORES: Mapping[str, Callable[[Reals, Reals, Reals], Reals]] = {
    "pearson": pearson,
    "cosine": cosine,
    "weighted": weighted,
    "llr": llr,
}
