"""Functionals of views: statistics over time, a vector of fixed length for each clip.

Mean, standard deviation and largest value over time of every dimension of every view, one after the
other, z-scored by the training clips. A view whose clips have one step each (an utterance's vector)
is taken as it is. What a clip lacks counts as the training clips' mean. What lies further from it
than a limit is brought back to that: noise makes deviations and largest values that no training
clip has, and a linear model of them would follow them to any length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emocli.data.samples import Samples

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Functionals:
    """Functionals of views, and their scaling.

    Attributes
    ----------
    vectors : frozenset of str
        Modalities with one step per clip.
    mean, std : ndarray, shape (D,)
        Of the training clips; ``std`` is 1 where a column does not vary.
    limit : float
        Standard deviations from the mean beyond which a functional is brought back; 0: none.
    steps : int
        Steps that they are of at most: of a longer view each is the mean of several; 0: any.
    """

    vectors: frozenset[str]
    mean: Matrix
    std: Matrix
    limit: float = 0.0
    steps: int = 0

    @classmethod
    def fit(cls, train: Samples, limit: float = 0.0, steps: int = 0) -> Functionals:
        """Fit the scaling on training clips, and note the views that are sequences."""
        return cls.fit_transform(train, limit, steps)[0]

    @classmethod
    def fit_transform(
        cls, train: Samples, limit: float = 0.0, steps: int = 0
    ) -> tuple[Functionals, Matrix]:
        """Fit it, and return the scaled functionals of the same clips, shape (n, D)."""
        vectors = frozenset(
            modality
            for modality, store in train.stores.items()
            if all(store.length(clip.id) <= 1 for clip in train.clips)
        )
        raw = functionals(train, vectors, steps)
        there = np.isfinite(raw)
        count = np.maximum(there.sum(axis=0), 1)
        mean = np.where(there, raw, 0).sum(axis=0) / count
        std = np.sqrt(np.where(there, (raw - mean) ** 2, 0).sum(axis=0) / count)
        fitted = cls(vectors, mean, np.where(std > 0, std, 1), limit, steps)
        return fitted, fitted._scaled(raw)

    def __call__(self, samples: Samples) -> Matrix:
        """Return scaled functionals, shape (n, D)."""
        return self._scaled(functionals(samples, self.vectors, self.steps))

    def _scaled(self, raw: Matrix) -> Matrix:
        scaled: Matrix = (raw - self.mean) / self.std
        filled: Matrix = np.where(np.isnan(scaled), 0, scaled)
        return np.clip(filled, -self.limit, self.limit) if self.limit else filled


def functionals(samples: Samples, vectors: frozenset[str] = frozenset(), steps: int = 0) -> Matrix:
    """Return mean, standard deviation and maximum over time of each view, one after the other.

    Parameters
    ----------
    samples : Samples
        n clips.
    vectors : set of str
        Modalities that are taken as they are.
    steps : int
        Steps that they are of at most; 0: any number.

    Returns
    -------
    ndarray, shape (n, D)
        NaN where a clip lacks a view.
    """
    rows = []
    for clip in samples.clips:
        parts = []
        for modality in samples.stores:
            values = np.asarray(samples.array(clip.id, modality), np.float64)
            width = values.shape[1] * (1 if modality in vectors else 3)
            if len(values):
                parts.append(_summary(_condensed(values, steps), modality in vectors))
            else:
                parts.append(_nothing(width))
        rows.append(np.concatenate(parts))
    return np.stack(rows)


def _condensed(values: Matrix, steps: int) -> Matrix:
    """Return means of as many steps each as it takes, as `emocli.plugin.blocks` gathers them."""
    size = -(-len(values) // steps) if steps else 1
    if size == 1:
        return values
    starts = np.arange(0, len(values), size)
    sizes = np.diff(np.append(starts, len(values)))
    means: Matrix = np.add.reduceat(values, starts, axis=0) / sizes[:, None]
    return means


def _summary(values: Matrix, vector: bool) -> Matrix:
    parts = values if vector else (values.mean(axis=0), values.std(axis=0), values.max(axis=0))
    return np.concatenate(parts)


def _nothing(width: int) -> Matrix:
    return np.full(width, np.nan)
