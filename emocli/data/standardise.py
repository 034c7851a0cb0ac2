"""Standardisation: zero mean and unit variance per dimension, learned from the train split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from emocli.data.samples import Samples

Vector = NDArray[np.float32]

MEAN, STD = "standardise.mean.", "standardise.std."
"""Prefixes of the tensors' names."""

RESOLUTION = float(np.finfo(np.float32).eps)
"""A spread below this share of the mean is rounding: the dimension is constant."""


@dataclass(frozen=True)
class Standardiser:
    """Subtracts a mean and divides by a standard deviation, per modality and dimension.

    A transform of :class:`~emocli.data.samples.Samples`.

    Attributes
    ----------
    mean, std : mapping
        Modality to an array of shape (D,). ``std`` is 1 where a dimension is constant.
    """

    mean: Mapping[str, Vector]
    std: Mapping[str, Vector]

    @classmethod
    def fit(cls, samples: Samples) -> Standardiser:
        """Measure every step of every clip, one clip in memory at a time."""
        moments = {
            modality: _moments((samples.array(clip.id, modality) for clip in samples.clips), dim)
            for modality, dim in samples.dims.items()
        }
        means = {modality: mean for modality, (mean, _) in moments.items()}
        return cls(means, {modality: std for modality, (_, std) in moments.items()})

    def __call__(self, clip_id: str, modality: str, values: Vector) -> Vector:
        """Standardise an array of shape (T, D)."""
        return (values - self.mean[modality]) / self.std[modality]

    def tensors(self) -> dict[str, Vector]:
        """Return the statistics by name, to be kept with a model."""
        means = {f"{MEAN}{modality}": mean for modality, mean in self.mean.items()}
        return means | {f"{STD}{modality}": std for modality, std in self.std.items()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> Standardiser:
        """Inverse of :meth:`tensors`; tensors of other names are left alone."""
        return cls(_starting(tensors, MEAN), _starting(tensors, STD))


def _moments(arrays: Iterable[NDArray[Any]], dim: int) -> tuple[Vector, Vector]:
    """Mean and standard deviation over all rows (Chan, Golub and LeVeque 1983, pairwise update)."""
    count, mean, squares = 0, np.zeros(dim), np.zeros(dim)
    for array in arrays:
        if not len(array):
            continue
        rows = np.asarray(array, np.float64)
        centre = rows.mean(axis=0)
        shift, total = centre - mean, count + len(rows)
        squares += ((rows - centre) ** 2).sum(axis=0) + shift**2 * (count * len(rows) / total)
        mean += shift * (len(rows) / total)
        count = total
    std = np.sqrt(squares / max(count, 1))
    constant = std <= np.maximum(RESOLUTION * np.abs(mean), np.finfo(np.float32).tiny)
    std[constant] = 1.0
    return mean.astype(np.float32), std.astype(np.float32)


def _starting(tensors: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, Vector]:
    return {
        name.removeprefix(prefix): np.asarray(array, np.float32)
        for name, array in tensors.items()
        if name.startswith(prefix)
    }
