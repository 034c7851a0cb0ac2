"""A replaced file is known by its size or time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from emocli.data.clip import Clip
from emocli.data.stamp import changed, joined, stamps


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(b"sound")
    shared = {"audio": tmp_path / "a.wav"}
    other = {"audio": tmp_path / "b.wav", "video": tmp_path / "none.mp4"}
    return [
        Clip("1", "train", media=shared),
        Clip("2", "train", media=shared),
        Clip("3", "train", media=other),
        Clip("4", "train"),
    ]


def test_other_sizes_and_times_are_changes(tmp_path: Path, clips: list[Clip]) -> None:
    then = stamps(clips)
    assert changed(then, stamps(clips)) == frozenset()
    (tmp_path / "a.wav").write_bytes(b"longer sound")
    assert changed(then, stamps(clips)) == {"1", "2"}
    os.utime(tmp_path / "b.wav", ns=(1, 1))
    assert changed(then, stamps(clips)) == {"1", "2", "3"}


def test_what_is_unknown_is_no_change(tmp_path: Path, clips: list[Clip]) -> None:
    then = stamps(clips)
    (tmp_path / "none.mp4").write_bytes(b"came later")
    (tmp_path / "a.wav").unlink()
    assert changed(then, stamps(clips)) == frozenset()
    assert changed({"1": "", "3": "{damaged"}, then) == frozenset()
    assert changed(then, {}) == frozenset()


def test_what_several_features_know_is_joined() -> None:
    assert joined(['{"video": [1, 2]}', "", '{"audio": [3, 4]}']) == (
        '{"audio": [3, 4], "video": [1, 2]}'
    )
    assert joined(["", ""]) == ""
