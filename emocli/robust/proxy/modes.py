"""The linear transformations p = T f that turn a good modality into a proxy of a bad one.

Each is fitted on paired rows of the training clips, a good modality ``x`` (n, k) and a bad one
``y`` (n, q), both with zero mean, and is then called with rows of the good one, (B, k) -> (B, q).

The paper writes f = sum a_i v_i over a basis of the good modality and takes sum a_i w_i over one of
the bad modality. Bases found separately, as its text has it (``svd_unpaired``), pair directions
that have nothing to do with each other. All other modes take v_i and w_i from the same clip.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from emocli.data.arrays import Reals
from emocli.robust.pca import signs
from emocli.robust.proxy.settings import ProxyConfig, ProxyMode

Transformation = Callable[[Reals], Reals]
Fit = Callable[[Reals, Reals, ProxyConfig], Transformation]

ROWS = 256
"""Queries whose distances to all training clips are held at once."""

TIED = 1e-9
"""Squared distances that differ by less, in squared lengths of what they lie between, are equal."""


def knn_ls(x: Reals, y: Reals, config: ProxyConfig) -> Transformation:
    """Express f by the K training clips nearest to it, in least squares, and regenerate by those.

    a = (V V' + ridge tr(V V') / K I)^-1 V f, p = a W.
    """

    def local(query: Reals, near: NDArray[np.int64]) -> Reals:
        weights = _regularised(x[near] @ x[near].T, config.ridge, x[near] @ query)
        return np.asarray(weights @ y[near])

    return _by_neighbours(x, y, config.k, local)


def affine(x: Reals, y: Reals, config: ProxyConfig) -> Transformation:
    """Reconstruct f by weights of its K neighbours that sum to one (Roweis & Saul 2000)."""

    def local(query: Reals, near: NDArray[np.int64]) -> Reals:
        away = x[near] - query
        weights = _regularised(away @ away.T, config.ridge, np.ones(len(near)))
        return np.asarray(weights / weights.sum() @ y[near])

    return _by_neighbours(x, y, config.k, local)


def nn1(x: Reals, y: Reals, config: ProxyConfig) -> Transformation:
    """Take the other half of the one training clip that is nearest."""
    return _by_neighbours(x, y, 1, lambda query, near: y[near[0]])


def ridge(x: Reals, y: Reals, config: ProxyConfig) -> Transformation:
    """Regress on all training clips: T = (X' X + ridge tr(X' X) / k I)^-1 X' Y."""
    matrix = _regularised(x.T @ x, config.ridge, x.T @ y)
    return lambda queries: queries @ matrix


def paired_qr(x: Reals, y: Reals, config: ProxyConfig) -> Transformation:
    """Express f by a basis of training clips, chosen once by QR with column pivoting."""
    from scipy.linalg import qr

    _, triangle, order = qr(x.T, mode="economic", pivoting=True)
    sizes = np.abs(np.diag(triangle))
    basis = order[: int((sizes > sizes[0] * len(x) * np.finfo(np.float64).eps).sum())]
    matrix = _regularised(x[basis] @ x[basis].T, config.ridge, x[basis]).T @ y[basis]
    return lambda queries: queries @ matrix


def svd_unpaired(x: Reals, y: Reals, config: ProxyConfig) -> Transformation:
    """Take coordinates in the singular vectors of one bank as coordinates in those of the other.

    Singular vectors have no sign of their own: their largest entry is made positive, which no order
    of the clips changes. Nothing in one bank tells which sign suits the other.
    """
    v, w = _basis(x), _basis(y)
    rank = min(len(v), len(w))
    return lambda queries: queries @ v[:rank].T @ w[:rank]


def _basis(rows: Reals) -> Reals:
    """Return the right singular vectors of rows, those alone that the rows span, shape (r, q)."""
    _, sizes, vectors = np.linalg.svd(rows, full_matrices=False)
    spanned = sizes > sizes[:1] * max(rows.shape) * np.finfo(np.float64).eps
    basis = vectors[: int(spanned.sum())]
    return np.asarray(basis * signs(basis.T)[:, None])


def mean(x: Reals, y: Reals, config: ProxyConfig) -> Transformation:
    """Leave f out of account: the training clips' mean, by which others are to be judged."""
    return lambda queries: np.zeros((len(queries), y.shape[1]))


MODES: Mapping[ProxyMode, Fit] = {
    "knn_ls": knn_ls,
    "ridge": ridge,
    "paired_qr": paired_qr,
    "svd_unpaired": svd_unpaired,
    "affine": affine,
    "nn1": nn1,
    "mean": mean,
}


def _by_neighbours(
    x: Reals, y: Reals, k: int, local: Callable[[Reals, NDArray[np.int64]], Reals]
) -> Transformation:
    """Make a transformation of what is said of each query by its nearest rows."""
    k = min(k, len(x))
    squares = np.square(x).sum(axis=1)

    def transformed(queries: Reals) -> Reals:
        result = np.empty((len(queries), y.shape[1]))
        for start in range(0, len(queries), ROWS):
            part = queries[start : start + ROWS]
            far = squares - 2 * part @ x.T
            near = np.argpartition(far, k - 1, axis=1)[:, :k]
            for index, (query, rows) in enumerate(zip(part, near, strict=True)):
                rows = _tied(rows, far[index], TIED * (squares[rows].max() + query @ query), y)
                result[start + index] = local(query, rows)
        return result

    return transformed


def _tied(near: NDArray[np.int64], far: Reals, tied: float, y: Reals) -> NDArray[np.int64]:
    """Break ties among rows at the distance of the k-th nearest by their values.

    Else their order would choose, of clips that one modality cannot tell apart.
    """
    last = far[near].max()
    edge = np.flatnonzero(np.abs(far - last) <= tied)
    inside = near[far[near] < last - tied]
    if len(inside) + len(edge) == len(near):
        return near
    held = sorted(edge.tolist(), key=lambda row: tuple(np.round(y[row], 6).tolist()))
    return np.concatenate([inside, np.array(held[: len(near) - len(inside)], np.int64)])


def _regularised(matrix: Reals, share: float, right: Reals) -> Reals:
    """Solve (A + share tr(A) / n I) a = right; of a singular A without a share, the shortest a."""
    from scipy.linalg import solve

    n = len(matrix)
    trace = float(np.trace(matrix))
    if not share or not trace:
        return np.asarray(np.linalg.lstsq(matrix, right, rcond=None)[0])
    shifted = matrix + share * trace / n * np.eye(n)
    return np.asarray(solve(shifted, right, assume_a="pos"))
