from __future__ import annotations

from pathlib import Path

import pytest

from emocli.data import manifest_rules
from emocli.data.clip import Clip
from emocli.errors import ManifestError


def place(index: int, column: str) -> str:
    return f"clip {index}, {column}"


def test_paths_are_compared_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    prefix = manifest_rules.folder_prefix(tmp_path / "link")
    assert manifest_rules.relative(tmp_path / "link" / "a" / "b.wav", prefix) == "a/b.wav"
    assert manifest_rules.relative(tmp_path / "link" / "a" / ".." / "b.wav", prefix) == "b.wav"
    assert manifest_rules.relative(tmp_path / "real" / "b.wav", prefix) is None
    assert manifest_rules.relative(tmp_path / "linked" / "b.wav", prefix) is None
    assert manifest_rules.relative(tmp_path / "link" / ".." / "b.wav", prefix) is None
    assert manifest_rules.folder_prefix(Path("/")) == "/"


@pytest.mark.parametrize(
    ("clip", "said"),
    [
        (Clip("a", split="dev"), "clip 0, split: there is no split 'dev'"),  # type: ignore[arg-type]
        (Clip("a", start=-0.5), "clip 0, start: -0.5 s is no time in a file"),
        (Clip("a", start=float("nan")), "clip 0, start"),
        (Clip("a", end=0.0), "clip 0, end: 0 s is not after the start, 0 s"),
        (Clip("a", end=float("inf")), "clip 0, end"),
        (Clip("a", label="hapy"), "clip 0, label: 'hapy' is not a class; did you mean 'happy'"),
        (Clip("a", labels={"joy": 1}), r"clip 0, label\.joy: 'joy' is not a class"),
        (
            Clip("a", labels={"sad": float("nan")}),
            r"clip 0, label\.sad: nan is not a finite number",
        ),
    ],
)
def test_impossible_values_are_named(tmp_path: Path, clip: Clip, said: str) -> None:
    with pytest.raises(ManifestError, match=said):
        manifest_rules.check_values([clip], ["sad", "happy"], "single", tmp_path, place)


def test_groups_stay_in_one_split() -> None:
    clips = [Clip("a", speaker="ann"), Clip("b"), Clip("c", "test"), Clip("d", "test", "ann")]
    manifest_rules.check_groups(clips[:3], place)
    with pytest.raises(
        ManifestError, match="clip 3, speaker: speaker 'ann' is in train and in test"
    ):
        manifest_rules.check_groups(clips, place)


def test_ids_are_there_and_differ() -> None:
    with pytest.raises(ManifestError, match=r"clip 1, id: id 'a' is already .* see clip 0, id"):
        manifest_rules.check_ids([Clip("a"), Clip("a")], place)
    with pytest.raises(ManifestError, match="clip 0, id: is empty"):
        manifest_rules.check_ids([Clip("")], place)
