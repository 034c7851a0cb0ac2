"""Reading feature stores: one ragged HDF5 file per feature, all clips of a corpus end to end.

A file holds ``ids`` (N), ``offsets`` (N + 1), ``values`` (sum of T, ...) and, where the feature
has them, ``times`` (seconds from the clip's start) and ``extra/<name>`` with the same offsets;
``names`` of the columns, ``notes`` of each clip (JSON), ``absent``, the ids of the clips that have
no such medium, ``sources``, fingerprints of what each of these clips was, and ``media``, sizes and
times of its files then (`emocli.data.stamp`). Its attributes say how it was made. HDF5 describes
where the arrays lie; rows are read from there directly, which is several times faster than asking
HDF5 for each clip.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.folds import Fold
from emocli.data.hdf5 import DAMAGES, Hdf5, position
from emocli.data.manifest import Manifest
from emocli.data.track import Array, Track
from emocli.errors import StoreError, reason
from emocli.parsing import parse_object

FORMAT = 1
"""Version of the file format."""

AGAIN = "extract or import it again with --overwrite"
"""How a file that cannot be used is mended."""

CHECK = "check"
"""Name of the file that holds the modality check."""

RESERVED = frozenset({CHECK})
"""Names of ``.h5`` files in a store folder that are not features."""

JSON_ATTRIBUTES = ("settings", "upstream", "versions", "notes")
"""Attributes that hold JSON text."""

ATTRIBUTES = ("feature", "modality", "manifest", "recipe", "non_finite", "digest")
"""The other attributes every store has."""

TEXTS = ("feature", "modality", "manifest", "recipe", "method", "digest")
"""Attributes that hold other text."""

TIMES = "times"
"""The array that says when each row is."""

EXTRA = "extra/"
"""Prefix of the arrays beside ``values`` and ``times``."""


@dataclass(frozen=True)
class Column:
    """One array of a store: its kind, and where it lies.

    Attributes
    ----------
    dtype : numpy.dtype
        Type of an element.
    shape : tuple of int
        Shape of a row.
    offset : int or None
        Position of the first row in the file; None where HDF5 stores the rows in chunks.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int | None = None


