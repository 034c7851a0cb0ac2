"""A reader of HDF5 files that may be damaged or hostile.

HDF5 lets a dataset lie in other files (external storage, external links, virtual datasets), asks
for code that is loaded from elsewhere (filters), and states sizes that nothing in the file bears
out. Here nothing but the file itself is ever read, and nothing larger than it can hold: every name
is looked up link by link, and every dataset is looked at before its first number is read.

Source: The HDF Group, HDF5 File Format Specification 3.0.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o, h5p, h5s, h5t
from numpy.typing import NDArray

from emocli.data.decompression import LARGE, room
from emocli.data.hdf5_checks import is_plain, kind_of, product, require_own, require_plain
from emocli.data.heaps import SEARCHED, find_heaps, require_heaps
from emocli.errors import StoreError, reason

Attribute = str | int | float | bool
"""A value that a file has of its own."""

SIGNATURE = b"\x89HDF\r\n\x1a\n"

DAMAGES = (
    OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, OverflowError,
    MemoryError, SystemError,
)  # fmt: skip
"""What h5py raises over damaged files."""

HOPS = 16
"""Soft links that one name may lead through."""

MOST_ATTRIBUTES = 1000


class Hdf5:
    """An HDF5 file open for reading; a context manager.

    Names are given part by part: a link's name holds no slash. ``size`` is that of the file in
    bytes, and ``hint``, how the user gets a file that is whole, the end of every message. A
    `StoreError` says if it is absent, damaged or not HDF5.
    """

    def __init__(self, path: Path, hint: str = "") -> None:
        self.path, self._hint, self._heaps_known = path, hint, False
        try:
            self.size = _size(path)
            # Readers never lock: shared folders often cannot, and files are replaced, not changed.
            self._file = h5py.File(path, "r", driver="sec2", locking=False)
            self._root = h5g.open(self._file.id, b"/")
        except FileNotFoundError:
            raise StoreError("there is no such file", where=path) from None
        except DAMAGES as error:
            what = f"is damaged or not HDF5 ({reason(error)})"
            raise StoreError(what, where=path, hint=hint) from None

    def __enter__(self) -> Hdf5:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and all that was opened in it."""
        self._file.close()

    @property
    def descriptor(self) -> int:
        """The system's descriptor of the open file."""
        return int(self._file.id.get_vfd_handle())

    # -- what is inside

    def names(self, *group: str) -> tuple[str, ...]:
        """Return what the links in a group are called, in HDF5's order.

        Raises
        ------
        StoreError
            If there is no such group, or a name is not UTF-8.
        """
        with self._errors_named(group):
            return tuple(name.decode("utf-8") for name in self._group(group))

    def has(self, *place: str) -> bool:
        """Whether there is a link of that name, wherever it leads."""
        with self._errors_named(place):
            group = self._group(place[:-1])  # held, or HDF5 forgets it before it is asked
            return bool(group.links.exists(place[-1].encode("utf-8")))

    def is_group(self, *place: str) -> bool:
        """Whether a name is that of a group.

        Raises
        ------
        StoreError
            If it leads nowhere or out of the file.
        """
        with self._errors_named(place):
            return isinstance(self._object(place), h5g.GroupID)

    def dataset(self, *place: str) -> h5py.Dataset:
        """Return a dataset that is known to lie in the file, and to fit into it.

        It holds numbers, booleans or texts; the texts of a damaged file may still be larger than
        the file, see :meth:`texts`.

        Raises
        ------
        StoreError
            If there is none, it is anything else, or it cannot be read.
        """
        with self._errors_named(place):
            identifier = self._object(place)
            if not isinstance(identifier, h5d.DatasetID):
                raise TypeError("it is no dataset")
            plan, kind = identifier.get_create_plist(), identifier.get_type()
            require_own(plan)
            require_plain(kind)
            self._require_room(identifier, plan, kind)
            dataset = h5py.Dataset(identifier)
            _ = dataset.dtype  # NumPy may have none for it
            return dataset

    def numbers(self, *place: str) -> NDArray[Any]:
        """Read a dataset of numbers or booleans; errors as `dataset`."""
        dataset = self.dataset(*place)
        with self._errors_named(place):
            if dataset.dtype.kind not in "fiub":
                raise ValueError(f"it holds {kind_of(dataset)}, not numbers")
            return _whole(dataset)

    def texts(self, *place: str) -> NDArray[Any]:
        """Read a dataset of texts, as bytes: of fixed length (``S``), or each an object.

        Errors as `dataset`.
        """
        dataset = self.dataset(*place)
        with self._errors_named(place):
            if not isinstance(dataset.id.get_type(), h5t.TypeStringID):
                raise TypeError(f"it holds {kind_of(dataset)}, not texts")
            varying = dataset.dtype.kind == "O" and dataset.size
            return self._varying(dataset) if varying else _whole(dataset)

    def attributes(self) -> dict[str, Attribute]:
        """Read the attributes of the file: texts, numbers and booleans.

        Raises
        ------
        StoreError
            If there is one of another type, or that cannot be read.
        """
        with self._errors_named(()):
            count = h5a.get_num_attrs(self._file.id)
            if count > MOST_ATTRIBUTES:
                raise ValueError(f"it has {count} attributes")
            attributes = (h5a.open(self._file.id, index=k) for k in range(count))
            return dict(map(self._attribute, attributes))

    # -- names

    def _group(self, place: tuple[str, ...]) -> h5g.GroupID:
        group = self._object(place)
        if not isinstance(group, h5g.GroupID):
            raise TypeError("it is no group")
        return group

    def _object(self, place: tuple[str, ...]) -> Any:
        hops = [HOPS]
        node: Any = self._root
        for part in place:
            node = self._follow(node, part.encode("utf-8"), hops)
        return node

    def _follow(self, group: Any, name: bytes, hops: list[int]) -> Any:
        """Open what a link leads to; ``hops``, its one entry, counts down the soft links."""
        if not isinstance(group, h5g.GroupID):
            raise TypeError("it is in no group")
        if not name or b"/" in name or name == b"." or not group.links.exists(name):
            raise ValueError("there is nothing of that name")
        kind = group.links.get_info(name).type
        if kind == h5l.TYPE_HARD:
            return h5o.open(group, name)
        if kind != h5l.TYPE_SOFT:
            raise ValueError("it is a link to another file, which is not followed")
        hops[0] -= 1
        if hops[0] < 0:
            raise ValueError("it is a link that leads in circles")
        target: bytes = group.links.get_val(name)
        node = self._root if target.startswith(b"/") else group
        for part in target.split(b"/"):
            node = node if part in (b"", b".") else self._follow(node, part, hops)
        return node

    # -- sizes

    def _require_room(self, dataset: h5d.DatasetID, plan: h5p.PropDCID, kind: h5t.TypeID) -> None:
        """Refuse a dataset whose numbers cannot all be in the file."""
        if dataset.get_space().get_simple_extent_type() == h5s.NULL:
            raise ValueError("it is empty")
        width, shape = self._width(kind), dataset.shape
        wanted, there = width * product(shape), self.size
        if plan.get_layout() == h5d.CHUNKED:
            wanted = max(wanted, width * product(plan.get_chunk()))
            stored = min(dataset.get_storage_size(), self.size)
            there = room(stored)
        elif (offset := dataset.get_offset()) is not None:
            there = self.size - offset
        if wanted > there:
            what = f"its shape {shape} asks for {wanted} bytes, which the file cannot hold"
            raise ValueError(what)

    def _width(self, kind: h5t.TypeID) -> int:
        """Return the bytes of an element in the file."""
        if isinstance(kind, h5t.TypeStringID) and kind.is_variable_str():
            if self._file.id.get_create_plist().get_sizes() != (8, 8):
                raise ValueError("its texts lie at addresses that are not of 8 bytes")
            return 16
        return int(kind.get_size())

    def _varying(self, dataset: h5py.Dataset) -> NDArray[Any]:
        """Read texts that each have their own length.

        They are references, and a small file can refer to one text many times: whatever the
        references say is counted before, or else while, the texts are read.
        """
        offset, count = dataset.id.get_offset(), int(dataset.size)
        if offset is not None:
            width = self._width(dataset.id.get_type())
            raw = np.frombuffer(os.pread(self.descriptor, count * width, offset), np.uint8)
            lengths = np.ascontiguousarray(raw.reshape(count, width)[:, :4]).view("<u4")
            self._require_bytes(int(lengths.sum(dtype=np.int64)))
            places = np.ascontiguousarray(raw.reshape(count, width)[:, 4:-4]).view("<u8")
            require_heaps(self.descriptor, self.size, self._base, np.unique(places[lengths > 0]))
            return _whole(dataset)
        return self._in_turns(dataset)

    def _in_turns(self, dataset: h5py.Dataset) -> NDArray[Any]:
        """Read texts a few rows at a time, so few that all may be as long as the file."""
        texts = np.empty(dataset.shape, object)
        if texts.ndim == 0:
            return np.asarray(dataset[()], dtype=object)
        self._require_all_heaps()
        step, row = max(1, LARGE // self.size), max(1, math.prod(texts.shape[1:]))
        if row > step:
            raise ValueError(f"it has {row} texts in a row")
        total = 0
        for start in range(0, len(texts), step // row):
            block = dataset[start : start + step // row]
            total += sum(len(text) for text in block.reshape(-1))
            self._require_bytes(total)
            texts[start : start + step // row] = block
        return texts

    @property
    def _base(self) -> int:
        """Where HDF5 counts from: behind what others may have put before it."""
        return int(self._file.id.get_create_plist().get_userblock())

    def _require_all_heaps(self) -> None:
        """Look at all heaps, where it is not known which of them is going to be read."""
        if self._heaps_known or self.size > SEARCHED:
            return
        heaps = find_heaps(self.descriptor, self.size)
        require_heaps(self.descriptor, self.size, 0, heaps)
        self._heaps_known = True

    def _require_bytes(self, total: int) -> None:
        if total > self.size:
            raise ValueError(f"its texts are {total} bytes, which the file cannot hold")

    def _attribute(self, attribute: h5a.AttrID) -> tuple[str, Attribute]:
        name = attribute.name.decode("utf-8")
        kind = attribute.get_type()
        if attribute.shape not in ((), (1,)) or not is_plain(kind) or kind.get_size() > self.size:
            raise ValueError(f"its attribute '{name}' is no text and no number")
        if isinstance(kind, h5t.TypeStringID) and kind.is_variable_str():
            self._require_all_heaps()
        array = np.empty(attribute.shape, kind.dtype)
        attribute.read(array)
        value = array.reshape(-1)[0]
        scalar = value.item() if isinstance(value, np.generic) else value
        return name, scalar.decode("utf-8") if isinstance(scalar, bytes) else scalar

    @contextmanager
    def _errors_named(self, place: tuple[str, ...]) -> Iterator[None]:
        """Turn what h5py raises into one line that names the file and the place in it."""
        try:
            yield
        except DAMAGES as error:
            where = f"{self.path}, '{'/'.join(place)}'" if place else self.path
            what = f"cannot be read ({_plainly(error)})"
            raise StoreError(what, where=where, hint=self._hint) from None


def is_hdf5(path: Path) -> bool:
    """Whether a file begins as HDF5 does, at byte 0, 512, 1024, 2048, ..."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        size, position = os.fstat(file.fileno()).st_size, 0
        while position + len(SIGNATURE) <= size:
            file.seek(position)
            if file.read(len(SIGNATURE)) == SIGNATURE:
                return True
            position = max(512, 2 * position)
    return False


def _whole(dataset: h5py.Dataset) -> NDArray[Any]:
    """Read all of a dataset."""
    array: NDArray[Any] = np.empty(dataset.shape, dataset.dtype)
    if array.size:
        dataset.id.read(h5s.ALL, h5s.ALL, array)
    return array


def position(dataset: h5py.Dataset) -> int | None:
    """Return where the numbers of a dataset begin in its file, as NumPy would write them.

    None where they lie in chunks, nowhere yet, or in a form that HDF5 has to convert.
    """
    native = h5t.py_create(dataset.dtype, logical=True) == dataset.id.get_type()
    offset: int | None = dataset.id.get_offset() if native else None
    return offset


def _size(path: Path) -> int:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
        raise OSError("it is no file")
    return status.st_size


def _plainly(error: Exception) -> str:
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else reason(error)
    return next(iter(text.strip().splitlines()), type(error).__name__)
