"""Canonical correlation analysis, regularised and in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from emocli.data.arrays import Reals
from emocli.robust.pca import signs


@dataclass(frozen=True)
class CCA:
    """Two linear maps under which two sets of variables correlate most (Hotelling 1936).

    Attributes
    ----------
    mean_x, mean_y : ndarray, shapes (dx,), (dy,)
        Subtracted first.
    projection_x, projection_y : ndarray, shapes (dx, k), (dy, k)
        H of Mittal 2020, section 3.3. A projected variable has unit variance (less by what the
        regularisation takes) and correlates with its counterpart only.
    correlations : ndarray, shape (k,)
        Canonical correlations, largest first, in [0, 1].
    """

    mean_x: Reals
    mean_y: Reals
    projection_x: Reals
    projection_y: Reals
    correlations: Reals

    @classmethod
    def fit(
        cls, x: NDArray[Any], y: NDArray[Any], components: int | None = None, reg: float = 0.1
    ) -> Self:
        """Fit on n pairs of rows.

        Parameters
        ----------
        x, y : ndarray, shapes (n, dx), (n, dy)
            n is at least 2; all numbers are finite.
        components : int, optional
            How many to keep; at most (and by default) min(dx, dy).
        reg : float
            Share of the mean variance that is added to every variance:
            C_xx + reg tr(C_xx) / dx I.

        Notes
        -----
        Sought are the H that make H_x' C_xy H_y diagonal and greatest, while H_x' C_xx H_x =
        H_y' C_yy H_y = I. With whiteners W, W' C W = I, every H = W Q with Q'Q = I has unit
        variances, and what is left is the singular value decomposition W_x' C_xy W_y = U S V':
        H_x = W_x U, H_y = W_y V, and the correlations are S.
        """
        mean_x, mean_y = x.mean(axis=0, dtype=np.float64), y.mean(axis=0, dtype=np.float64)
        x, y = x - mean_x, y - mean_y
        n = len(x) - 1
        white_x, white_y = _whitener(x.T @ x / n, reg), _whitener(y.T @ y / n, reg)
        u, correlations, vt = np.linalg.svd(
            white_x.T @ (x.T @ y / n) @ white_y, full_matrices=False
        )
        k = min(components or len(correlations), len(correlations))
        projection_x, projection_y = white_x @ u[:, :k], white_y @ vt[:k].T
        # Scores across components depend on each pair's sign, which the SVD leaves open; and so do
        # the whiteners those of their columns, so that entries of u have signs by chance.
        sign = signs(projection_x)
        return cls(
            mean_x,
            mean_y,
            projection_x * sign,
            projection_y * sign,
            np.clip(correlations[:k], 0.0, 1.0),
        )

    def transform_x(self, x: NDArray[Any]) -> Reals:
        """Project rows of the first set, shape (n, dx) -> (n, k)."""
        return (x - self.mean_x) @ self.projection_x

    def transform_y(self, y: NDArray[Any]) -> Reals:
        """Project rows of the second set, shape (n, dy) -> (n, k)."""
        return (y - self.mean_y) @ self.projection_y


def _whitener(covariance: Reals, reg: float) -> Reals:
    """Return W with W' (C + reg tr(C) / d I) W = I; directions without variance are left out."""
    values, vectors = np.linalg.eigh(covariance)
    values = values + reg * values.mean()
    kept = values > values[-1] * len(values) * np.finfo(np.float64).eps
    whitener: Reals = vectors[:, kept] / np.sqrt(values[kept])
    return whitener
