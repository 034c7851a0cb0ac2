"""Folds: every clip is tested once, and nobody is on both sides."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emocli.data.clip import SPLITS, Clip
from emocli.data.folds import Fold, assign
from emocli.data.manifest import Manifest
from emocli.errors import ManifestError

CLASSES = ("a", "b", "c")


def clips(speakers: int = 12, each: int = 6, **more: Any) -> list[Clip]:
    return [
        Clip(f"{s:02d}-{k}", speaker=f"s{s}", label=CLASSES[(s + k) % 3], **more)
        for s in range(speakers)
        for k in range(each + s % 2)
    ]


def manifest(found: list[Clip], **more: Any) -> Manifest:
    options = {"task": "single", "dataset": "toy", "root": Path("/nowhere"), "path": Path("m.csv")}
    return Manifest(tuple(found), CLASSES, **(options | more))


@pytest.mark.parametrize("count", [3, 4, 5, 12])
def test_every_clip_is_tested_once_and_nobody_crosses(count):
    corpus = manifest(clips())
    tested: Counter[str] = Counter()
    for index in range(count):
        folded = corpus.folded(index, count)
        who = {split: {clip.speaker for clip in folded.split(split)} for split in SPLITS}
        assert not who["train"] & who["test"]
        assert not who["train"] & who["valid"]
        assert not who["valid"] & who["test"]
        assert all(who.values())
        tested.update(clip.id for clip in folded.split("test"))
    assert tested == Counter(clip.id for clip in corpus.clips)


def test_the_next_fold_validates():
    corpus = manifest(clips())
    for index in range(5):
        ids = [clip.id for clip in corpus.folded(index, 5).split("valid")]
        assert ids == [clip.id for clip in corpus.folded((index + 1) % 5, 5).split("test")]


def test_folds_are_of_equal_size_and_hold_every_class():
    result = clips(20)
    numbers = assign(result, 5)
    sizes = Counter(numbers)
    assert max(sizes.values()) - min(sizes.values()) <= 1
    shown = Counter(zip(numbers, (clip.label for clip in result), strict=True))
    for label in CLASSES:
        counts = [shown[fold, label] for fold in range(5)]
        assert max(counts) - min(counts) <= 2


def test_numbering_by_sex_does_not_make_folds_of_one_sex():
    """Odd numbers are men in RAVDESS: dealing in turn would part the sexes."""
    result = [Clip(f"{s}-{k}", speaker=f"{s:02d}", label="a") for s in range(24) for k in range(9)]
    numbers = dict(zip((clip.speaker for clip in result), assign(result, 4), strict=True))
    for fold in range(4):
        odd = [int(speaker) % 2 for speaker, number in numbers.items() if number == fold]
        assert 0 < sum(odd) < len(odd) == 6


def test_the_order_of_the_clips_does_not_matter():
    result = clips()
    forward = dict(zip((c.id for c in result), assign(result, 4), strict=True))
    backward = dict(zip((c.id for c in result[::-1]), assign(result[::-1], 4), strict=True))
    assert forward == backward


def test_published_folds_are_used_if_so_many_are_asked_for():
    result = [replace(clip, fold=(1, 2, 4)[int(clip.speaker[1:]) % 3]) for clip in clips()]
    assert assign(result, 3) == tuple((1, 2, 4).index(clip.fold or 0) for clip in result)
    numbers = assign(result, 4)
    assert set(numbers) == {0, 1, 2, 3}
    together = zip((clip.speaker for clip in result), numbers, strict=True)
    assert len(set(together)) == 12


def test_dialogues_and_speakers_stay_together():
    """Two dialogues that share a speaker are in one fold, though nobody speaks in all clips."""
    pairs = [("d1", "s1"), ("d1", "s2"), ("d2", "s2"), ("d3", "s3"), ("d4", ""), ("", "s5")]
    result = [Clip(f"{k}", dialogue=d, speaker=s, label="a") for k, (d, s) in enumerate(pairs)]
    first, second, third, *others = assign(result, 4)
    assert first == second == third
    assert len({first, *others}) == 4
    manifest(result).folded(0, 4)


def test_where_speakers_may_cross_dialogues_count():
    result = [
        Clip(f"{d}-{k}", dialogue=f"d{d}", speaker=f"s{k}", label="a")
        for d in range(6)
        for k in range(3)
    ]
    with pytest.raises(ManifestError, match="has 1 groups of clips that belong together"):
        assign(result, 3)
    numbers = assign(result, 3, overlap=True)
    assert len({(clip.dialogue, n) for clip, n in zip(result, numbers, strict=True)}) == 6


def test_clips_nobody_is_known_of_stand_by_themselves():
    result = [Clip(f"{k}", labels={"a": float(k % 2), "b": 1.0}) for k in range(8)]
    numbers = assign(result, 4)
    assert sorted(Counter(numbers).values()) == [2, 2, 2, 2]
    for fold in range(4):
        held = {clip.labels["a"] for clip, n in zip(result, numbers, strict=True) if n == fold}
        assert held == {0.0, 1.0}


def test_folding_changes_no_feature():
    corpus = manifest(clips())
    folded = corpus.folded(2, 5)
    assert folded.fingerprint == corpus.fingerprint
    assert folded.fold == Fold(index=2, count=5)
    assert corpus.fold is None


@pytest.mark.parametrize(
    ("index", "count", "message"),
    [
        (0, 2, "m.csv: 2 folds are too few: one is tested, one validates and the others train"),
        (0, 13, "m.csv: has 12 groups .* too few for 13 folds; ask for at most 12"),
        (5, 5, "m.csv: there is no fold 5; folds are 0 to 4"),
        (-1, 5, "there is no fold -1"),
    ],
)
def test_what_cannot_be_folded_is_told_in_one_line(index, count, message):
    with pytest.raises(ManifestError, match=message):
        manifest(clips()).folded(index, count)


def test_published_folds_are_recommended():
    result = [replace(clip, fold=int(clip.speaker[1:]) % 3) for clip in clips(4)]
    with pytest.raises(ManifestError, match="it is published with 3 folds"):
        assign(result, 6)


# -- in a manifest


def test_folds_are_written_and_read(tmp_path):
    result = [replace(clip, fold=int(clip.speaker[1:]) % 3) for clip in clips()]
    corpus = manifest(result, root=tmp_path)
    corpus.write(tmp_path / "toy.csv")
    assert Manifest.read(tmp_path / "toy.csv") == replace(corpus, path=tmp_path / "toy.csv")
    manifest(clips(), root=tmp_path).write(tmp_path / "plain.csv")
    assert "fold" not in (tmp_path / "plain.csv").read_text().splitlines()[0].split(",")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fold": None}, "column 'fold': is empty, though other clips have one"),
        ({"fold": -1}, "there is no fold -1; folds are numbered from 0"),
        ({"fold": 2}, "speaker 's0' is in fold 2 and in fold 0"),
    ],
)
def test_a_column_that_makes_no_sense_is_refused(change, message):
    result = [replace(clip, fold=0) for clip in clips()]
    with pytest.raises(ManifestError, match=message):
        manifest([replace(result[0], **change), *result[1:]])


def test_a_fold_is_a_whole_number(tmp_path):
    (tmp_path / "toy.csv").write_text("id,fold\na,first\n")
    (tmp_path / "toy.toml").write_text('dataset = "toy"\nclasses = ["a"]\n')
    with pytest.raises(ManifestError, match="row 2, column 'fold': 'first' is not a number"):
        Manifest.read(tmp_path / "toy.csv")
