"""A feature as its readers see it, whether it is one file of a store or several side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, Self

from emocli.data.store.header import Header
from emocli.data.track import Array, Track


class StoredFeature(Protocol):
    """The arrays of one feature, by clip: a `FeatureStore`, or several of them joined."""

    @property
    def path(self) -> Path:
        """Where it is, for messages."""
        ...

    @property
    def header(self) -> Header:
        """How the values were made."""
        ...

    @property
    def name(self) -> str:
        """The feature."""
        ...

    @property
    def modality(self) -> str:
        """The modality the feature describes."""
        ...

    @property
    def fingerprint(self) -> str:
        """Digest of the content."""
        ...

    @property
    def ids(self) -> tuple[str, ...]:
        """The clips inside, in the manifest's order."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a row."""
        ...

    @property
    def dim(self) -> int:
        """Width of a row, which has to be a vector."""
        ...

    @property
    def dim_names(self) -> tuple[str, ...]:
        """Names of the columns of a row; empty where they have none."""
        ...

    @property
    def steps(self) -> int:
        """Rows of all clips together."""
        ...

    def __contains__(self, clip_id: object) -> bool:
        """Whether there is anything of the clip."""
        ...

    def __getitem__(self, clip_id: str) -> Array:
        """Return a clip's rows, shape (T, D); non-finite numbers are 0."""
        ...

    def length(self, clip_id: str) -> int:
        """Rows of a clip; 0 where there is none."""
        ...

    def track(self, clip_id: str) -> Track:
        """Return a clip's rows with their times."""
        ...

    def lacking(self, clip_id: str) -> Mapping[str, int]:
        """Part of the feature to the rows of a clip in which its columns are 0 for want of it."""
        ...

    def close(self) -> None:
        """Close the files; reading opens them again."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *raised: object) -> None: ...
