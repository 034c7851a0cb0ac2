"""Which files are opened while something runs, by whatever library."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OPENED = 0x20
"""inotify's IN_OPEN."""


@contextmanager
def opened(folder: Path) -> Iterator[list[str]]:
    """Collect the names of the files of a folder that are opened in the body."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK)
    assert libc.inotify_add_watch(descriptor, os.fsencode(folder), OPENED) >= 0
    names: list[str] = []
    try:
        yield names
    finally:
        try:
            data = os.read(descriptor, 1 << 20)
        except BlockingIOError:
            data = b""
        os.close(descriptor)
    while data:
        (length,) = struct.unpack_from("I", data, 12)
        names.append(data[16 : 16 + length].rstrip(b"\0").decode())
        data = data[16 + length :]
