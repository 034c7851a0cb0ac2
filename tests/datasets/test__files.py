from __future__ import annotations

from pathlib import Path

import pytest

from emocli.data.media.content import AUDIO
from emocli.datasets._files import Folder, counted
from emocli.errors import ManifestError
from tests.datasets.empty_files import add


def test_files_are_found_at_any_depth_and_in_order(tmp_path: Path) -> None:
    names = ("b/two.WAV", "a/one.wav", "a/._one.wav", "a/one.txt", "top.flac")
    folder = Folder.scan(add(tmp_path, *names))
    assert [p.name for p in folder.with_suffix(AUDIO)] == ["one.wav", "two.WAV", "top.flac"]
    assert folder.doubles == 1
    assert folder.named("one.txt") == tmp_path / "a/one.txt"
    assert folder.named("two.txt") is None


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    add(tmp_path, "elsewhere/x.wav")
    root = tmp_path / "root"
    root.mkdir()
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "self").symlink_to(root)
    assert Folder.scan(root).files == (root / "linked/x.wav",)


def test_an_absent_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="there is no such folder"):
        Folder.scan(tmp_path / "none")


def test_only_what_happened_is_told() -> None:
    assert counted((0, "files lost"), (1200, "files found")) == ("1,200 files found",)
