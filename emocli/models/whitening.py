"""Whitening of functionals by what they vary by within a class: ``S -> W S W = I``.

Speakers, sentences and recordings change many functionals together, whatever the emotion. Where the
classes are known, S is the covariance of clips about the mean of their class, else about the mean
of all; W makes these directions as short as any other.

Of few clips S is estimated badly. So it is shrunk towards a sphere, ``S' = (1 - a) S + a mu I``, mu
being the mean variance and a Ledoit's and Wolf's; and only its R first principal axes U, of
variances v, are kept: along all others its variance is the mean of theirs, r. So

    W = r^(-1/2) I + U diag(v^(-1/2) - r^(-1/2)) U^T

up to a factor. Of more than R columns the axes are those of a randomised decomposition: exact where
variances fall off, approximate where they are all alike.

Sources: Hatch, Kajarekar and Stolcke 2006, Interspeech, "Within-class covariance normalization for
SVM-based speaker recognition"; Ledoit and Wolf 2004, Journal of Multivariate Analysis 88(2), "A
well-conditioned estimator for large-dimensional covariance matrices"; Tipping and Bishop 1999,
Journal of the Royal Statistical Society B 61(3), "Probabilistic principal component analysis".
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from emocli.models.functionals import Matrix

AXES = 256
"""R, at most."""

LEAST = 1e-3
"""Shrinkage, at least: a few clips may leave directions without any variance."""

NOTHING = 1e-6
"""Largest deviation that counts as rounding."""


class Whitening(nn.Module):
    """W, at first the identity: (n, D) -> (n, D).

    Directions in which clips hardly vary are lengthened, and with them any noise: so x W is clipped
    at ``limit``; 0: it is not.

    >>> clips = np.random.default_rng(0).normal(size=(500, 2)) * [10.0, 1.0]
    >>> whitening = Whitening(2)
    >>> whitening.fit(clips, np.zeros(500))
    >>> [round(each) for each in whitening(torch.from_numpy(clips).float()).std(dim=0).tolist()]
    [1, 1]
    """

    axes: Tensor
    gains: Tensor
    rest: Tensor

    def __init__(self, width: int, limit: float = 0.0) -> None:
        super().__init__()
        self.limit = limit or math.inf
        count = min(width, AXES)
        self.register_buffer("axes", torch.zeros(width, count))
        self.register_buffer("gains", torch.zeros(count))
        self.register_buffer("rest", torch.ones(()))

    def fit(self, x: Matrix, groups: NDArray[np.int64]) -> None:
        """Compute W, and scale it so that the numbers of x W have a mean square of 1.

        Parameters
        ----------
        x : ndarray, shape (n, D)
            Functionals of training clips. Columns that vary within no group have no part in S; if
            none does, W stays as it is.
        groups : ndarray, shape (n,)
            Class of each clip, or one number for all.
        """
        from sklearn.covariance import ledoit_wolf_shrinkage
        from sklearn.utils.extmath import randomized_svd

        spread = x.copy()
        for group in np.unique(groups):
            spread[groups == group] -= x[groups == group].mean(axis=0)
        columns = np.flatnonzero((np.abs(spread) > NOTHING).any(axis=0))
        if not len(columns):
            return
        spread = spread[:, columns]
        shrinkage = max(ledoit_wolf_shrinkage(spread, assume_centered=True), LEAST)
        count = min(AXES, *spread.shape)
        _, lengths, rows = randomized_svd(spread, count, random_state=0)
        variances, mean = lengths**2 / len(spread), (spread**2).mean()
        others = len(columns) - count
        other = max(mean * len(columns) - variances.sum(), 0) / others if others else mean
        v, r = ((1 - shrinkage) * each + shrinkage * mean for each in (variances, other))
        axes = torch.zeros_like(self.axes)
        axes[torch.from_numpy(columns), :count] = torch.from_numpy(rows.T.copy()).to(axes)
        self.axes.copy_(axes)
        self.gains.zero_()[:count] = torch.from_numpy(v**-0.5 - r**-0.5)
        self.rest.fill_(r**-0.5)
        scale = self._product(torch.from_numpy(x).to(axes))[:, columns].square().mean().sqrt()
        self.gains /= scale
        self.rest /= scale

    def forward(self, x: Tensor) -> Tensor:
        """Return x W, within the limit."""
        return self._product(x).clamp(-self.limit, self.limit)

    def _product(self, x: Tensor) -> Tensor:
        return self.rest * x + (x @ self.axes) * self.gains @ self.axes.T
