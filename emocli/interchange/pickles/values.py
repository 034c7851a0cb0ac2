"""The values of a pickle: arrays, numbers, texts and bytes made of records."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from emocli.interchange.pickles.records import Bytes, InertCall, Python2Bytes

CODE = re.compile(r"([fiubSU])(\d{1,9})|O8")
LATIN = ("latin1", "latin-1")

DEEPEST = 32
"""Lists in lists."""

SLACK = 1 << 20
"""What may come of however few bytes; beyond, four times the file."""


class RecordValues:
    """The values that records stand for: each made once, however often it is referred to.

    What it would be if nothing were shared is counted, and refused beyond four times the file:
    whoever reads the values later goes through all of them.
    """

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._most = file, 4 * size + SLACK
        self._done: dict[int, tuple[Any, int]] = {}
        self._open: set[int] = set()
        self._bytes = 0

    def without_records(self, value: Any, depth: int) -> Any:
        """Return a value without records."""
        return self._sized(value, depth)[0]

    def _sized(self, value: Any, depth: int) -> tuple[Any, int]:
        """Return a value without records, and how many values and characters it is."""
        if value is None or type(value) in (bool, int, float):
            return value, 1
        if type(value) is str:
            return value, 1 + len(value)
        key = id(value)  # the machine's values are all kept until the end
        if key not in self._done:
            if key in self._open or depth > DEEPEST:
                raise ValueError(
                    "it holds itself" if key in self._open else "it is nested too deep"
                )
            self._open.add(key)
            self._done[key] = self._expanded(value, depth + 1)
            self._open.remove(key)
        expanded, count = self._done[key]
        if count > self._most:
            raise ValueError("it refers to the same values too often")
        return expanded, count

    def _expanded(self, value: Any, depth: int) -> tuple[Any, int]:
        if isinstance(value, dict):
            items = [(key, self._sized(inner, depth)) for key, inner in value.items()]
            return {key: inner for key, (inner, _) in items}, self._sum(n for _, (_, n) in items)
        if isinstance(value, list | tuple):
            parts = [self._sized(item, depth) for item in value]
            return type(value)(part for part, _ in parts), self._sum(n for _, n in parts)
        if isinstance(value, InertCall):
            return MAKERS[value.kind](self, value, depth)
        if isinstance(value, bytes | Bytes):
            data = self._read(value)
            old = isinstance(value, Python2Bytes) or (isinstance(value, Bytes) and value.old)
            return data.decode("latin1") if old else data, 1 + len(data)
        raise ValueError(f"it holds a {type(value).__name__.strip('_').lower()}")

    def _sum(self, counts: Any) -> int:
        total = 1
        for count in counts:
            total += count
            if total > self._most:
                raise ValueError("it refers to the same values too often")
        return total

    def _reconstruct(self, record: InertCall, depth: int) -> tuple[Any, int]:
        """``_reconstruct(ndarray, (0,), b'b')``, then (version, shape, dtype, order, data)."""
        _, shape, dtype, fortran, data = record.state
        return self._filled(data, dtype, shape, "F" if fortran else "C", depth)

    def _frombuffer(self, record: InertCall, depth: int) -> tuple[Any, int]:
        """``_frombuffer(data, dtype, shape, order)``, as protocol 5 writes arrays."""
        data, dtype, shape, order = record.arguments
        return self._filled(data, dtype, shape, order, depth)

    def _scalar(self, record: InertCall, depth: int) -> tuple[Any, int]:
        """``scalar(dtype, data)``."""
        dtype, data = record.arguments
        array, count = self._filled(data, dtype, (), "C", depth)
        return array[()], count

    def _encode(self, record: InertCall, depth: int) -> tuple[bytes, int]:
        """``encode(text, 'latin1')``, as protocols before 3 write bytes; ``bytes()`` is empty."""
        if not record.arguments:
            return b"", 1
        text, codec = record.arguments
        if not isinstance(text, str) or codec not in LATIN:
            raise ValueError("it encodes something else than bytes")
        self._count(len(text))
        return text.encode("latin1"), 1 + len(text)

    def _refused(self, record: InertCall, depth: int) -> tuple[Any, int]:
        raise ValueError(f"it makes a {record.kind} of its own")

    def _filled(self, data: Any, dtype: Any, shape: Any, order: Any, depth: int) -> tuple[Any, int]:
        kind = _dtype_of(dtype)
        if type(shape) is not tuple or not all(type(n) is int and n >= 0 for n in shape):
            raise ValueError(f"an array has shape {str(shape)[:80]}: a tuple of int is expected")
        count = math.prod(shape)
        if kind.kind == "O":
            if not isinstance(data, list) or len(data) != count or len(shape) != 1:
                raise ValueError("an array of objects is not a list")
            return self._sized(data, depth)
        content = self._payload(data, depth)
        size = content.size if isinstance(content, Bytes) else len(content)
        if size != count * kind.itemsize:
            raise ValueError(f"an array of shape {shape} has {size} bytes")
        if math.prod(max(1, n) for n in shape) > self._most:
            raise ValueError(f"an array has shape {shape}")
        self._count(size)
        flat = np.zeros(count, kind)
        if size:
            self._fill(flat, content)
        native = flat.astype(kind.newbyteorder("="), copy=False)
        return native.reshape(shape, order="F" if order == "F" else "C"), 1 + native.nbytes

    def _payload(self, value: Any, depth: int) -> bytes | Bytes:
        if isinstance(value, InertCall):
            value = self._sized(value, depth)[0]
        if isinstance(value, str):
            return value.encode("latin1")
        if not isinstance(value, bytes | Bytes):
            raise ValueError("an array has no data")  # noqa: TRY004 - told with all else
        return value

    def _fill(self, array: NDArray[Any], data: bytes | Bytes) -> None:
        place = array.view(np.uint8).data
        if isinstance(data, bytes):
            place[:] = data
            return
        self._file.seek(data.start)
        if self._file.readinto(place) != len(place):  # type: ignore[attr-defined]
            raise ValueError("it is truncated")

    def _read(self, value: bytes | Bytes) -> bytes:
        if isinstance(value, bytes):
            return bytes(value)
        self._count(value.size)
        self._file.seek(value.start)
        return self._file.read(value.size)

    def _count(self, size: int) -> None:
        """Count the bytes of arrays: of one in the file, no two can be made."""
        self._bytes += size
        if self._bytes > self._most:
            raise ValueError("it refers to the same values too often")


MAKERS: dict[str, Callable[[RecordValues, InertCall, int], tuple[Any, int]]] = {
    "reconstruct": RecordValues._reconstruct,
    "frombuffer": RecordValues._frombuffer,
    "scalar": RecordValues._scalar,
    "encode": RecordValues._encode,
    "bytes": RecordValues._encode,
    "dtype": RecordValues._refused,
    "ndarray": RecordValues._refused,
}


def _dtype_of(record: Any) -> np.dtype[Any]:
    """``dtype('f4', ...)``, then (version, byte order, subdtype, names, fields, ...)."""
    if not isinstance(record, InertCall) or record.kind != "dtype":
        raise ValueError("an array has no type")
    code = record.arguments[0] if record.arguments else None
    if type(code) is Python2Bytes:
        code = code.decode("latin1")
    if not isinstance(code, str) or not CODE.fullmatch(code):
        raise ValueError(f"an array holds {str(code)[:80]!r}")
    state = record.state or ()
    if type(state) is not tuple or len(state) == 1 or any(p is not None for p in state[2:5]):
        raise ValueError("an array holds records")
    order = state[1] if state else "="
    order = order.decode("latin1") if type(order) is Python2Bytes else order
    if order not in ("<", ">", "=", "|"):
        raise ValueError(f"an array has byte order {str(order)[:80]!r}")
    return np.dtype(f"{order}{code}")
