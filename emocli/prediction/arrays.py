"""Features of clips that no single store file holds: in memory, in several stores, or nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from emocli.data.store import StoredFeature
from emocli.data.store.header import Header
from emocli.data.track import Array, Track
from emocli.models.run_config import View

Columns = NDArray[np.int64]
"""Which columns of a row are filled."""


@dataclass(frozen=True)
class ClipArrays:
    """The feature of one modality as a network reads it: an array (T, D) for each clip that has it.

    Attributes
    ----------
    modality : str
        What it describes.
    view : View
        The feature of the training whose place it takes.
    arrays : mapping
        Clip to its array, shape (T, D); clips that lack the feature are not in it.
    """

    modality: str
    view: View
    arrays: Mapping[str, Array] = field(default_factory=dict)

    path = Path("memory")

    @property
    def header(self) -> Header:
        """Say how it was made: as the feature of the training."""
        settings = self.view.settings
        return Header(self.name, self.modality, None, settings, "", "", "", 0, {}, {}, {}, "", {})

    @property
    def name(self) -> str:
        """The feature."""
        return self.view.feature

    @property
    def fingerprint(self) -> str:
        """That of the feature of the training."""
        return self.view.fingerprint

    @property
    def ids(self) -> tuple[str, ...]:
        """Clips that have it."""
        return tuple(self.arrays)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a row."""
        return (self.dim,)

    @property
    def dim(self) -> int:
        """Width of a row."""
        return self.view.dim

    @property
    def dim_names(self) -> tuple[str, ...]:
        """Columns have no names here."""
        return ()

    @property
    def steps(self) -> int:
        """Rows of all clips together."""
        return sum(map(len, self.arrays.values()))

    def __contains__(self, clip_id: object) -> bool:
        return clip_id in self.arrays

    def __getitem__(self, clip_id: str) -> Array:
        return self.arrays[clip_id]

    def length(self, clip_id: str) -> int:
        """Rows of a clip."""
        return len(self.arrays[clip_id]) if clip_id in self.arrays else 0

    def track(self, clip_id: str) -> Track:
        """Return a clip's rows."""
        return Track(self.arrays[clip_id])

    def lacking(self, clip_id: str) -> Mapping[str, int]:
        """Nothing is known of parts."""
        del clip_id
        return {}

    def shared(self, stretches: Mapping[str, str]) -> ClipArrays:
        """Return those of clips that are of one stretch with others; see `SharedArrays`."""
        return replace(self, arrays=SharedArrays(self.arrays, stretches))

    def close(self) -> None:
        """Do nothing: no file is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


@dataclass(frozen=True)
class StoredArrays(Mapping[str, Array]):
    """The arrays of clips in several stores, read when they are asked for.

    Attributes
    ----------
    places : mapping
        Clip to the store that has it, and the columns of a wider row that it fills; the others
        are 0, as those of a joined feature that a clip lacks.
    dim : int
        Width of that row.
    """

    places: Mapping[str, tuple[StoredFeature, Columns]]
    dim: int

    def __getitem__(self, clip_id: str) -> Array:
        store, columns = self.places[clip_id]
        values = store[clip_id]
        if values.shape[1] == self.dim:
            return values
        wide = np.zeros((len(values), self.dim), np.float32)
        wide[:, columns] = values
        return wide

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True)
class SharedArrays(Mapping[str, Array]):
    """The arrays of clips of which several are of one stretch of a recording.

    Attributes
    ----------
    arrays : mapping
        Clip that stands for the stretch to its array.
    stretches : mapping
        Clip to the one that stands for its stretch.
    """

    arrays: Mapping[str, Array]
    stretches: Mapping[str, str]

    def __getitem__(self, clip_id: str) -> Array:
        return self.arrays[self.stretches[clip_id]]

    def __iter__(self) -> Iterator[str]:
        return (clip_id for clip_id, of in self.stretches.items() if of in self.arrays)

    def __len__(self) -> int:
        return sum(of in self.arrays for of in self.stretches.values())
