"""A reader of .npz files that may be damaged or hostile.

An .npz is a zip archive of .npy files: a header, a Python literal that states type and shape, and
the bytes of the array. Nothing is unpickled, and the shape is compared with the bytes that are
there before there is an array of it.

Source: the NumPy documentation, "NPY format".
"""

from __future__ import annotations

import ast
import math
import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.decompression import SMALL, room
from emocli.errors import StoreError, reason

MAGIC = b"\x93NUMPY"
LONGEST_HEADER = 10_000
"""Bytes; a plain array's header has about 100."""

BLOCK = 1 << 20
LONG = re.compile(r"(?<=\d)L\b")
"""What Python 2 wrote behind whole numbers."""

DAMAGES = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, OSError, RuntimeError,
    NotImplementedError, OverflowError, UnicodeError,
)  # fmt: skip
"""What a damaged archive raises, and one that is encrypted or packed in an unknown way."""


def read_arrays(
    path: Path, required: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, NDArray[Any]]:
    """Read some arrays of numbers or texts of an .npz; what else is in it is left alone.

    Raises
    ------
    StoreError
        If the file is absent or damaged.
    ValueError
        If a required array is missing, or one of them is not what its header says.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            size = file.seek(0, 2)
            members = _members(archive)
            missing = [name for name in required if name not in members]
            if missing:
                inside = ", ".join(sorted(members))[:200] or "nothing"
                raise ValueError(f"has no array '{missing[0]}'; it holds: {inside}")
            wanted = [name for name in (*required, *optional) if name in members]
            return {name: _member(archive, name, members[name], size) for name in wanted}
    except FileNotFoundError:
        raise StoreError("there is no such file", where=path) from None
    except DAMAGES as error:
        raise StoreError(f"is not a whole npz file ({reason(error)[:200]})", where=path) from None


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        if name in members:
            raise ValueError(f"holds '{name[:80]}' more than once")
        members[name] = info
    return members


def _member(archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo, size: int) -> NDArray[Any]:
    packed = min(info.compress_size, size)
    if info.file_size > room(packed):
        raise ValueError(f"{name} cannot be read ({info.file_size} bytes out of {packed})")
    try:
        with archive.open(info) as file:
            return _array(file, info.file_size)
    except DAMAGES as error:
        raise ValueError(f"{name} cannot be read ({reason(error)[:200]})") from None
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError(f"{name} cannot be read ({reason(error)[:200]})") from None


def _array(file: IO[bytes], size: int) -> NDArray[Any]:
    dtype, shape, fortran, rest = _header(file, size)
    wanted = dtype.itemsize * math.prod(shape)
    if wanted != rest:
        raise ValueError(f"an array of shape {shape} has {wanted} bytes, here are {rest}")
    if not wanted:
        return np.zeros(shape if 0 in shape else 0, dtype)
    data = np.empty(rest, np.uint8)
    place = data.data
    for start in range(0, rest, BLOCK):
        block = file.read(min(BLOCK, rest - start))
        if len(block) != min(BLOCK, rest - start):
            raise ValueError("it is truncated")
        place[start : start + len(block)] = block
    if file.read(1):
        raise ValueError("it is longer than its header says")
    return data.view(dtype).reshape(shape, order="F" if fortran else "C")


def _header(file: IO[bytes], size: int) -> tuple[np.dtype[Any], tuple[int, ...], bool, int]:
    """Return type, shape, whether in Fortran order, and how many bytes follow."""
    start = file.read(len(MAGIC) + 2)
    if start[:-2] != MAGIC or start[-2] not in (1, 2, 3):
        raise ValueError("it is no npy file")
    width = 2 if start[-2] == 1 else 4
    length = int.from_bytes(file.read(width), "little")
    if length > min(LONGEST_HEADER, size):
        raise ValueError(f"its header has {length} bytes")
    text = file.read(length).decode("latin1" if start[-2] < 3 else "utf-8")
    try:
        header = ast.literal_eval(LONG.sub("", text.strip()))
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        raise ValueError("its header is no plain dict") from None
    if not isinstance(header, dict) or header.keys() != {"descr", "fortran_order", "shape"}:
        raise ValueError("its header does not say what it holds")
    shape, fortran = header["shape"], header["fortran_order"]
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"its shape is {str(shape)[:80]}")
    if math.prod(max(1, n) for n in shape) > max(SMALL, size):  # (0, 10**15) is no shape either
        raise ValueError(f"its shape is {str(shape)[:80]}")
    if not isinstance(fortran, bool):
        raise TypeError("its header does not tell its order")
    return _dtype(header["descr"]), shape, fortran, size - len(start) - width - length


def _dtype(descr: Any) -> np.dtype[Any]:
    if not isinstance(descr, str):
        raise TypeError("it holds records")
    dtype = np.dtype(descr)
    if dtype.kind == "O":
        raise ValueError("it holds objects, which are not unpickled")
    if dtype.kind not in "fiubSUc":
        raise ValueError(f"it holds {dtype}")
    return dtype
