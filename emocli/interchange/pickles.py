"""Reading pickles of arrays, numbers and texts that may be damaged or hostile.

Unpickling can run any code. Here nothing of the file is ever called or looked up: the opcodes that
arrays, numbers, texts, lists, tuples and dicts need are carried out on a stack of plain values, and
the few names NumPy's arrays need become inert records, of which arrays are made afterwards. All
other opcodes and names are refused.

Time and memory grow with the file, whatever it says: every length is compared with the bytes that
are left, and what is referred to many times counts as often.

Source: the Python standard library, pickletools (the description of the opcodes).
"""

from __future__ import annotations

import codecs
import math
import os
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from emocli.errors import StoreError

NUMPY = ("numpy.core.multiarray", "numpy._core.multiarray")
NUMERIC = ("numpy.core.numeric", "numpy._core.numeric")
KNOWN = {
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    **{(module, "_reconstruct"): "reconstruct" for module in NUMPY},
    **{(module, "scalar"): "scalar" for module in NUMPY},
    **{(module, "_frombuffer"): "frombuffer" for module in NUMERIC},
    ("_codecs", "encode"): "encode",
    ("builtins", "bytes"): "bytes",
    ("__builtin__", "bytes"): "bytes",
}
"""The names a pickle may hold, and what each stands for; none of them is ever imported."""

CODE = re.compile(r"([fiubSU])(\d{1,9})|O8")
LATIN = ("latin1", "latin-1")

DEEPEST = 32
"""Lists in lists."""

WHOLE = 255
"""Bytes of a whole number."""

LATER = 1 << 16
"""Bytes that are left in the file until an array is made of them."""

SLACK = 1 << 20
"""What may come of however few bytes; beyond, four times the file."""


def load(path: Path) -> Any:
    """Read a pickle of arrays, numbers, texts, lists, tuples and dicts; nothing of it is executed.

    Raises
    ------
    StoreError
        If it is absent or damaged, or holds anything else.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return _Made(file, size).plain(_Machine(file, size).run(), 0)
    except FileNotFoundError:
        raise StoreError("there is no such file", where=path) from None
    except OSError as error:
        raise StoreError(f"cannot be read ({error.strerror})", where=path) from None
    except Exception as error:  # a damaged or hostile pickle may raise anything
        reason = str(error)[:200] or type(error).__name__
        raise StoreError(f"is no pickle that emocli takes ({reason})", where=path) from None


# -- the opcodes


class _Name:
    """A name in a pickle."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind


@dataclass(eq=False)
class _Record:
    """A call that is not made: what was to be called, with which arguments, and the state after."""

    kind: str
    arguments: tuple[Any, ...]
    state: Any = None


@dataclass(frozen=True, eq=False)
class _Bytes:
    """Bytes in the file; ``old`` where Python 2 did not say whether they are text."""

    start: int
    size: int
    old: bool


class _Old(bytes):
    """Bytes of Python 2, which may be text."""


class _Mark:
    """Where a group of values begins on the stack."""


MARK = _Mark()


