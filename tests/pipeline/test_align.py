"""Features brought to the rows of another, against plain arithmetic."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from emocli.cli.app import run
from emocli.data.store import FeatureStore, open_feature
from emocli.data.track import Track
from emocli.errors import StoreError
from emocli.pipeline import align as stage
from emocli.pipeline.align import align
from tests import toy

WORDS = {
    "train00": [0.1, 0.3, 0.8],
    "train01": [0.5],
    "valid00": [np.nan, np.nan],
    "valid01": [],
}
"""Middles of the words, in seconds, of the clips that have any."""


@pytest.fixture
def corpus(tmp_path: Path) -> toy.Toy:
    """Return mel at 10 rows a second for every clip, words for a few."""
    made = toy.build(tmp_path)
    rng = np.random.default_rng(0)
    times = 0.05 + 0.1 * np.arange(10)
    mel = {c.id: Track(rng.normal(size=(10, 5)), times) for c in made.manifest.clips}
    words = {i: Track(np.zeros((len(t), 4)), np.array(t)) for i, t in WORDS.items()}
    toy.write_tracks(made.store, "mel", "audio", made.manifest, mel, rate=10.0)
    toy.write_tracks(made.store, "words", "text", made.manifest, words)
    return made


def test_a_row_is_the_mean_of_what_its_word_overlaps(corpus: toy.Toy) -> None:
    made = align(corpus.manifest, corpus.store, "mel", "words")
    assert (made.feature, made.clips, made.rows, made.silent) == ("mel_to_words", 2, 4, 0)
    source = FeatureStore.open(corpus.store / "mel.h5")["train00"]
    found = open_feature(corpus.store, "mel_to_words", corpus.manifest)
    assert found.modality == "audio"
    # The words reach half-way to their neighbours: 0 to .2, .2 to .55, .55 to 1.05 seconds.
    wanted = [source[:2].mean(axis=0), source[2:6].mean(axis=0), source[5:].mean(axis=0)]
    np.testing.assert_allclose(found["train00"], wanted, atol=1e-6)
    np.testing.assert_array_equal(found.track("train00").times, WORDS["train00"])
    # A clip's only word lasts a second.
    whole = FeatureStore.open(corpus.store / "mel.h5")["train01"]
    np.testing.assert_allclose(found["train01"], [whole.mean(axis=0)], atol=1e-6)


def test_clips_without_timed_words_are_left_out_and_counted(
    corpus: toy.Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(corpus.folder / "toy.csv"), "--store", str(corpus.store), "-f", "mel"]
    assert run(["align", *arguments, "--to", "words"]) == 0
    out, err = capsys.readouterr()
    assert "mel_to_words.h5: 2 clips, 4 rows, 0 of them silent" in out
    (line,) = err.splitlines()
    assert "mel_to_words lacks 49 clips of which not both features have rows with times" in line
    assert run(["align", *arguments, "--to", "words", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["left_out"] == 49


def test_words_that_nothing_overlaps_are_zeros_and_counted(corpus: toy.Toy) -> None:
    words = {"train00": Track(np.zeros((3, 4)), np.array([0.2, 4.0, 4.2]))}
    toy.write_tracks(corpus.store, "late", "text", corpus.manifest, words)
    made = align(corpus.manifest, corpus.store, "mel", "late")
    assert (made.rows, made.silent) == (3, 2)
    found = open_feature(corpus.store, "mel_to_late", corpus.manifest)["train00"]
    assert found.any(axis=1).tolist() == [True, False, False]


def test_a_clip_without_the_feature_stays_without_it(corpus: toy.Toy) -> None:
    """Else a network would take the zeros for something that was recorded."""
    values, times = np.ones((2, 5)), np.array([0.2, 0.6])
    tracks = {
        "train00": Track(values, times),
        "train01": Track(values[:0], times[:0]),
        "train02": Track(values, times),
    }
    toy.write_tracks(corpus.store, "faces", "visual", corpus.manifest, tracks)
    made = align(corpus.manifest, corpus.store, "faces", "words")
    assert (made.clips, made.rows, made.silent, made.left_out) == (1, 3, 0, 2)
    assert open_feature(corpus.store, "faces_to_words", corpus.manifest).ids == ("train00",)


def test_rows_of_rank_three_can_give_the_times(corpus: toy.Toy) -> None:
    pictures = {"train00": Track(np.zeros((2, 3, 3)), np.array([0.25, 0.75]))}
    toy.write_tracks(corpus.store, "pictures", "visual", corpus.manifest, pictures, rate=2.0)
    made = align(corpus.manifest, corpus.store, "mel", "pictures")
    assert (made.clips, made.rows, made.silent) == (1, 2, 0)


def test_words_that_overlap_need_not_be_in_the_order_of_their_middles(corpus: toy.Toy) -> None:
    words = {"train00": Track(np.zeros((3, 4)), np.array([0.5, 0.2, 0.8]))}
    toy.write_tracks(corpus.store, "at_once", "text", corpus.manifest, words)
    assert align(corpus.manifest, corpus.store, "mel", "at_once").silent == 0
    source = FeatureStore.open(corpus.store / "mel.h5")["train00"]
    found = open_feature(corpus.store, "mel_to_at_once", corpus.manifest)["train00"]
    # .35 to .65, .05 to .35, .65 to .95 seconds.
    wanted = [source[3:7].mean(axis=0), source[:4].mean(axis=0), source[6:].mean(axis=0)]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_killed_half_way_it_goes_on_and_ends_the_same(
    corpus: toy.Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = align(corpus.manifest, corpus.store, "mel", "words").path.read_bytes()
    (corpus.store / "mel_to_words.h5").unlink()
    monkeypatch.setattr("emocli.data.store.writer.PART", 1)
    asked: list[str] = []

    def killed(source: FeatureStore, words: FeatureStore, clip_id: str) -> Track:
        asked.append(clip_id)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return track(source, words, clip_id)

    track = stage._track
    monkeypatch.setattr(stage, "_track", killed)
    with pytest.raises(KeyboardInterrupt):
        align(corpus.manifest, corpus.store, "mel", "words")
    assert not (corpus.store / "mel_to_words.h5").exists()
    assert align(corpus.manifest, corpus.store, "mel", "words").path.read_bytes() == whole
    assert asked == ["train00", "train01", "train01"]


def test_it_is_made_anew_only_when_asked(corpus: toy.Toy) -> None:
    before = align(corpus.manifest, corpus.store, "mel", "words").path.stat().st_mtime_ns
    assert align(corpus.manifest, corpus.store, "mel", "words").path.stat().st_mtime_ns == before
    words = {"train00": Track(np.zeros((1, 4)), np.array([0.5]))}
    toy.write_tracks(corpus.store, "words", "text", corpus.manifest, words, heard="anew")
    with pytest.raises(StoreError, match="--overwrite"):
        align(corpus.manifest, corpus.store, "mel", "words")
    assert align(corpus.manifest, corpus.store, "mel", "words", overwrite=True).rows == 1


@pytest.mark.parametrize(
    ("feature", "to", "message"),
    [
        *(
            (feature, to, f"{untimed}.h5: '{untimed}' has no times")
            for feature, to, untimed in (
                ("mel", "glove", "glove"),
                ("face_hog", "words", "face_hog"),
            )
        ),
        ("nothing", "words", "no feature 'nothing'"),
        ("mel", "untimed", "no clip has rows with times of both 'mel' and 'untimed'"),
        ("untimed", "words", "no clip has rows with times of both 'untimed' and 'words'"),
        ("pictures", "words", "pictures.h5: has rows of shape (2, 2)"),
        ("mel", "mel", "'mel' has its own rows"),
    ],
)
def test_what_cannot_be_aligned_is_one_line(
    corpus: toy.Toy, feature: str, to: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = {"train00": Track(np.zeros((1, 4)), np.array([np.nan]))}
    toy.write_tracks(corpus.store, "untimed", "text", corpus.manifest, nothing)
    pictures = {"train00": Track(np.zeros((1, 2, 2)), np.array([0.5]))}
    toy.write_tracks(corpus.store, "pictures", "visual", corpus.manifest, pictures)
    arguments = [str(corpus.folder / "toy.csv"), "--store", str(corpus.store), "-f", feature]
    assert run(["align", *arguments, "--to", to]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
