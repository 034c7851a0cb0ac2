from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli import config
from emocli.data.manifest import Manifest
from emocli.data.media.content import frames, sound
from emocli.datasets import ravdess
from emocli.errors import ConfigError, ManifestError
from tests.datasets.empty_files import add


def build(root: Path, **settings: Any) -> Manifest:
    return ravdess.build(root, config.build(ravdess.Config, settings, "ravdess"))


def written(root: Path, actors: range | tuple[int, ...] = range(1, 25), *extra: str) -> Path:
    """Two published-layout clips of each actor, as empty files."""
    for actor in actors:
        add(
            root,
            f"Actor_{actor:02d}/01-01-05-01-01-01-{actor:02d}.mp4",
            f"Actor_{actor:02d}/03-01-05-01-01-01-{actor:02d}.wav",
            f"Actor_{actor:02d}/03-02-04-01-02-01-{actor:02d}.wav",
        )
    return add(root, *extra)


def actors(manifest: Manifest, split: str) -> list[int]:
    return sorted({int(clip.speaker) for clip in manifest.split(split)})


def test_names_say_everything(tmp_path: Path) -> None:
    names = [
        f"03-01-{emotion:02d}-{strength}-{sentence}-02-07.wav"
        for emotion in range(1, 9)
        for strength in ("01", "02")
        for sentence in ("01", "02")
    ]
    manifest = build(add(tmp_path, *names))
    assert len(manifest.clips) == 32
    assert Counter(clip.label for clip in manifest.clips) == dict.fromkeys(ravdess.EMOTIONS, 4)
    clip = manifest.clip("03-01-06-02-02-02-07")
    assert (clip.label, clip.speaker) == ("fearful", "07")
    assert clip.text == "Dogs are sitting by the door."
    assert clip.groups == {"gender": "male", "intensity": "strong"}
    assert manifest.clip("03-01-01-01-01-02-07").label == "neutral"
    assert manifest.clip("03-01-08-01-01-02-07").label == "surprised"
    assert manifest.classes[1:5] == ("calm", "happy", "sad", "angry")


def test_versions_of_a_performance_are_one_clip(tmp_path: Path) -> None:
    add(
        tmp_path,
        "a/01-01-03-01-01-01-01.mp4",
        "b/02-01-03-01-01-01-01.mp4",
        "c/03-01-03-01-01-01-01.wav",
        "a/01-01-04-01-01-01-01.mp4",
        "b/02-01-05-01-01-01-01.mp4",
        "b/02-01-06-01-01-01-01.mp4",
        "c/03-01-06-01-01-01-01.flac",
        "a/01-01-07-01-01-01-01.wav",
        "b/01-01-07-01-01-01-01.mp4",
    )
    manifest = build(tmp_path)
    media = {
        clip.id: {name: str(path.relative_to(tmp_path)) for name, path in clip.media.items()}
        for clip in manifest.clips
    }
    assert media == {
        "03-01-03-01-01-01-01": {
            "audio": "c/03-01-03-01-01-01-01.wav",
            "video": "a/01-01-03-01-01-01-01.mp4",
        },
        "01-01-04-01-01-01-01": {
            "audio": "a/01-01-04-01-01-01-01.mp4",
            "video": "a/01-01-04-01-01-01-01.mp4",
        },
        "02-01-05-01-01-01-01": {"video": "b/02-01-05-01-01-01-01.mp4"},
        "03-01-06-01-01-01-01": {
            "audio": "c/03-01-06-01-01-01-01.flac",
            "video": "b/02-01-06-01-01-01-01.mp4",
        },
        "01-01-07-01-01-01-01": {
            "audio": "a/01-01-07-01-01-01-01.wav",
            "video": "b/01-01-07-01-01-01-01.mp4",
        },
    }
    assert "1 clip has no sound" in manifest.notes


@pytest.mark.parametrize(("channel", "per_actor"), [("speech", 1), ("song", 1), ("both", 2)])
def test_a_channel_can_be_chosen(tmp_path: Path, channel: str, per_actor: int) -> None:
    manifest = build(written(tmp_path), channel=channel)
    assert len(manifest.clips) == 24 * per_actor
    codes = {clip.id[3:5] for clip in manifest.clips}
    assert codes == set(ravdess.CHANNELS[channel])


def test_all_actors_are_split_by_the_published_folds(tmp_path: Path) -> None:
    manifest = build(written(tmp_path))
    assert actors(manifest, "test") == [6, 13, 17, 22]
    assert actors(manifest, "valid") == [1, 11, 20, 21]
    assert len(actors(manifest, "train")) == 16
    second = build(tmp_path, test_fold=2)
    assert actors(second, "test") == [4, 10, 12, 14]
    assert actors(second, "valid") == [8, 9, 19, 23]
    assert {a for fold in ravdess.FOLDS for a in fold} == set(range(1, 25))


