from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from emocli.data.durable import locked, make_folder, replacing, write_text
from emocli.data.store import Recipe
from emocli.errors import StoreError
from tests.interrupt import forked


def test_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    child = forked(lambda: hold(lock))
    while not (lock.exists() and lock.read_text()):
        time.sleep(0.01)
    with pytest.raises(StoreError, match=f"is being written by process {child} on "), locked(lock):
        pass
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with locked(lock):
        pass
    assert not lock.exists()


def hold(lock: Path) -> None:
    with locked(lock):
        time.sleep(60)


def test_lock_can_be_waited_for(tmp_path: Path) -> None:
    count = tmp_path / "count"
    count.write_text("0")

    def add() -> None:
        for _ in range(20):
            with locked(tmp_path / ".lock", wait=True):
                count.write_text(str(int(count.read_text()) + 1))

    for child in [forked(add) for _ in range(3)]:
        assert os.waitpid(child, 0)[1] == 0
    assert count.read_text() == "60"


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail() -> None:
        with replacing(path) as descriptor:
            os.write(descriptor, b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_recipe_ignores_what_upstream_holds() -> None:
    one = Recipe("a", "audio", "m", {}, {"b": {"recipe": "r", "method": "x", "digest": "1"}})
    two = Recipe("a", "audio", "m", {}, {"b": {"recipe": "r", "method": "x", "digest": "2"}})
    three = Recipe("a", "audio", "m", {}, {"b": {"recipe": "s", "method": "x", "digest": "1"}})
    assert one.fingerprint == two.fingerprint != three.fingerprint
    assert json.loads(one.attributes(None, {})["upstream"])["b"]["digest"] == "1"


def test_a_folder_is_made_or_refused_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    make_folder(folder)
    make_folder(folder)
    assert folder.is_dir()
    (tmp_path / "file").write_text("")
    for wrong in (tmp_path / "file", tmp_path / "file" / "b"):
        with pytest.raises(StoreError, match="cannot be written"):
            make_folder(wrong)
