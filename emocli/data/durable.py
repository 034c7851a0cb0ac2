"""Files that are whole or not there: write-and-rename, and locks that die with their process.

Every artefact is written through `replacing`: into ``.<name>.<16 hexadecimal digits>.tmp`` beside
it, a new file that no planted link can lead astray, and that is locked while its process lives, so
that what a kill leaves behind is known and swept by the next write of the same name.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import secrets
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from emocli.errors import StoreError

WRITABLE = "make it writable, or choose another place"

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says when there is no room for a file."""

LONGEST = 200
"""Bytes of a file's name that its temporary still holds; most systems take 255."""


@contextmanager
def replacing(path: Path) -> Iterator[int]:
    """Write a file under a name of its own, then put it in its place.

    Yields the descriptor of the new file. If the body ends well, the file is on the disk and
    ``path`` is it; if not, ``path`` is what it was and nothing is left behind. A file that is
    replaced hands on its permissions; a link is replaced itself, not what it leads to. Two
    processes never write the same bytes: the one that ends last wins.

    Raises
    ------
    StoreError
        If the disk is full, the folder cannot be written, or something else than a file has the
        name.
    """
    with disk_errors(path):
        mode = _replaced_mode(path)
        sweep(path.parent, path.name)
        temporary, descriptor = _temporary(path)
        try:
            yield descriptor
            if mode is not None:
                os.fchmod(descriptor, mode)
            os.fsync(descriptor)
            temporary.replace(path)
            sync_folder(path.parent)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)


def _replaced_mode(path: Path) -> int | None:
    """Return the permissions of the file that is to be replaced; None where there is none."""
    try:
        link = path.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(link.st_mode):
        try:
            link = path.stat()
        except FileNotFoundError:
            raise StoreError("is a link to nothing", where=path, hint="remove the link") from None
        if stat.S_ISREG(link.st_mode):
            return None  # the link goes; its target stays, and keeps its permissions to itself
    if not stat.S_ISREG(link.st_mode):
        kind = "a folder" if stat.S_ISDIR(link.st_mode) else "a device, a pipe or a socket"
        raise StoreError(f"is {kind}, not a file", where=path, hint="choose another name")
    return stat.S_IMODE(link.st_mode) & 0o777


def _temporary(path: Path) -> tuple[Path, int]:
    """Make a new file beside ``path``, locked as long as it is being written (see `sweep`)."""
    while True:
        temporary = path.with_name(f".{_stem(path.name)}.{secrets.token_hex(8)}.tmp")
        with suppress(FileExistsError):
            flags = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_RDWR
            descriptor = os.open(temporary, flags, 0o666)
            with suppress(OSError):  # a file system without locks: it is never swept, then
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_file(descriptor, temporary):
                return temporary, descriptor
            os.close(descriptor)  # another process swept it before it was locked


def _stem(name: str) -> str:
    """Shorten a name so that another with it in front still is one."""
    raw = os.fsencode(name.lstrip("."))
    return os.fsdecode(raw) if len(raw) <= LONGEST else hashlib.sha256(raw).hexdigest()


def sweep(folder: Path, name: str | None = None) -> None:
    """Remove what killed processes were writing to ``name``, or to any file of the folder.

    A process that lives holds a lock on what it writes; that stays. Nothing but ordinary files is
    touched, and no link is followed.
    """
    stem = ".+" if name is None else re.escape(_stem(name))
    half = re.compile(rf"\.{stem}(\.[0-9a-f]{{16}})?\.tmp", re.DOTALL)
    with suppress(FileNotFoundError, NotADirectoryError):
        for entry in os.scandir(folder):
            if half.fullmatch(entry.name):
                _sweep_file(folder / entry.name)


def _sweep_file(path: Path) -> None:
    with suppress(OSError):  # it has gone, or is no file of ours
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(path, flags)
        try:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_file(descriptor, path):
                    path.unlink()
        finally:
            os.close(descriptor)


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
            hint = "make room, then run the same command again: it goes on where it stopped"
            raise StoreError("the disk is full", where=path, hint=hint) from None
        what = f"cannot be written ({error.strerror or error})"
        raise StoreError(what, where=path, hint=WRITABLE) from None


def make_folder(folder: Path) -> None:
    """Make a folder, and those it is in; one that is there stays as it is.

    Raises
    ------
    StoreError
        If it cannot be made.
    """
    with disk_errors(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise no_folder(folder) from None


def no_folder(folder: Path) -> StoreError:
    """Say what stands where a folder, or one it is in, has to be."""
    there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    kind = "not a folder" if there.exists() else "a link to nothing"
    return StoreError(f"cannot be written ('{there}' is {kind})", where=folder, hint=WRITABLE)


@contextmanager
def used_folder(folder: Path) -> Iterator[None]:
    """Make a folder as `make_folder`; what was made goes again if nothing was put into it."""
    missing = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    try:
        make_folder(folder)
        yield
    finally:
        with suppress(OSError):
            for path in missing:
                path.rmdir()


@contextmanager
def write_lock(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock of a file to write; its folder is made, as `used_folder`. Errors: `locked`."""
    with (
        used_folder(path.parent),
        locked(path.with_name(f".{_stem(path.name)}.lock"), wait=wait, what=path),
    ):
        yield


@contextmanager
def locked(path: Path, *, wait: bool = False, what: Path | None = None) -> Iterator[None]:
    """Hold a lock file; the system lets go of it when the process ends, however it ends.

    Parameters
    ----------
    path : Path
        The lock file; removed afterwards. A link of that name is refused, not followed.
    wait : bool
        Wait for another holder instead of refusing.
    what : Path, optional
        What is named to whoever is refused; by default the lock file.

    Raises
    ------
    StoreError
        If another process holds it.
    """
    with disk_errors(path):
        descriptor = _acquire(path, wait, what or path)
    try:
        yield
    finally:
        if _is_file(descriptor, path):
            with suppress(OSError):
                path.unlink()
        os.close(descriptor)


def _acquire(path: Path, wait: bool, what: Path) -> int:
    while True:
        descriptor = _open_lock(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if _is_file(descriptor, path):
                os.ftruncate(descriptor, 0)
                write_at(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
                return descriptor
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace")
            os.close(descriptor)
            busy = f"is being written by {holder or 'another process'}"
            raise StoreError(busy, where=what, hint="wait until it has ended") from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its last holder removed it meanwhile


def _open_lock(path: Path) -> int:
    """Open a lock file, which is an ordinary file or not there yet."""
    flags = os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_RDWR
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise
    else:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
    raise StoreError("is no lock file of emocli", where=path, hint="remove it")


def _is_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except OSError:
        return False
