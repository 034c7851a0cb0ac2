"""The stack machine of a pickle: its opcodes carried out on plain values and records."""

from __future__ import annotations

import codecs
import os
import struct
from collections.abc import Callable
from typing import IO, Any

from emocli.interchange.pickles.records import Bytes, InertCall, InertName, Python2Bytes

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

WHOLE = 255
"""Bytes of a whole number."""

LATER = 1 << 16
"""Bytes that are left in the file until an array is made of them."""


class Machine:
    """The stack machine that carries out the opcodes of a pickle on plain values."""

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
                return self.pull()
            operation = OPERATIONS.get(code)
            if operation is None:
                raise ValueError(f"opcode {code!r}" if code else "it is truncated")
            operation(self)

    # -- bytes of the file

    def read(self, count: int) -> bytes:
        """Read bytes of the file."""
        if not 0 <= count <= self._size:
            raise ValueError("it is truncated")
        data = self._file.read(count)
        if len(data) != count:
            raise ValueError("it is truncated")
        return data

    def whole(self, width: int, signed: bool = False) -> int:
        """Read a whole number, little endian."""
        return int.from_bytes(self.read(width), "little", signed=signed)

    def line(self) -> bytes:
        """Read a line without its end."""
        line = self._file.readline()
        if not line.endswith(b"\n"):
            raise ValueError("it is truncated")
        return line[:-1]

    def payload(self, count: int, old: bool = False) -> bytes | Bytes:
        """Return bytes, or where they are if they are many."""
        if count <= LATER:
            data = self.read(count)
            return Python2Bytes(data) if old else data
        start = self._file.tell()
        if start + count > self._size:
            raise ValueError("it is truncated")
        self._file.seek(count, os.SEEK_CUR)
        return Bytes(start, count, old)

    # -- the stack

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self._stack.append(value)

    def pull(self) -> Any:
        """Take the value on top."""
        self._require(1)
        return self._stack.pop()

    def _require(self, count: int) -> None:
        if len(self._stack) - (self._marks[-1] if self._marks else 0) < count:
            raise ValueError("it takes more than there is")

    def mark(self) -> None:
        """Mark where a group of values begins."""
        self._marks.append(len(self._stack))

    def group(self) -> list[Any]:
        """Pop the values above the last mark."""
        if not self._marks:
            raise ValueError("it takes more than there is")
        start = self._marks.pop()
        values = self._stack[start:]
        del self._stack[start:]
        return values

    def pop(self) -> None:
        """Drop the value on top, or a mark."""
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self.pull()

    def repeat(self) -> None:
        """Put the value on top there again."""
        self._require(1)
        self.push(self._stack[-1])

    def tuple_of(self, count: int) -> None:
        """Make a tuple of the values on top."""
        self._require(count)
        values = tuple(self._stack[len(self._stack) - count :])
        del self._stack[len(self._stack) - count :]
        self.push(values)

    # -- the memo

    def put(self, number: int) -> None:
        """Remember the value on top by a number."""
        self._require(1)
        if not 0 <= number <= self._size:
            raise ValueError(f"it numbers a value {number}")
        self._memo[number] = self._stack[-1]

    def memoise(self) -> None:
        """Remember the value on top by the next number."""
        self.put(len(self._memo))

    def get(self, number: int) -> None:
        """Put a remembered value on the stack."""
        if number not in self._memo:
            raise ValueError(f"it holds no value {number}")
        self.push(self._memo[number])

    # -- lists and dicts

    def extend(self, values: list[Any]) -> None:
        """Append values to the list on top."""
        self._require(1)
        place = self._stack[-1]
        if type(place) is not list:
            raise ValueError("it appends to what is no list")
        place.extend(values)

    def update(self, values: list[Any]) -> None:
        """Set keys and values, in turns, of the dict on top."""
        self._require(1)
        place = self._stack[-1]
        if type(place) is not dict or len(values) % 2:
            raise ValueError("it sets items of what is no dict")
        for key, value in zip(values[::2], values[1::2], strict=True):
            place[_key(key)] = value

    def dict_of(self, values: list[Any]) -> None:
        """Make a dict of keys and values, in turns."""
        self.push({})
        self.update(values)

    # -- names and records

    def name(self, module: Any, name: Any) -> None:
        """Put the record of a known name on the stack."""
        known = (_text(module), _text(name))
        if known not in KNOWN:
            raise ValueError(f"it asks for {known[0]}.{known[1]}")
        self.push(InertName(KNOWN[known]))

    def global_line(self) -> None:
        """Read a name from two lines."""
        module = self.line().decode("utf-8")
        self.name(module, self.line().decode("utf-8"))

    def global_stack(self) -> None:
        """Take a name from the stack."""
        name = self.pull()
        self.name(self.pull(), name)

    def call(self) -> None:
        """Put the record of a call on the stack."""
        arguments, name = self.pull(), self.pull()
        if type(name) is not InertName or type(arguments) is not tuple:
            raise ValueError("it calls what is no function")
        self.push(InertCall(name.kind, arguments))

    def build(self) -> None:
        """Give the record on top its state."""
        state = self.pull()
        self._require(1)
        record = self._stack[-1]
        if type(record) is not InertCall:
            kind = record.kind if type(record) is InertName else type(record).__name__
            raise ValueError(f"it changes {kind}")
        record.state = state


