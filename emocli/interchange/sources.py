"""Source files of features, each read by what it is."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import numpy as np

from emocli.data.align import Timed
from emocli.data.clip import Clip
from emocli.data.hdf5 import is_hdf5
from emocli.errors import StoreError
from emocli.interchange.csd import Csd
from emocli.interchange.mmsa import ARRAYS, SUFFIXES, Mmsa, read_mmsa
from emocli.interchange.npz import Ragged, read_ragged

HINTS = {
    "text": ("text", "glove", "bert", "word"),
    "audio": ("audio", "covarep", "opensmile", "wav", "mfcc"),
    "visual": ("visual", "vision", "video", "facet", "openface", "face", "action_unit"),
}
"""Modality to what the name of its file may hold."""


class FeatureSource(Protocol):
    """A file of features.

    ``entries`` are clips, or whole recordings that clips are cut out of; ``names`` those of the
    columns; ``from_clip`` says whether the times of an entry that is a clip count from its start.
    """

    entries: Sequence[str]
    from_clip: bool

    @property
    def hint(self) -> str:
        """What to do if it has no clip of a manifest; empty where that is not known."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, if they have some."""
        ...

    def rows(self, entry: str) -> Timed:
        """Return the rows of an entry."""
        ...

    def notes(self, entry: str) -> Mapping[str, int]:
        """Return counts of an entry that are worth reporting."""
        ...


class _WithoutNotes:
    """A source that has nothing to report."""

    hint = ""

    def notes(self, entry: str) -> Mapping[str, int]:
        """Return nothing."""
        del entry
        return {}


class NpzSource(_WithoutNotes):
    """A ragged npz."""

    from_clip = True

    def __init__(self, ragged: Ragged) -> None:
        self.entries: Sequence[str] = ragged.ids
        self.names = ragged.names
        self._ragged = ragged
        self._position = {entry: k for k, entry in enumerate(ragged.ids)}

    def rows(self, entry: str) -> Timed:
        """Return the rows of an entry; a time is an interval without length."""
        span = self._ragged.rows(self._position[entry])
        times = self._ragged.times
        moments = None if times is None else np.stack([times[span]] * 2, axis=1)
        return Timed(self._ragged.values[span], moments)


class CsdSource(_WithoutNotes):
    """A computational sequence; the entry read last is kept, for the next clip cut out of it."""

    from_clip = False

    def __init__(self, file: Csd) -> None:
        self.entries: Sequence[str] = file.entries
        self.names = file.names
        self._file = file
        self._last: tuple[str, Timed] | None = None

    def rows(self, entry: str) -> Timed:
        """Return the rows of an entry."""
        if self._last is None or self._last[0] != entry:
            self._last = entry, self._file.rows(entry)
        return self._last[1]


class PickleSource(_WithoutNotes):
    """One array of an MMSA pickle."""

    from_clip = True
    names: tuple[str, ...] = ()

    def __init__(self, pickle: Mmsa, modality: str) -> None:
        self.entries: Sequence[str] = list(pickle.places)
        self._pickle, self._array = pickle, ARRAYS.get(modality, modality)

    def rows(self, entry: str) -> Timed:
        """Return the rows of an entry, which have no times."""
        return self._pickle.rows(entry, self._array)


@contextmanager
def opened(path: Path, modality: str) -> Iterator[FeatureSource]:
    """Open a file of features; `StoreError` if it is absent, damaged, or none that is known."""
    kind = kind_of(path)
    if kind == "npz":
        yield NpzSource(read_ragged(path))
    elif kind == "pkl":
        yield PickleSource(read_mmsa(path), modality)
    else:
        with Csd(path) as file:
            yield CsdSource(file)


def kind_of(path: Path) -> str:
    """Tell ``npz``, ``csd`` and ``pkl`` apart by what is in the file.

    Raises
    ------
    StoreError
        If it is none of them.
    """
    if is_hdf5(path):
        return "csd"
    if path.is_file() and zipfile.is_zipfile(path):
        return "npz"
    if path.suffix in SUFFIXES:
        return "pkl"
    if path.suffix in (".npz", ".csd"):
        return path.suffix[1:]  # absent or damaged: its reader says which
    hint = "a ragged .npz, a .csd or an MMSA .pkl is expected; of tables name their --format"
    raise StoreError("is none of the files emocli imports", where=path, hint=hint)


def modalities_of(path: Path) -> tuple[str, ...]:
    """Guess what a file describes: a pickle says it, of others the name may.

    Raises
    ------
    StoreError
        If the name does not.
    """
    if kind_of(path) == "pkl":
        return read_mmsa(path).modalities
    name = path.stem.lower()
    hinted = [modality for modality, words in HINTS.items() if any(word in name for word in words)]
    if len(hinted) != 1:
        what = "its name does not say which modality it describes"
        raise StoreError(what, where=path, hint="give --modality text, audio, visual or any other")
    return tuple(hinted)


def importable(root: Path) -> list[Path]:
    """Find the files of a folder that `emocli import` reads without --modality."""
    suffixes = (".npz", ".csd", *SUFFIXES)
    return [path for path in sorted(root.rglob("*")) if path.suffix in suffixes and _takes(path)]


def words_in(root: Path) -> Path | None:
    """Find a computational sequence of words in a folder, or else of their vectors."""
    vectors = None
    for path in sorted(root.rglob("*.csd")):
        with suppress(StoreError), Csd(path) as file:
            if file.is_words:
                return path
            vectors = path if modalities_of(path) == ("text",) else vectors
    return vectors


def _takes(path: Path) -> bool:
    try:
        if kind_of(path) == "csd":
            with Csd(path) as file:
                if file.is_words:
                    return False
        return bool(modalities_of(path))
    except StoreError:
        return False


def locate(source: FeatureSource, entries: set[str], clip: Clip) -> Timed:
    """Return a clip's rows, times from its start: its own entry, or a part of its dialogue's.

    Raises
    ------
    StoreError
        If it would have to be cut out of rows whose times are not known.
    """
    start = clip.start or 0.0
    if clip.id in entries:
        rows = source.rows(clip.id)
        return rows if source.from_clip else rows.since(start)
    rows = source.rows(clip.dialogue)
    if not rows.timed:
        what = f"clip '{clip.id}' cannot be cut out of '{clip.dialogue}', whose rows have no times"
        raise StoreError(what, hint="give rows times, or every clip an entry of its own")
    return rows.cut(start, np.inf if clip.end is None else clip.end).since(start)