class FeatureStore:
    """The arrays of one feature, by clip.

    Opened with :meth:`open`. The file handle belongs to one process: after a fork or an unpickling
    the file is opened again. A file replaced by a later extraction stays readable as it was.

    Attributes
    ----------
    path : Path
        The file.
    ids : tuple of str
        The clips inside, in the manifest's order.
    columns : dict
        ``values``, ``times`` and ``extra/<name>`` to their kind.
    dim_names : tuple of str
        Names of the columns of ``values``; empty where they have none.
    absent : tuple of str
        Clips that have no medium the feature could be computed from.
    sources : dict
        Clip to the fingerprint of what its arrays were made from, `Manifest.sources`; empty where
        they may depend on other clips.
    media : dict
        Clip to the sizes and times of its media files, as `emocli.data.stamp` writes them; empty
        in files of before they were noted.
    attributes : dict
        Everything recorded about how the file was made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        file = Hdf5(path, AGAIN)
        self._file: Hdf5 | None = file
        self._process = os.getpid()
        try:
            self._identity = _identity(file)
            self._read_structure(file)
        except (ValueError, TypeError, RecursionError) as error:
            file.close()
            what = f"is damaged or not a feature store ({reason(error)})"
            raise StoreError(what, where=path, hint=AGAIN) from None
        except StoreError as error:
            file.close()
            place = error.where.removeprefix(f"{path}").removeprefix(", ")
            if not place:
                raise
            what = f"is damaged or not a feature store ({place} {error.what})"
            raise StoreError(what, where=path, hint=AGAIN) from None

    @classmethod
    def open(cls, path: Path) -> FeatureStore:
        """Open a file for reading.

        Raises
        ------
        StoreError
            If it does not exist, is damaged, or is no feature store.
        """
        return cls(path)

    def _read_structure(self, file: Hdf5) -> None:
        self.attributes = _checked(file.attributes(), self.path)
        self.ids = _strings(file, "ids")
        self.absent = _strings(file, "absent")
        self.dim_names = _strings(file, "names")
        self._notes = _strings(file, "notes")
        sources = _strings(file, "sources") if file.has("sources") else ()
        self.sources = dict(zip((*self.ids, *self.absent), sources, strict=bool(sources)))
        media = _strings(file, "media") if file.has("media") else ()
        self.media = dict(zip((*self.ids, *self.absent), media, strict=bool(media)))
        self._offsets: list[int] = _offsets(file.numbers("offsets")).tolist()
        self._index = {clip_id: k for k, clip_id in enumerate(self.ids)}
        self.columns = {name: self._column(file, name) for name in _array_names(file)}
        self._check_structure()

    def _check_structure(self) -> None:
        if len(self._offsets) != len(self.ids) + 1:
            raise ValueError("its offsets do not fit its ids")
        if len(self._index) != len(self.ids):
            raise ValueError("it has the same clip twice")
        if len(self._notes) not in (0, len(self.ids)):
            raise ValueError("its notes do not fit its ids")
        if self.dim_names and self.shape != (len(self.dim_names),):
            raise ValueError(f"it names {len(self.dim_names)} columns of rows of {self.shape}")
        times = self.columns.get(TIMES)
        if times is not None and (times.shape or times.dtype.kind != "f"):
            raise ValueError("its times are no list of seconds")

    def _column(self, file: Hdf5, name: str) -> Column:
        dataset = file.dataset(*name.split("/"))
        if dataset.dtype.kind not in "fiub" or dataset.ndim == 0:
            raise ValueError(f"{name} holds no rows of numbers")
        if len(dataset) != self.steps:
            raise ValueError(f"{name} has {len(dataset)} rows, not {self.steps}")
        return Column(dataset.dtype, dataset.shape[1:], position(dataset))

    # -- what is inside

    @property
    def name(self) -> str:
        """The feature."""
        return str(self.attributes["feature"])

    @property
    def modality(self) -> str:
        """The modality the feature describes."""
        return str(self.attributes["modality"])

    @property
    def rate(self) -> float | None:
        """Rows per second; None where irregular."""
        rate = self.attributes.get("rate")
        return None if rate is None else float(rate)

    @property
    def settings(self) -> dict[str, Any]:
        """Settings the feature was computed with."""
        return dict(self.attributes["settings"])

    @property
    def manifest_fingerprint(self) -> str:
        """Fingerprint of the manifest the clips come from."""
        return str(self.attributes["manifest"])

    @property
    def recipe(self) -> str:
        """Fingerprint of how the feature was made: settings, manifest and upstream features."""
        return str(self.attributes["recipe"])

    @property
    def method(self) -> str:
        """Fingerprint of how each clip's arrays were made, whatever other clips there are."""
        # A file of before there were methods is bound to its manifest.
        return str(self.attributes.get("method", self.recipe))

    @property
    def made(self) -> dict[str, str]:
        """What another feature that is computed from this one notes about it."""
        return {"recipe": self.recipe, "method": self.method, "digest": self.fingerprint}

    @property
    def fingerprint(self) -> str:
        """Digest of the content: ids, offsets and every array."""
        return str(self.attributes["digest"])

    @property
    def non_finite(self) -> int:
        """NaN and infinite numbers in ``values``, counted when written; 0 when read."""
        return int(self.attributes["non_finite"])

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the libraries the feature was computed with."""
        return dict(self.attributes["versions"])

    @property
    def steps(self) -> int:
        """Rows of all clips together."""
        return self._offsets[-1]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a row of ``values``."""
        return self.columns["values"].shape

    @property
    def dim(self) -> int:
        """Width of a feature whose rows are vectors.

        Raises
        ------
        StoreError
            If the rows are not vectors.
        """
        if len(self.shape) != 1:
            what = f"has rows of shape {self.shape}, which no network takes"
            raise StoreError(what, where=self.path, hint="choose other features with -f")
        return self.shape[0]

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, clip_id: object) -> bool:
        return clip_id in self._index

    def length(self, clip_id: str) -> int:
        """Rows of a clip; 0 where it is not in the store."""
        k = self._index.get(clip_id)
        return 0 if k is None else self._offsets[k + 1] - self._offsets[k]

    # -- reading

    def __getitem__(self, clip_id: str) -> Array:
        """Return a clip's ``values``, shape (T, ...); non-finite numbers are 0.

        Raises
        ------
        StoreError
            If the clip is not in the store, or the file cannot be read.
        """
        return self._finite(self.rows("values", *self.span_of(clip_id)))

    def track(self, clip_id: str) -> Track:
        """Return everything about a clip."""
        start, stop = self.span_of(clip_id)
        arrays = {name: self.rows(name, start, stop) for name in self.columns}
        values, times = self._finite(arrays.pop("values")), arrays.pop("times", None)
        extra = {name.removeprefix(EXTRA): array for name, array in arrays.items()}
        return Track(values, times, extra, self.notes(clip_id))

    def notes(self, clip_id: str) -> dict[str, float]:
        """Return what the extractor noted about a clip.

        Raises
        ------
        StoreError
            If the notes are damaged.
        """
        text = self._notes[self._index[clip_id]] if self._notes else ""
        try:
            return _numbers(parse_object(text)) if text else {}
        except (ValueError, TypeError) as error:
            what = f"has damaged notes ({reason(error)})"
            raise StoreError(what, where=self.path, hint=AGAIN) from None

    def rows(self, column: str, start: int, stop: int) -> Array:
        """Return rows of one array as they lie in the file, clips end to end, NaN and all.

        Raises
        ------
        StoreError
            If the file cannot be read, or was replaced while in use.
        """
        file, kind = self._handle(), self.columns[column]
        block = np.empty((stop - start, *kind.shape), kind.dtype)
        try:
            if kind.offset is None:
                dataset = file.dataset(*column.split("/"))
                dataset.read_direct(block, np.s_[start:stop]) if block.size else None
            elif block.size:
                row_bytes = block.nbytes // len(block)
                _fill(block, file.descriptor, kind.offset + start * row_bytes)
        except DAMAGES as error:
            what = f"cannot be read ({reason(error)})"
            raise StoreError(what, where=self.path, hint=AGAIN) from None
        return block

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Rows of the clips ``ids[first:last]``, which lie end to end."""
        return self._offsets[first], self._offsets[last]

    def span_of(self, clip_id: str) -> tuple[int, int]:
        """Rows of a clip, from the first to the one after the last.

        Raises
        ------
        StoreError
            If it is not in the store.
        """
        k = self._index.get(clip_id)
        if k is None:
            raise StoreError(f"has no clip '{clip_id}'", where=self.path)
        return self._offsets[k], self._offsets[k + 1]

    def is_intact(self) -> bool:
        """Whether the content still has the digest recorded when it was written."""
        digest = Digest(self.ids, self._offsets)
        for name in self.columns:
            for start, stop in self.blocks(name, 0, self.steps):
                digest.add(name, self.rows(name, start, stop))
        return digest.hexdigest() == self.fingerprint

    def blocks(self, column: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Cut a range of rows into ranges of at most 16 MiB."""
        kind = self.columns[column]
        row_bytes = kind.dtype.itemsize * int(np.prod(kind.shape, dtype=np.int64))
        step = max(1, (16 << 20) // max(1, row_bytes))
        for first in range(start, stop, step):
            yield first, min(stop, first + step)

    def _finite(self, values: Array) -> Array:
        if self.non_finite and values.dtype.kind == "f":
            np.nan_to_num(values, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        return values

    # -- the handle

    def _handle(self) -> Hdf5:
        if self._file is None or self._process != os.getpid():
            file = Hdf5(self.path, AGAIN)
            if _identity(file) != self._identity:
                file.close()
                raise StoreError("was replaced while in use", where=self.path, hint="start again")
            self._file, self._process = file, os.getpid()
        return self._file

    def close(self) -> None:
        """Close the file; reading opens it again."""
        if self._file is not None and self._process == os.getpid():
            self._file.close()
        self._file = None

    def __enter__(self) -> FeatureStore:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None}

    def __repr__(self) -> str:
        return f"FeatureStore({str(self.path)!r}, {len(self)} clips)"


class Digest:
    """Sha256 over ids, offsets and arrays; arrays may be fed in turns, each in its own order."""

    def __init__(self, ids: Sequence[str], offsets: Sequence[int]) -> None:
        self._head = json.dumps([list(ids), list(offsets)], ensure_ascii=True)
        self._arrays: dict[str, Any] = {}

    def add(self, name: str, block: Array) -> None:
        """Feed the next rows of an array."""
        if name not in self._arrays:
            self._arrays[name] = hashlib.sha256(f"{block.dtype.str}{block.shape[1:]}".encode())
        self._arrays[name].update(np.ascontiguousarray(block).reshape(-1).view(np.uint8))

    def hexdigest(self) -> str:
        """Return the digest of everything fed so far."""
        parts = {name: array.hexdigest() for name, array in sorted(self._arrays.items())}
        return hashlib.sha256((self._head + json.dumps(parts)).encode()).hexdigest()


def store_path(folder: Path, feature: str) -> Path:
    """Where a store folder keeps a feature."""
    return folder / f"{feature}.h5"


def check_path(folder: Path, fold: Fold | None = None) -> Path:
    """Where a store folder keeps its modality check, each fold of a cross-validation its own."""
    if fold is None:
        return folder / f"{CHECK}.h5"
    return folder / f"{CHECK}s" / f"fold-{fold.index}-of-{fold.count}.h5"


def features_in(folder: Path) -> list[str]:
    """Names of the features in a store folder, sorted."""
    return sorted(
        path.stem
        for path in folder.glob("*.h5")
        if path.stem not in RESERVED and not path.name.startswith(".")
    )


def open_feature(folder: Path, feature: str, manifest: Manifest) -> FeatureStore:
    """Open one feature of a store folder.

    Raises
    ------
    StoreError
        If it is not there, is damaged, or was made for another manifest.
    """
    _require_folder(folder)
    if feature not in (known := features_in(folder)):
        inside = f"it has: {', '.join(known)}" if known else "it has none; run emocli extract first"
        raise StoreError(f"has no feature '{feature}'", where=folder, hint=inside)
    store = FeatureStore.open(store_path(folder, feature))
    if store.manifest_fingerprint != manifest.fingerprint:
        store.close()
        what = "was made for another manifest, or for this one before its clips were changed"
        hint = "extract or import it again, or into another folder"
        raise StoreError(what, where=store.path, hint=hint)
    return store


def open_features(
    folder: Path, features: Sequence[str] | None, manifest: Manifest
) -> dict[str, FeatureStore]:
    """Open one feature per modality.

    Parameters
    ----------
    folder : Path
        The store.
    features : sequence of str, optional
        Which ones; by default all whose rows are vectors.
    manifest : Manifest
        What they must have been made for.

    Returns
    -------
    dict
        Modality to its open store, modalities sorted.

    Raises
    ------
    StoreError
        If a feature is not there, does not fit the manifest, or shares its modality with another.
    """
    _require_folder(folder)
    names = features_in(folder) if features is None else list(dict.fromkeys(features))
    stores = [open_feature(folder, name, manifest) for name in names]
    if features is None:
        stores = [store for store in stores if len(store.shape) == 1]
    if not stores:
        hint = "run emocli extract or emocli import first"
        raise StoreError("has no feature a network could take", where=folder, hint=hint)
    chosen: dict[str, FeatureStore] = {}
    for store in stores:
        _ = store.dim  # refuses what no network takes
        other = chosen.setdefault(store.modality, store)
        if other is not store:
            what = f"features '{other.name}' and '{store.name}' are both {store.modality}"
            raise StoreError(what, where=folder, hint="choose one of them with -f")
    return dict(sorted(chosen.items()))


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        hint = "run emocli extract or emocli import first"
        raise StoreError("there is no such folder of features", where=folder, hint=hint)


def _identity(file: Hdf5) -> tuple[int, int, int]:
    status = os.fstat(file.descriptor)
    return status.st_ino, status.st_size, status.st_mtime_ns


def _checked(attributes: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the attributes of a file, JSON read, once they are known to be what they have to."""
    if attributes.get("format") != FORMAT:
        found = attributes.get("format", "none")
        raise StoreError(f"has format {found}, not {FORMAT}", where=path, hint=AGAIN)
    for key in (*ATTRIBUTES, *JSON_ATTRIBUTES):
        if key not in attributes:
            raise ValueError(f"it has no attribute '{key}'")
    for key in (*TEXTS, *JSON_ATTRIBUTES):
        if not isinstance(attributes.get(key, ""), str):
            raise TypeError(f"its attribute '{key}' is no text")
    count, rate = attributes["non_finite"], attributes.get("rate", 1.0)
    if type(count) is not int or count < 0:
        raise ValueError("its attribute 'non_finite' is no number of values")
    if type(rate) not in (int, float) or not 0 < rate < np.inf:
        raise ValueError("its attribute 'rate' is no number of rows per second")
    return attributes | {key: _json(attributes[key], key) for key in JSON_ATTRIBUTES}


def _json(text: str, key: str) -> dict[str, Any]:
    value = parse_object(text)
    if key == "notes":
        return _numbers(value)
    if key == "versions" and not all(isinstance(text, str) for text in value.values()):
        raise TypeError("its attribute 'versions' does not hold texts")
    return value


def _numbers(value: dict[str, Any]) -> dict[str, Any]:
    if not all(type(v) in (int, float) for v in value.values()):
        raise TypeError("its notes are not numbers by name")
    return value


def _offsets(offsets: NDArray[Any]) -> NDArray[np.int64]:
    if offsets.ndim != 1 or not len(offsets) or offsets.dtype.kind not in "iu":
        raise ValueError("its offsets are no list of whole numbers")
    whole = offsets.astype(np.int64)
    if whole[0] != 0 or np.any(whole[1:] < whole[:-1]):
        raise ValueError("its offsets do not rise from 0")
    return whole


def _array_names(file: Hdf5) -> list[str]:
    extra = sorted(file.names("extra")) if file.has("extra") else []
    return ["values", *([TIMES] if file.has(TIMES) else []), *(f"{EXTRA}{name}" for name in extra)]


def _fill(block: NDArray[Any], descriptor: int, position: int) -> None:
    """Read bytes of the file into an array; one call may return less than asked for."""
    rest = block.data.cast("B")
    while rest:
        got = os.preadv(descriptor, [rest], position)
        if got == 0:
            raise OSError("the file is truncated")
        rest, position = rest[got:], position + got


def _strings(file: Hdf5, name: str) -> tuple[str, ...]:
    texts = file.texts(name)
    if texts.ndim != 1:
        raise ValueError(f"its {name} are no list")
    return tuple(text.decode("utf-8") for text in texts.tolist())
