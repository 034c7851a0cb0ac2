"""Files that are whole or not there: write-and-rename, and locks that die with their process."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from emocli.errors import StoreError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says when there is no room for a file."""


@contextmanager
def replacing(path: Path) -> Iterator[int]:
    """Write a file under another name, then put it in its place.

    Yields the descriptor of the new file. If the body ends well, the file is on the disk and
    ``path`` is it; if not, ``path`` is what it was and nothing is left behind.

    Raises
    ------
    StoreError
        If the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name.lstrip('.')}.tmp")
    try:
        with disk_errors(path):
            descriptor = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o666)
            try:
                yield descriptor
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            temporary.replace(path)
            sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):  # there may be no such folder
            temporary.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Replace a file; errors as `replacing`."""
    with replacing(path) as descriptor:
        write_at(descriptor, content, 0)


def write_text(path: Path, text: str) -> None:
    """Replace a file by a text in UTF-8; errors as `replacing`."""
    write_bytes(path, text.encode("utf-8"))


def write_at(descriptor: int, data: bytes | memoryview, position: int) -> None:
    """Write all of ``data``; one call of the system may write less than asked for."""
    rest = memoryview(data)
    while rest:
        done = os.pwrite(descriptor, rest, position)
        rest, position = rest[done:], position + done


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Make renames and removals inside a folder last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn the system's errors into one line."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            mend = "make room, then run the same command again: it goes on where it stopped"
            raise StoreError("the disk is full", where=path, mend=mend) from None
        what = f"cannot be written ({error.strerror or error})"
        mend = "make it writable, or choose another place"
        raise StoreError(what, where=path, mend=mend) from None


def make_folder(folder: Path) -> None:
    """Make a folder, and those it is in; one that is there stays as it is.

    Raises
    ------
    StoreError
        If it cannot be made.
    """
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def locked(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold a lock file; the system lets go of it when the process ends, however it ends.

    Parameters
    ----------
    path : Path
        The lock file; removed afterwards.
    wait : bool
        Wait for another holder instead of refusing.

    Raises
    ------
    StoreError
        If another process holds it.
    """
    with disk_errors(path):
        descriptor = _acquire(path, wait)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _acquire(path: Path, wait: bool) -> int:
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if _is_file(descriptor, path):
                os.ftruncate(descriptor, 0)
                write_at(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
                return descriptor
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace")
            os.close(descriptor)
            what = f"is being written by {holder or 'another process'}"
            raise StoreError(what, where=path, mend="wait until it has ended") from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its last holder removed it meanwhile


def _is_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
