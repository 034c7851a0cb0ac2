"""The interface of a feature plug-in, and the track it returns: the arrays of one clip.

A module in ``emocli/features`` offers

``MODALITY``
    the modality of its feature: ``text``, ``audio``, ``visual`` or any other string;
``REQUIRES``
    names of the features it is computed from (a tuple, usually empty);
``Config``
    its settings;
``PER_CLIP`` (optional)
    true if the track of a clip depends on nothing but that clip, its media and what is upstream:
    then it is kept when other clips join the manifest;
``LIBRARIES`` (optional)
    names of the distributions it runs on beside NumPy, SciPy and h5py (a tuple): their versions
    are recorded in the store;
``prepare(config, clips) -> Extractor``
    called once, before any clip, with all clips of the manifest (to collect a vocabulary, say);
    the extractor is pickled to the workers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from emocli.config import Settings
from emocli.data.clip import Clip

Array = NDArray[Any]


class Absent(Exception):  # noqa: N818 - not an error: the clip has no such medium
    """The clip has no medium this feature could be computed from: counted, not a failure."""


@dataclass(frozen=True)
class Track:
    """One feature of one clip.

    Attributes
    ----------
    values : ndarray, shape (T, ...)
        A row per step; T may be 0.
    times : ndarray, shape (T,), optional
        Seconds from the start of the clip, one per row (the centre of what the row describes).
    extra : mapping
        Further arrays, each with T rows.
    notes : mapping
        Counts worth reporting, summed over the clips in the report of the extraction. A name with
        a dot counts a part of another: ``{"words": 14, "words.out_of_vocabulary": 2}``.
    """

    values: Array
    times: Array | None = None
    extra: Mapping[str, Array] = field(default_factory=dict)
    notes: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = len(self.values)
        for name, array in {"times": self.times, **self.extra}.items():
            if array is not None and len(array) != rows:
                raise ValueError(f"{name} has {len(array)} rows, values has {rows}")

    def __len__(self) -> int:
        return len(self.values)


class Extractor(Protocol):
    """Computes one feature clip by clip; must survive pickling.

    ``names`` are the names of the columns (empty where they have none) and ``rate`` is the number
    of rows per second (None where irregular).
    """

    names: Sequence[str]
    rate: float | None

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Compute the feature of one clip.

        ``upstream`` holds the clip's tracks of the features in ``REQUIRES``.

        Raises
        ------
        Absent
            If the clip has no such medium or text.
        EmocliError
            If its medium cannot be used.
        """
        ...


class Feature(Protocol):
    """The module of a feature plug-in, as a type."""

    MODALITY: str
    REQUIRES: tuple[str, ...]
    Config: type[Settings]

    def prepare(self, config: Any, clips: Sequence[Clip]) -> Extractor:
        """Make the extractor for a corpus."""
        ...
