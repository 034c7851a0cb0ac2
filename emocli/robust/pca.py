"""Principal component analysis of many rows, and how unusual a row is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROWS = 2048
"""Rows that are held in float64 at once."""

EXACT = 3000
"""Shorter side up to which the decomposition is exact; beyond, randomised (and repeatable)."""

NEGLIGIBLE = 1e-10
"""Share of the largest variance below which a direction counts as having none."""

TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class PCA:
    """The directions in which rows vary most.

    Attributes
    ----------
    mean : ndarray, shape (d,)
        Subtracted first.
    components : ndarray, shape (k, d)
        Orthonormal, by decreasing variance.
    variances : ndarray, shape (k,)
        Variance along each.
    total : float
        Variance along all d axes together.
    """

    mean: Array
    components: Array
    variances: Array
    total: float

    @classmethod
    def fit(cls, x: NDArray[Any], components: int) -> Self:
        """Fit on at least two finite rows, shape (n, d).

        Keeps at most ``components``, d and n - 1 directions, and none without variance.
        """
        n, width = x.shape
        mean = x.mean(axis=0, dtype=np.float64)
        total = sum(float(np.square(part).sum()) for part in _centred(x, mean))
        values, vectors = _directions(x, mean, min(components, width, n - 1))
        kept = values > max(NEGLIGIBLE * total, TINY)
        vectors = vectors[:, kept] * signs(vectors[:, kept])
        return cls(mean, vectors.T.copy(), values[kept] / (n - 1), total / (n - 1))

    def scores(self, x: NDArray[Any]) -> Array:
        """Coordinates of rows along the components, shape (n, d) -> (n, k)."""
        return np.concatenate([part @ self.components.T for part in _centred(x, self.mean)])

    def unusual(self, x: NDArray[Any]) -> Array:
        """How far rows are from those it was fitted on, shape (n, d) -> (n, 2).

        First the squared distance from the plane of the components (the residual), second the
        squared Mahalanobis distance within it.
        """
        squares = np.square(self.scores(x))
        lengths = [np.square(part).sum(axis=1) for part in _centred(x, self.mean)]
        residual = np.concatenate(lengths) - squares.sum(axis=1)
        residual[residual < 1e-9 * self.total] = 0.0  # what rounding leaves of a full-rank fit
        return np.stack([residual, (squares / self.variances).sum(axis=1)], axis=1)


def signs(columns: Array) -> Array:
    """Return the sign, 1 or -1, of each column's largest entry, to settle what is arbitrary."""
    if not columns.size:
        return np.ones(columns.shape[1])
    largest = np.abs(columns).argmax(axis=0)
    return np.where(columns[largest, np.arange(columns.shape[1])] < 0, -1.0, 1.0)


def _centred(x: NDArray[Any], mean: Array) -> Iterator[Array]:
    for start in range(0, max(len(x), 1), ROWS):
        yield x[start : start + ROWS] - mean


def _directions(x: NDArray[Any], mean: Array, k: int) -> tuple[Array, Array]:
    """Return the k largest eigenvalues of the scatter matrix, and their vectors, shape (d, k)."""
    from scipy.linalg import eigh

    n, width = x.shape
    if min(n, width) > EXACT:
        from sklearn.utils.extmath import randomized_svd  # slow to import, and seldom needed

        centred = x - mean.astype(x.dtype)
        _, roots, rows = randomized_svd(centred, k, n_iter=7, random_state=0)
        return np.square(roots, dtype=np.float64), rows.T.astype(np.float64)
    if width <= n:
        scatter = sum(part.T @ part for part in _centred(x, mean))
        values, vectors = eigh(scatter, subset_by_index=(width - k, width - 1))
        return values[::-1], vectors[:, ::-1]
    centred = x - mean
    values, left = eigh(centred @ centred.T, subset_by_index=(n - k, n - 1))
    values = np.maximum(values[::-1], TINY)
    return values, centred.T @ (left[:, ::-1] / np.sqrt(values))
