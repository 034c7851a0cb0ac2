"""Files are whole or what they were, and locks keep others out."""

from __future__ import annotations

import errno
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


def test_a_lock_keeps_others_out_and_goes_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with durable.locked(path):
        with pytest.raises(StoreError, match="is being written by process"), durable.locked(path):
            pass
        assert path.exists()
    assert not path.exists()
    with durable.locked(path):
        pass
