"""The reader of feature stores: one ragged HDF5 file per feature, all clips of a corpus end to end.

A file holds ``ids`` (N), ``offsets`` (N + 1), ``values`` (sum of T, ...) and, where the feature
has them, ``times`` (seconds from the clip's start) and ``extra/<name>`` with the same offsets;
``names`` of the columns, ``notes`` of each clip (JSON), ``absent``, the ids of the clips that have
no such medium, ``sources``, fingerprints of what each of these clips was, and ``media``, sizes and
times of its files then (`emocli.data.stamp`). Its attributes say how it was made. HDF5 describes
where the arrays lie; rows are read from there directly, which is several times faster than asking
HDF5 for each clip.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from emocli.data.hdf5 import DAMAGES, Hdf5, position
from emocli.data.store.files import require_no_folder
from emocli.data.store.header import AGAIN, EXTRA, TIMES, Column, Digest, Header
from emocli.data.track import Array, Track
from emocli.errors import StoreError, reason
from emocli.parsing import numbers_by_name, parse_object
from emocli.paths import StrPath


class FeatureStore:
    """The arrays of one feature, by clip: one file of a store, the folder with a file per feature.

    Opened with :meth:`open`. The file handle belongs to one process: after a fork or an unpickling
    the file is opened again. A file replaced by a later extraction stays readable as it was.

    Attributes
    ----------
    name, modality : str
        The feature, and the modality it describes.
    fingerprint : str
        Digest of the content: ids, offsets and every array.
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
    header : Header
        How the values were made.
    """

    def __init__(self, path: StrPath) -> None:
        self.path = path = Path(path)
        require_no_folder(path)
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
    def open(cls, path: StrPath) -> FeatureStore:
        """Open a file for reading.

        Raises
        ------
        StoreError
            If it does not exist, is a folder, damaged, or no feature store.
        """
        return cls(path)

    def _read_structure(self, file: Hdf5) -> None:
        self.header = header = Header.of(file.attributes(), self.path)
        self.name, self.modality, self.fingerprint = header.feature, header.modality, header.digest
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
    def steps(self) -> int:
        """Rows of all clips together."""
        return self._offsets[-1]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a row of ``values``."""
        return self.columns["values"].shape

    @property
    def dim(self) -> int:
        """Width of a feature whose rows are vectors; `StoreError` if they are not."""
        if len(self.shape) != 1:
            what = f"has rows of shape {self.shape}, which no network takes"
            raise StoreError(what, where=self.path, hint="choose other features with -f")
        return self.shape[0]

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[str]:
        """Return the clips' ids, as a mapping does."""
        return iter(self.ids)

    def __contains__(self, clip_id: object) -> bool:
        return clip_id in self._index

    def length(self, clip_id: str) -> int:
        """Rows of a clip; 0 where it is not in the store."""
        k = self._index.get(clip_id)
        return 0 if k is None else self._offsets[k + 1] - self._offsets[k]

    def lacking(self, clip_id: str) -> dict[str, int]:
        """Part of the feature to the rows of a clip that lack it: none, it has no parts."""
        return {}

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
        """Return what the extractor noted about a clip; `StoreError` if the notes are damaged."""
        text = self._notes[self._index[clip_id]] if self._notes else ""
        try:
            return numbers_by_name(parse_object(text)) if text else {}
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
        if self.header.non_finite and values.dtype.kind == "f":
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None}

    def __repr__(self) -> str:
        return f"FeatureStore({str(self.path)!r}, {len(self)} clips)"


def _identity(file: Hdf5) -> tuple[int, int, int]:
    status = os.fstat(file.descriptor)
    return status.st_ino, status.st_size, status.st_mtime_ns


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
