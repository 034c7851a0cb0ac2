"""A feature whose arrays are changed as they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from emocli.data.store.feature import StoredFeature
from emocli.data.store.header import Header
from emocli.data.track import Array, Track


@dataclass(frozen=True)
class TransformedFeature:
    """A feature and what is done to each of its arrays.

    Attributes
    ----------
    source : StoredFeature
        The feature as it is in the store.
    transform : callable
        (clip id, modality, array of shape (T, D)) to an array of the same shape.
    fingerprint : str
        Digest of the content after it.
    """

    source: StoredFeature
    transform: Callable[[str, str, NDArray[np.float32]], NDArray[np.float32]]
    fingerprint: str

    @property
    def path(self) -> Path:
        """Where the feature is, for messages."""
        return self.source.path

    @property
    def header(self) -> Header:
        """How the values in the store were made."""
        return self.source.header

    @property
    def name(self) -> str:
        """The feature."""
        return self.source.name

    @property
    def modality(self) -> str:
        """The modality it describes."""
        return self.source.modality

    @property
    def ids(self) -> tuple[str, ...]:
        """The clips inside."""
        return self.source.ids

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a row."""
        return self.source.shape

    @property
    def dim(self) -> int:
        """Width of a row."""
        return self.source.dim

    @property
    def dim_names(self) -> tuple[str, ...]:
        """Names of the columns of a row."""
        return self.source.dim_names

    @property
    def steps(self) -> int:
        """Rows of all clips together."""
        return self.source.steps

    def __contains__(self, clip_id: object) -> bool:
        return clip_id in self.source

    def __getitem__(self, clip_id: str) -> Array:
        values = np.asarray(self.source[clip_id], np.float32)
        return self.transform(clip_id, self.modality, values)

    def length(self, clip_id: str) -> int:
        """Rows of a clip."""
        return self.source.length(clip_id)

    def track(self, clip_id: str) -> Track:
        """Return a clip's rows with their times."""
        return replace(self.source.track(clip_id), values=self[clip_id])

    def lacking(self, clip_id: str) -> Mapping[str, int]:
        """Part of the feature to the rows of a clip in which it has nothing."""
        return self.source.lacking(clip_id)

    def close(self) -> None:
        """Close the files; reading opens them again."""
        self.source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()
