"""Files are whole or what they were, and locks keep others out."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from emocli.data import durable
from emocli.errors import StoreError


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    durable.write_bytes(path, b"a longer first version")
    durable.write_bytes(path, memoryview(b"second"))
    assert path.read_bytes() == b"second"
    durable.write_text(path, "drittens: äöü")
    assert path.read_text("utf-8") == "drittens: äöü"
    assert [inside.name for inside in tmp_path.iterdir()] == ["file"]


def test_what_fails_half_way_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    durable.write_bytes(path, b"first")

    def half() -> None:
        with durable.replacing(path) as descriptor:
            durable.write_at(descriptor, b"half", 0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert path.read_bytes() == b"first"
    assert [inside.name for inside in tmp_path.iterdir()] == ["file"]


def test_the_system_may_write_less_than_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = durable.os.pwrite
    monkeypatch.setattr(durable.os, "pwrite", lambda fd, data, at: whole(fd, data[:3], at))
    durable.write_bytes(tmp_path / "file", b"ten bytes!")
    assert (tmp_path / "file").read_bytes() == b"ten bytes!"


@pytest.mark.parametrize("code", sorted(durable.FULL))
def test_a_full_disk_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def full(*_: object) -> int:
        raise OSError(code, "no room")

    monkeypatch.setattr(durable.os, "pwrite", full)
    with pytest.raises(StoreError, match="the disk is full; make room"):
        durable.write_bytes(tmp_path / "file", b"x")
    assert not list(tmp_path.iterdir())


def test_another_error_of_the_system_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(durable.os, "fsync", broken)
    with pytest.raises(StoreError, match="file: cannot be written \\(Input/output error\\)"):
        durable.write_bytes(tmp_path / "file", b"x")


def test_it_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    replace = Path.replace

    def synced(descriptor: int) -> None:
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")

    def renamed(path: Path, target: Path) -> Path:
        calls.append("name")
        return replace(path, target)

    monkeypatch.setattr(durable.os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    durable.write_bytes(tmp_path / "file", b"x")
    assert calls == ["file", "name", "folder"]


def test_a_lock_keeps_others_out_and_goes_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with durable.locked(path):
        with pytest.raises(StoreError, match="is being written by process"), durable.locked(path):
            pass
        assert path.exists()
    assert not path.exists()
    with durable.locked(path):
        pass


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_two_writers_never_mix(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with durable.replacing(path) as first:
        durable.write_at(first, b"first, longer", 0)
        durable.write_bytes(path, b"second")
        assert path.read_bytes() == b"second"
        durable.write_at(first, b"!", 13)
    assert path.read_bytes() == b"first, longer!"
    assert names(tmp_path) == ["file"]


def test_what_a_killed_process_left_is_swept_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    code = f"""
import os, pathlib
from emocli.data import durable
with durable.replacing(pathlib.Path({str(path)!r})) as descriptor:
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    left = names(tmp_path)
    assert len(left) == 1
    others = [".b.csv.0123456789abcdef.tmp", ".a.csv.mine.tmp", "a.csv.tmp", ".a.csv"]
    for other in others:
        (tmp_path / other).touch()
    durable.write_text(path, "whole")
    assert names(tmp_path) == sorted(["a.csv", *others])


@pytest.mark.parametrize("name", [".x.tmp", ".x.0123456789abcdef.tmp", ".x.lock"])
def test_planted_links_are_not_followed(tmp_path: Path, name: str) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (tmp_path / name).symlink_to(precious)
    path = tmp_path / "x"
    with (
        suppress(StoreError) if name.endswith(".tmp") else pytest.raises(StoreError, match="lock"),
        durable.write_lock(path),
    ):
        durable.write_text(path, "new")
    assert precious.read_text() == "precious"
    assert path.exists() == name.endswith(".tmp")


def test_a_link_is_replaced_itself(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    durable.write_text(link, "new")
    assert (target.read_text(), link.read_text(), link.is_symlink()) == ("old", "new", False)


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("plant", "what"),
    [
        (Path.mkdir, "is a folder, not a file"),
        (make_fifo, "is a device, a pipe or a socket"),
        (lambda path: path.symlink_to("/dev/null"), "is a device, a pipe or a socket"),
        (lambda path: path.symlink_to("nowhere"), "is a link to nothing"),
        (lambda path: path.symlink_to(path), "Too many levels"),
    ],
)
def test_what_is_no_file_stays(tmp_path: Path, plant: Callable[[Path], None], what: str) -> None:
    path = tmp_path / "x"
    plant(path)
    before = path.lstat()
    with pytest.raises(StoreError, match=what):
        durable.write_text(path, "new")
    assert os.path.samestat(before, path.lstat())
    assert names(tmp_path) == ["x"]


def test_permissions_are_the_users(tmp_path: Path) -> None:
    path = tmp_path / "x"
    old = os.umask(0o027)
    try:
        durable.write_text(path, "new")
        assert path.stat().st_mode & 0o777 == 0o640
        path.chmod(0o604)
        durable.write_text(path, "newer")
        assert path.stat().st_mode & 0o777 == 0o604
    finally:
        os.umask(old)


def test_the_longest_names_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("ä" * 125 + ".json")
    with durable.write_lock(path):
        durable.write_text(path, "x")
    assert names(tmp_path) == [path.name]


def test_one_writes_a_file_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x"
    with (
        durable.write_lock(path),
        pytest.raises(StoreError, match=r"x: is being written by process \d+"),
        durable.write_lock(path),
    ):
        pass
    assert not path.parent.exists()  # made for it, and nothing came of it


def test_what_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    for name, what in {
        "file": "not a folder",
        "file/x": "not a folder",
        "link": "a link to",
    }.items():
        with pytest.raises(StoreError, match=what):
            durable.make_folder(tmp_path / name)