def test_folds_that_are_not_there_do_not_count(tmp_path: Path) -> None:
    present = tuple(a for a in range(1, 25) if a not in (6, 13, 17, 22, 3, 5, 7, 24))
    manifest = build(written(tmp_path, present))
    assert actors(manifest, "test") == [2, 15, 16, 18]
    assert actors(manifest, "valid") == [1, 11, 20, 21]
    third = build(tmp_path, test_fold=3)
    assert actors(third, "test") == [8, 9, 19, 23]
    assert actors(third, "valid") == [2, 15, 16, 18]
    with pytest.raises(ConfigError, match=r"test_fold = 6 is in the folder; .*: 1, 2, 3, 5"):
        build(tmp_path, test_fold=6)


def test_folds_can_be_given(tmp_path: Path) -> None:
    manifest = build(written(tmp_path), folds=[[1, 2], [3], [4, 5]], test_fold=1)
    assert [actors(manifest, s) for s in ("train", "valid", "test")] == [[4, 5], [3], [1, 2]]
    assert "19 clips left out: their actor is in no fold" in manifest.notes
    with pytest.raises(ConfigError, match="in two folds"):
        build(tmp_path, folds=[[1, 2], [2], [3]])
    with pytest.raises(ConfigError, match="folds"):
        build(tmp_path, folds=[[1], [2]])


def test_two_actors_are_too_few_to_split(tmp_path: Path) -> None:
    manifest = build(written(tmp_path, (1, 2)))
    assert {clip.split for clip in manifest.clips} == {"train"}
    assert any("all in train" in note for note in manifest.notes)


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    written(
        tmp_path,
        (1, 2, 3),
        "Actor_01/._03-01-05-01-01-01-01.wav",
        "Actor_01/03-01-09-01-01-01-01.wav",
        "Actor_25/03-01-05-01-01-01-25.wav",
        "Actor_01/holiday.mp4",
        "Actor_01/notes.txt",
        "copy/Actor_01/03-01-05-01-01-01-01.wav",
    )
    manifest = build(tmp_path)
    assert len(manifest.clips) == 3
    assert "3 files left out: their names are not those of RAVDESS" in manifest.notes
    assert "1 file left out: another one has the same name" in manifest.notes
    assert "1 file left out: AppleDouble (._*)" in manifest.notes


def test_a_folder_without_the_corpus_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(
        ManifestError, match="holds no speech recording of RAVDESS; names like Actor"
    ):
        build(tmp_path)
    with pytest.raises(ManifestError, match="there is no such folder"):
        build(tmp_path / "none")
    with pytest.raises(ManifestError, match="holds no song"):
        build(add(tmp_path, "03-01-05-01-01-01-01.wav"), channel="song")


def test_it_is_written_and_read(tmp_path: Path) -> None:
    manifest = build(written(tmp_path / "corpus"))
    manifest.write(tmp_path / "ravdess.csv")
    assert Manifest.read(tmp_path / "ravdess.csv") == manifest
    assert (manifest.dataset, manifest.licence) == ("ravdess", "CC BY-NC-SA 4.0")


def test_real_files(shared_data: Path) -> None:
    manifest = build(shared_data / "ravdess")
    ids = np.load(shared_data / "ravdess/face_posteriors.npz")["ids"].tolist()
    assert {clip.id for clip in manifest.clips} == set(ids)
    sizes = {split: len(manifest.split(split)) for split in ("train", "valid", "test")}
    assert sizes == {"train": 720, "valid": 240, "test": 240}
    assert Counter(clip.label for clip in manifest.clips)["neutral"] == 80
    both = [clip for clip in manifest.clips if "video" in clip.media]
    assert len(both) == 7
    clip = both[0]
    assert len(sound(clip, 16000)) == pytest.approx(
        len(list(frames(clip))) / 29.97 * 16000, rel=0.02
    )


def test_the_published_folds_are_in_the_manifest(tmp_path: Path) -> None:
    manifest = build(written(tmp_path))
    result = {int(clip.speaker): clip.fold for clip in manifest.clips}
    assert result == {a: n for n, fold in enumerate(ravdess.FOLDS) for a in fold}
    assert actors(manifest.folded(2, 6), "test") == [8, 9, 19, 23]
    assert actors(manifest.folded(2, 6), "valid") == [3, 5, 7, 24]


def test_folds_without_an_actor_are_passed_over(tmp_path: Path) -> None:
    there = tuple(actor for actor in range(1, 25) if actor not in ravdess.FOLDS[1])
    manifest = build(written(tmp_path, there))
    assert actors(manifest.folded(0, 5), "test") == [1, 11, 20, 21]
    assert actors(manifest.folded(0, 5), "valid") == [8, 9, 19, 23]