class _Machine:
    """Carries out the opcodes of a pickle on plain values."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._size = file, size
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        """Return what the pickle holds, records among it."""
        while True:
            code = self._file.read(1)
            if code == b".":
                return self._pop()
            operation = OPERATIONS.get(code)
            if operation is None:
                raise ValueError(f"opcode {code!r}" if code else "it is truncated")
            operation(self)

    # -- bytes of the file

    def read(self, count: int) -> bytes:
        if not 0 <= count <= self._size:
            raise ValueError("it is truncated")
        found = self._file.read(count)
        if len(found) != count:
            raise ValueError("it is truncated")
        return found

    def whole(self, width: int, signed: bool = False) -> int:
        return int.from_bytes(self.read(width), "little", signed=signed)

    def line(self) -> bytes:
        found = self._file.readline()
        if not found.endswith(b"\n"):
            raise ValueError("it is truncated")
        return found[:-1]

    def payload(self, count: int, old: bool = False) -> bytes | _Bytes:
        """Return bytes, or where they are if they are many."""
        if count <= LATER:
            found = self.read(count)
            return _Old(found) if old else found
        start = self._file.tell()
        if start + count > self._size:
            raise ValueError("it is truncated")
        self._file.seek(count, os.SEEK_CUR)
        return _Bytes(start, count, old)

    # -- the stack

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def _pop(self) -> Any:
        self._require(1)
        return self._stack.pop()

    def _require(self, count: int) -> None:
        if len(self._stack) - (self._marks[-1] if self._marks else 0) < count:
            raise ValueError("it takes more than there is")

    def mark(self) -> None:
        self._marks.append(len(self._stack))

    def group(self) -> list[Any]:
        """Take what lies above the last mark."""
        if not self._marks:
            raise ValueError("it takes more than there is")
        start = self._marks.pop()
        found = self._stack[start:]
        del self._stack[start:]
        return found

    def pop(self) -> None:
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self._pop()

    def repeat(self) -> None:
        self._require(1)
        self.push(self._stack[-1])

    def tuple_of(self, count: int) -> None:
        self._require(count)
        found = tuple(self._stack[len(self._stack) - count :])
        del self._stack[len(self._stack) - count :]
        self.push(found)

    # -- the memo

    def put(self, number: int) -> None:
        self._require(1)
        if not 0 <= number <= self._size:
            raise ValueError(f"it numbers a value {number}")
        self._memo[number] = self._stack[-1]

    def memoise(self) -> None:
        self.put(len(self._memo))

    def get(self, number: int) -> None:
        if number not in self._memo:
            raise ValueError(f"it holds no value {number}")
        self.push(self._memo[number])

    # -- lists and dicts

    def extend(self, values: list[Any]) -> None:
        self._require(1)
        place = self._stack[-1]
        if type(place) is not list:
            raise ValueError("it appends to what is no list")
        place.extend(values)

    def update(self, values: list[Any]) -> None:
        self._require(1)
        place = self._stack[-1]
        if type(place) is not dict or len(values) % 2:
            raise ValueError("it sets items of what is no dict")
        for key, value in zip(values[::2], values[1::2], strict=True):
            place[_key(key)] = value

    def dict_of(self, values: list[Any]) -> None:
        self.push({})
        self.update(values)

    # -- names and records

    def name(self, module: Any, name: Any) -> None:
        known = (_text(module), _text(name))
        if known not in KNOWN:
            raise ValueError(f"it asks for {known[0]}.{known[1]}")
        self.push(_Name(KNOWN[known]))

    def global_line(self) -> None:
        module = self.line().decode("utf-8")
        self.name(module, self.line().decode("utf-8"))

    def global_stack(self) -> None:
        name = self._pop()
        self.name(self._pop(), name)

    def call(self) -> None:
        arguments, name = self._pop(), self._pop()
        if type(name) is not _Name or type(arguments) is not tuple:
            raise ValueError("it calls what is no function")
        self.push(_Record(name.kind, arguments))

    def build(self) -> None:
        state = self._pop()
        self._require(1)
        record = self._stack[-1]
        if type(record) is not _Record:
            kind = record.kind if type(record) is _Name else type(record).__name__
            raise ValueError(f"it changes {kind}")
        record.state = state


def _key(key: Any) -> str | bytes | int:
    """Return a key of a dict: those that others collide with, or that hold others, are refused."""
    if type(key) is _Old:
        return key.decode("latin1")
    if type(key) in (str, bytes, bool) or (type(key) is int and abs(key) < 1 << 31):
        known: str | bytes | int = key
        return known
    raise ValueError("a dict has keys that are neither texts nor numbers")


def _text(value: Any) -> str:
    if type(value) is _Old:
        return value.decode("latin1")
    if type(value) is not str:
        raise ValueError("it asks for what is no name")
    return value


def _int_line(m: _Machine) -> None:
    text = m.line()
    m.push({b"00": False, b"01": True}[text] if text in (b"00", b"01") else int(text))


def _long(m: _Machine, width: int) -> None:
    count = m.whole(width)
    if count > WHOLE:
        raise ValueError(f"a whole number has {count} bytes")
    m.push(int.from_bytes(m.read(count), "little", signed=True))


def _quoted(m: _Machine) -> None:
    text = m.line().strip()
    if len(text) < 2 or text[0] != text[-1] or text[:1] not in (b"'", b'"'):
        raise ValueError("a text has no quotes")
    m.push(_Old(codecs.escape_decode(text[1:-1])[0]))


def _protocol(m: _Machine) -> None:
    if (number := m.whole(1)) > 5:
        raise ValueError(f"protocol {number}")


def _unicode(m: _Machine, width: int) -> None:
    m.push(m.read(m.whole(width)).decode("utf-8", "replace"))


def _push(value: Any) -> Callable[[_Machine], None]:
    return lambda m: m.push(value)


OPERATIONS: dict[bytes, Callable[[_Machine], object]] = {
    b"\x80": _protocol,
    b"\x95": lambda m: m.read(8),
    b"N": _push(None),
    b"\x88": _push(True),
    b"\x89": _push(False),
    b"I": _int_line,
    b"L": lambda m: m.push(int(m.line().removesuffix(b"L"))),
    b"J": lambda m: m.push(m.whole(4, signed=True)),
    b"K": lambda m: m.push(m.whole(1)),
    b"M": lambda m: m.push(m.whole(2)),
    b"\x8a": lambda m: _long(m, 1),
    b"\x8b": lambda m: _long(m, 4),
    b"F": lambda m: m.push(float(m.line())),
    b"G": lambda m: m.push(struct.unpack(">d", m.read(8))[0]),
    b"S": _quoted,
    b"T": lambda m: m.push(m.payload(m.whole(4), old=True)),
    b"U": lambda m: m.push(m.payload(m.whole(1), old=True)),
    b"V": lambda m: m.push(m.line().decode("raw-unicode-escape")),
    b"\x8c": lambda m: _unicode(m, 1),
    b"X": lambda m: _unicode(m, 4),
    b"\x8d": lambda m: _unicode(m, 8),
    b"C": lambda m: m.push(m.payload(m.whole(1))),
    b"B": lambda m: m.push(m.payload(m.whole(4))),
    b"\x8e": lambda m: m.push(m.payload(m.whole(8))),
    b"\x96": lambda m: m.push(m.payload(m.whole(8))),
    b"(": _Machine.mark,
    b"0": _Machine.pop,
    b"1": lambda m: m.group(),
    b"2": _Machine.repeat,
    b")": _push(()),
    b"\x85": lambda m: m.tuple_of(1),
    b"\x86": lambda m: m.tuple_of(2),
    b"\x87": lambda m: m.tuple_of(3),
    b"t": lambda m: m.push(tuple(m.group())),
    b"]": lambda m: m.push([]),
    b"l": lambda m: m.push(m.group()),
    b"a": lambda m: m.extend([m._pop()]),
    b"e": lambda m: m.extend(m.group()),
    b"}": lambda m: m.push({}),
    b"d": lambda m: m.dict_of(m.group()),
    b"s": lambda m: m.update([m._pop(), m._pop()][::-1]),
    b"u": lambda m: m.update(m.group()),
    b"p": lambda m: m.put(int(m.line())),
    b"q": lambda m: m.put(m.whole(1)),
    b"r": lambda m: m.put(m.whole(4)),
    b"\x94": _Machine.memoise,
    b"g": lambda m: m.get(int(m.line())),
    b"h": lambda m: m.get(m.whole(1)),
    b"j": lambda m: m.get(m.whole(4)),
    b"c": _Machine.global_line,
    b"\x93": _Machine.global_stack,
    b"R": _Machine.call,
    b"b": _Machine.build,
}
"""What is carried out, by opcode: nothing that makes objects, or takes any from elsewhere."""


# -- the values


class _Made:
    """Turns records into what they stand for: each once, however often it is referred to.

    What it would be if nothing were shared is counted, and refused beyond four times the file:
    whoever reads the values later goes through all of them.
    """

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._most = file, 4 * size + SLACK
        self._done: dict[int, tuple[Any, int]] = {}
        self._open: set[int] = set()
        self._bytes = 0

    def plain(self, value: Any, depth: int) -> Any:
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
        made, count = self._done[key]
        if count > self._most:
            raise ValueError("it refers to the same values too often")
        return made, count

    def _expanded(self, value: Any, depth: int) -> tuple[Any, int]:
        if isinstance(value, dict):
            items = [(key, self._sized(inner, depth)) for key, inner in value.items()]
            return {key: made for key, (made, _) in items}, self._sum(n for _, (_, n) in items)
        if isinstance(value, list | tuple):
            inner = [self._sized(item, depth) for item in value]
            return type(value)(made for made, _ in inner), self._sum(n for _, n in inner)
        if isinstance(value, _Record):
            return MAKERS[value.kind](self, value, depth)
        if isinstance(value, bytes | _Bytes):
            found = self._read(value)
            old = isinstance(value, _Old) or (isinstance(value, _Bytes) and value.old)
            return found.decode("latin1") if old else found, 1 + len(found)
        raise ValueError(f"it holds a {type(value).__name__.strip('_').lower()}")

    def _sum(self, counts: Any) -> int:
        total = 1
        for count in counts:
            total += count
            if total > self._most:
                raise ValueError("it refers to the same values too often")
        return total

    def _reconstruct(self, record: _Record, depth: int) -> tuple[Any, int]:
        """``_reconstruct(ndarray, (0,), b'b')``, then (version, shape, dtype, order, data)."""
        _, shape, dtype, fortran, data = record.state
        return self._filled(data, dtype, shape, "F" if fortran else "C", depth)

    def _frombuffer(self, record: _Record, depth: int) -> tuple[Any, int]:
        """``_frombuffer(data, dtype, shape, order)``, as protocol 5 writes arrays."""
        data, dtype, shape, order = record.arguments
        return self._filled(data, dtype, shape, order, depth)

    def _scalar(self, record: _Record, depth: int) -> tuple[Any, int]:
        """``scalar(dtype, data)``."""
        dtype, data = record.arguments
        made, count = self._filled(data, dtype, (), "C", depth)
        return made[()], count

    def _encode(self, record: _Record, depth: int) -> tuple[bytes, int]:
        """``encode(text, 'latin1')``, as protocols before 3 write bytes; ``bytes()`` is empty."""
        if not record.arguments:
            return b"", 1
        text, codec = record.arguments
        if not isinstance(text, str) or codec not in LATIN:
            raise ValueError("it encodes something else than bytes")
        self._count(len(text))
        return text.encode("latin1"), 1 + len(text)

    def _refused(self, record: _Record, depth: int) -> tuple[Any, int]:
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
        found = self._payload(data, depth)
        size = found.size if isinstance(found, _Bytes) else len(found)
        if size != count * kind.itemsize:
            raise ValueError(f"an array of shape {shape} has {size} bytes")
        if math.prod(max(1, n) for n in shape) > self._most:
            raise ValueError(f"an array has shape {shape}")
        self._count(size)
        flat = np.zeros(count, kind)
        if size:
            self._fill(flat, found)
        native = flat.astype(kind.newbyteorder("="), copy=False)
        return native.reshape(shape, order="F" if order == "F" else "C"), 1 + native.nbytes

    def _payload(self, value: Any, depth: int) -> bytes | _Bytes:
        if isinstance(value, _Record):
            value = self._sized(value, depth)[0]
        if isinstance(value, str):
            return value.encode("latin1")
        if not isinstance(value, bytes | _Bytes):
            raise ValueError("an array has no data")  # noqa: TRY004 - told with all else
        return value

    def _fill(self, array: NDArray[Any], data: bytes | _Bytes) -> None:
        place = array.view(np.uint8).data
        if isinstance(data, bytes):
            place[:] = data
            return
        self._file.seek(data.start)
        if self._file.readinto(place) != len(place):  # type: ignore[attr-defined]
            raise ValueError("it is truncated")

    def _read(self, value: bytes | _Bytes) -> bytes:
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


MAKERS: dict[str, Callable[[_Made, _Record, int], tuple[Any, int]]] = {
    "reconstruct": _Made._reconstruct,
    "frombuffer": _Made._frombuffer,
    "scalar": _Made._scalar,
    "encode": _Made._encode,
    "bytes": _Made._encode,
    "dtype": _Made._refused,
    "ndarray": _Made._refused,
}


def _dtype_of(record: Any) -> np.dtype[Any]:
    """``dtype('f4', ...)``, then (version, byte order, subdtype, names, fields, ...)."""
    if not isinstance(record, _Record) or record.kind != "dtype":
        raise ValueError("an array has no type")
    code = record.arguments[0] if record.arguments else None
    if type(code) is _Old:
        code = code.decode("latin1")
    if not isinstance(code, str) or not CODE.fullmatch(code):
        raise ValueError(f"an array holds {str(code)[:80]!r}")
    state = record.state or ()
    if type(state) is not tuple or len(state) == 1 or any(p is not None for p in state[2:5]):
        raise ValueError("an array holds records")
    order = state[1] if state else "="
    order = order.decode("latin1") if type(order) is _Old else order
    if order not in ("<", ">", "=", "|"):
        raise ValueError(f"an array has byte order {str(order)[:80]!r}")
    return np.dtype(f"{order}{code}")