def _key(key: Any) -> str | bytes | int:
    """Return a key of a dict: those that others collide with, or that hold others, are refused."""
    if type(key) is Python2Bytes:
        return key.decode("latin1")
    if type(key) in (str, bytes, bool) or (type(key) is int and abs(key) < 1 << 31):
        known: str | bytes | int = key
        return known
    raise ValueError("a dict has keys that are neither texts nor numbers")


def _text(value: Any) -> str:
    if type(value) is Python2Bytes:
        return value.decode("latin1")
    if type(value) is not str:
        raise ValueError("it asks for what is no name")
    return value


def _int_line(m: Machine) -> None:
    text = m.line()
    m.push({b"00": False, b"01": True}[text] if text in (b"00", b"01") else int(text))


def _long(m: Machine, width: int) -> None:
    count = m.whole(width)
    if count > WHOLE:
        raise ValueError(f"a whole number has {count} bytes")
    m.push(int.from_bytes(m.read(count), "little", signed=True))


def _quoted(m: Machine) -> None:
    text = m.line().strip()
    if len(text) < 2 or text[0] != text[-1] or text[:1] not in (b"'", b'"'):
        raise ValueError("a text has no quotes")
    m.push(Python2Bytes(codecs.escape_decode(text[1:-1])[0]))


def _protocol(m: Machine) -> None:
    if (number := m.whole(1)) > 5:
        raise ValueError(f"protocol {number}")


def _unicode(m: Machine, width: int) -> None:
    m.push(m.read(m.whole(width)).decode("utf-8", "replace"))


def _push(value: Any) -> Callable[[Machine], None]:
    return lambda m: m.push(value)


OPERATIONS: dict[bytes, Callable[[Machine], object]] = {
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
    b"(": Machine.mark,
    b"0": Machine.pop,
    b"1": lambda m: m.group(),
    b"2": Machine.repeat,
    b")": _push(()),
    b"\x85": lambda m: m.tuple_of(1),
    b"\x86": lambda m: m.tuple_of(2),
    b"\x87": lambda m: m.tuple_of(3),
    b"t": lambda m: m.push(tuple(m.group())),
    b"]": lambda m: m.push([]),
    b"l": lambda m: m.push(m.group()),
    b"a": lambda m: m.extend([m.pull()]),
    b"e": lambda m: m.extend(m.group()),
    b"}": lambda m: m.push({}),
    b"d": lambda m: m.dict_of(m.group()),
    b"s": lambda m: m.update([m.pull(), m.pull()][::-1]),
    b"u": lambda m: m.update(m.group()),
    b"p": lambda m: m.put(int(m.line())),
    b"q": lambda m: m.put(m.whole(1)),
    b"r": lambda m: m.put(m.whole(4)),
    b"\x94": Machine.memoise,
    b"g": lambda m: m.get(int(m.line())),
    b"h": lambda m: m.get(m.whole(1)),
    b"j": lambda m: m.get(m.whole(4)),
    b"c": Machine.global_line,
    b"\x93": Machine.global_stack,
    b"R": Machine.call,
    b"b": Machine.build,
}
"""Opcodes to what they do: none makes objects, or takes any from elsewhere."""
