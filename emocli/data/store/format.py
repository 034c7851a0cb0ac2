"""The layout of a store file on disk, and its writer.

HDF5 lays the file out in memory; the bytes go to the disk by plain writes. So the memory needed
does not grow with the file, and a disk that fills up is an ordinary error (HDF5 itself may crash).

Nothing is compressed: gzip takes a fifth to a quarter off crops of faces, less off floats, and
reading would be 20 times slower.
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t

from emocli.data.durable import replacing, write_at
from emocli.data.store.header import FORMAT, Column, Digest
from emocli.data.track import Array
from emocli.errors import StoreError
from emocli.parsing import numbers_by_name, parse_object

RENAME = "rename it: no store can hold that"

LIBVER = ("v108", "v110")
"""The first layout of HDF5 whose structure has checksums: damage is an error, not a crash."""


@dataclass(frozen=True)
class StoreContents:
    """The contents of a store file.

    Attributes
    ----------
    ids : sequence of str
        The clips.
    lengths : sequence of int
        Rows of each.
    columns : mapping
        ``values``, ``times``, ``extra/<name>`` to their kind.
    blocks : iterable of (str, ndarray)
        The rows: those of one column in the order of the clips, the columns in any order.
    names : sequence of str
        Names of the columns of ``values``; empty where they have none.
    notes : sequence of str
        JSON text for each clip, empty for none.
    absent : sequence of str
        Clips that have no such medium.
    attributes : mapping
        Text and numbers that say how the values were made.
    sources : sequence of str
        For each clip, then for each absent one: fingerprint of what its arrays were made from;
        empty where they may depend on other clips.
    media : sequence of str
        For each clip, then for each absent one: sizes and times of its media files, if known.
    """

    ids: Sequence[str]
    lengths: Sequence[int]
    columns: Mapping[str, Column]
    blocks: Iterable[tuple[str, Array]]
    names: Sequence[str]
    notes: Sequence[str]
    absent: Sequence[str]
    attributes: Mapping[str, str | int | float]
    sources: Sequence[str] = ()
    media: Sequence[str] = ()


def write_store(path: Path, contents: StoreContents) -> None:
    """Write a store file; it is whole or not there.

    Raises
    ------
    StoreError
        If the disk is full or the folder cannot be written.
    """
    offsets = np.concatenate([[0], np.cumsum(np.asarray(contents.lengths, np.int64))])
    digest = Digest(contents.ids, offsets.tolist())
    layout, non_finite = _Journal(), 0
    with replacing(path) as descriptor:
        with h5py.File(layout, "w", libver=LIBVER) as file:
            _write_small(file, contents, offsets)
            positions = _allocate(file, contents.columns, int(offsets[-1]))
            for name, block in contents.blocks:
                rows = np.ascontiguousarray(block, contents.columns[name].dtype)
                write_at(descriptor, rows.reshape(-1).view(np.uint8).data, positions[name])
                positions[name] += rows.nbytes
                digest.add(name, rows)
                non_finite += count_non_finite(rows) if name == "values" else 0
            _set(file, "non_finite", non_finite)
            _set(file, "digest", digest.hexdigest())
        for position, data in layout.writes:
            write_at(descriptor, data, position)
        os.ftruncate(descriptor, layout.size)


def count_non_finite(values: Array) -> int:
    """Count NaN and infinite numbers."""
    return int(values.size - np.isfinite(values).sum()) if values.dtype.kind == "f" else 0


def sum_notes(notes: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Add up notes by name; exactly, so that the order of the clips does not matter."""
    values: dict[str, list[float]] = {}
    for note in notes:
        for name, value in note.items():
            values.setdefault(name, []).append(float(value))
    sums = {name: math.fsum(numbers) for name, numbers in sorted(values.items())}
    return {name: int(total) if total.is_integer() else total for name, total in sums.items()}


def _write_small(file: h5py.File, contents: StoreContents, offsets: Array) -> None:
    for name in ("ids", "names", "notes", "absent", "sources", "media"):
        file[name] = _texts(getattr(contents, name))
    file["offsets"] = offsets
    sums = sum_notes(numbers_by_name(parse_object(text)) for text in contents.notes if text)
    counts = {"clips": len(contents.ids), "rows": int(offsets[-1]), "absent": len(contents.absent)}
    attributes = {**contents.attributes, **counts, "notes": json.dumps(sums), "format": FORMAT}
    for key, value in sorted(attributes.items()):
        _set(file, key, value)


def _set(file: h5py.File, key: str, value: str | float) -> None:
    """Set an attribute; text of fixed length lies in the header, which has a checksum."""
    if isinstance(value, str):
        encoded = value.encode("utf-8")
        file.attrs.create(key, encoded, dtype=h5py.string_dtype("utf-8", max(1, len(encoded))))
    else:
        file.attrs[key] = value


def _allocate(file: h5py.File, columns: Mapping[str, Column], rows: int) -> dict[str, int]:
    """Give every array its place in the file, without writing it."""
    plan = h5p.create(h5p.DATASET_CREATE)
    plan.set_alloc_time(h5d.ALLOC_TIME_EARLY)
    plan.set_fill_time(h5d.FILL_TIME_NEVER)
    plan.set_obj_track_times(False)
    positions = {}
    for name, column in columns.items():
        group = file.require_group("extra") if "/" in name else file
        kind = h5t.py_create(column.dtype, logical=True)
        space = h5s.create_simple((rows, *column.shape))
        dataset = h5d.create(group.id, name.rpartition("/")[2].encode(), kind, space, plan)
        positions[name] = dataset.get_offset() or 0  # None where there is no row
    return positions


def _texts(texts: Sequence[str]) -> Array:
    encoded = [_encoded(text) for text in texts]
    width = max(map(len, encoded), default=0)
    return np.array(encoded, dtype=h5py.string_dtype("utf-8", max(1, width)))


def _encoded(text: str) -> bytes:
    """Encode a text; HDF5 drops zero bytes at its end, and half a character has no code."""
    try:
        encoded = text.encode("utf-8")
    except UnicodeEncodeError:
        raise StoreError(f"{text!r} is no Unicode text", hint=RENAME) from None
    if encoded.endswith(b"\0"):
        raise StoreError(f"{text!r} ends in a zero byte", hint=RENAME)
    return encoded


class _Journal(io.RawIOBase):
    """A file in memory that keeps what is written to it as a list of (position, bytes)."""

    def __init__(self) -> None:
        self.size = 0
        self.writes: list[tuple[int, bytes]] = []
        self._position = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = base + offset
        return self._position

    def write(self, data: Any) -> int:
        self.writes.append((self._position, bytes(data)))
        self._position += len(data)
        self.size = max(self.size, self._position)
        return len(data)

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer: later writes win, zeros where nothing was written."""
        start, length = self._position, len(buffer)
        buffer[:] = bytes(length)
        for position, data in self.writes:
            first, last = max(start, position), min(start + length, position + len(data))
            if first < last:
                buffer[first - start : last - start] = data[first - position : last - position]
        self._position += length
        return length

    def truncate(self, size: int | None = None) -> int:
        self.size = self._position if size is None else size
        return self.size
