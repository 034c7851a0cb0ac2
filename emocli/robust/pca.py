"""Principal component analysis of many rows, and the distances of a row from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from emocli.data.arrays import Reals

ROWS = 2048
"""Rows that are held in float64 at once."""

EXACT = 3000
"""Shorter side up to which the decomposition is exact; beyond, randomised (and repeatable)."""

SPARE, ROUNDS = 10, 7
"""Of the randomised one: directions beyond those asked for, and passes over the rows."""

TIED = 1e-6
"""Share of the largest entry of a direction by which others may be smaller and count as large."""

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

    mean: Reals
    components: Reals
    variances: Reals
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

    def scores(self, x: NDArray[Any]) -> Reals:
        """Coordinates of rows along the components, shape (n, d) -> (n, k)."""
        return np.concatenate([part @ self.components.T for part in _centred(x, self.mean)])

    def distances(self, x: NDArray[Any]) -> Reals:
        """How far rows are from those it was fitted on, shape (n, d) -> (n, 2).

        First the squared distance from the plane of the components (the residual), second the
        squared Mahalanobis distance within it.
        """
        squares = np.square(self.scores(x))
        lengths = [np.square(part).sum(axis=1) for part in _centred(x, self.mean)]
        residual = np.concatenate(lengths) - squares.sum(axis=1)
        residual[residual < 1e-9 * self.total] = 0.0  # what rounding leaves of a full-rank fit
        varying = self.variances > 0  # a direction without variance has no unit to measure it in
        inside = (squares[:, varying] / self.variances[varying]).sum(axis=1)
        return np.stack([residual, inside], axis=1)


def signs(columns: Reals) -> Reals:
    """Return the sign, 1 or -1, of each column's largest entry, to settle what is arbitrary.

    Of entries that rounding alone tells apart it is the first one's: the order of the rows that the
    directions were found in must not matter.
    """
    if not columns.size:
        return np.ones(columns.shape[1])
    sizes = np.abs(columns)
    largest = (sizes >= (1 - TIED) * sizes.max(axis=0)).argmax(axis=0)
    return np.where(columns[largest, np.arange(columns.shape[1])] < 0, -1.0, 1.0)


def _centred(x: NDArray[Any], mean: Reals) -> Iterator[Reals]:
    for start in range(0, max(len(x), 1), ROWS):
        yield x[start : start + ROWS] - mean


def _directions(x: NDArray[Any], mean: Reals, k: int) -> tuple[Reals, Reals]:
    """Return the k largest eigenvalues of the scatter matrix, and their vectors, shape (d, k)."""
    from scipy.linalg import eigh

    n, width = x.shape
    if min(n, width) > EXACT:
        return _subspace(x, mean, k)
    if width <= n:
        scatter = sum(part.T @ part for part in _centred(x, mean))
        values, vectors = eigh(scatter, subset_by_index=(width - k, width - 1))
        return values[::-1], vectors[:, ::-1]
    centred = x - mean
    values, left = eigh(centred @ centred.T, subset_by_index=(n - k, n - 1))
    values = np.maximum(values[::-1], TINY)
    return values, centred.T @ (left[:, ::-1] / np.sqrt(values))


def _subspace(x: NDArray[Any], mean: Reals, k: int) -> tuple[Reals, Reals]:
    """Do so by subspace iteration from random directions (Halko et al. 2011, algorithm 4.4).

    These are directions of the columns: another order of the rows gives the same, up to rounding.
    """
    rng = np.random.default_rng(0)
    base = rng.normal(size=(x.shape[1], min(k + SPARE, *x.shape)))
    for _ in range(ROUNDS):
        base = _scattered(x, mean, np.linalg.qr(base)[0])
    base = np.linalg.qr(base)[0]
    values, turned = np.linalg.eigh(base.T @ _scattered(x, mean, base))
    return values[::-1][:k], base @ turned[:, ::-1][:, :k]


def _scattered(x: NDArray[Any], mean: Reals, base: Reals) -> Reals:
    """Multiply directions (d, l) by the scatter matrix, without making it."""
    return np.asarray(sum(part.T @ (part @ base) for part in _centred(x, mean)))
