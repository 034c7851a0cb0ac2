"""Files of a corpus folder, and splits drawn by lot."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from emocli.data.clip import Clip
from emocli.data.media.content import AUDIO
from emocli.errors import ManifestError
from emocli.plugin.dataset import SHARE, Folder, counted, random_split
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


@pytest.mark.parametrize("count", [3, 6, 7, 12, 60])
def test_every_split_has_its_share_of_clips(count: int) -> None:
    clips = random_split([Clip(f"clip {k}") for k in range(count)])
    sizes = Counter(clip.split for clip in clips)
    assert sizes["valid"] == sizes["test"] == max(1, count // SHARE)
    assert [clip.id for clip in clips] == [f"clip {k}" for k in range(count)]


def test_a_clip_keeps_its_split_whatever_the_order() -> None:
    clips = [Clip(f"clip {k}") for k in range(20)]
    forth = {clip.id: clip.split for clip in random_split(clips)}
    back = {clip.id: clip.split for clip in random_split(clips[::-1])}
    assert forth == back
