"""Clips of synthetic corpora: dialogues, labels and what is behind them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from emocli.config import build
from emocli.data.clip import SPLITS
from emocli.data.manifest import Manifest, Task
from emocli.errors import ConfigError
from emocli.experiments.synthetic.corpus import (
    EMOTIONS,
    PRESENT,
    Config,
    GeneratedCorpus,
    behind,
    draw,
)
from emocli.plugin.experiment import SyntheticCorpus

TASKS: tuple[Task, ...] = ("single", "multi", "intensity")


def drawn(task: Task = "single", **settings: object) -> GeneratedCorpus:
    return draw(build(Config, settings, "synthetic"), task, Path("/nowhere"))


def settled(corpus: GeneratedCorpus) -> list[tuple[str, object]]:
    return [(clip.id, clip.label or dict(clip.labels)) for clip in corpus.manifest.clips]


@pytest.mark.parametrize("task", TASKS)
def test_the_same_seed_gives_the_same_corpus_and_another_one_another(task: Task) -> None:
    first, again, other = drawn(task), drawn(task), drawn(task, seed=1)
    assert first.manifest == again.manifest
    for clip in first.manifest.clips:
        np.testing.assert_array_equal(first.latents[clip.id], again.latents[clip.id])
    assert settled(first) != settled(other)


@pytest.mark.parametrize("task", TASKS)
def test_it_is_a_manifest_like_any_other(task: Task, tmp_path: Path) -> None:
    corpus = draw(Config(), task, tmp_path)
    corpus.manifest.write(tmp_path / "synthetic.csv")
    read = Manifest.read(tmp_path / "synthetic.csv")
    assert read.clips == corpus.manifest.clips
    assert read.fingerprint == corpus.manifest.fingerprint
    assert read.dataset == "synthetic"


def test_a_dialogue_has_a_few_speakers_of_its_own() -> None:
    speakers = [{c.speaker for c in d} for d in drawn().manifest.dialogues().values()]
    assert {len(names) for names in speakers} == {2, 3, 4, 5, 6}
    assert len(set.union(*speakers)) == sum(map(len, speakers))


def test_it_can_be_folded() -> None:
    manifest = drawn(dialogues={"train": 4, "valid": 4, "test": 4}, turns=2).manifest
    assert {c.split for c in manifest.folded(0, 3).clips} == set(SPLITS)


@pytest.mark.parametrize("stay", [0.0, 0.5, 0.9])
def test_classes_are_a_markov_chain(stay: float) -> None:
    dialogues = drawn(stay=stay, dialogues={"train": 400, "valid": 4, "test": 4}).manifest
    pairs = [
        (a.label, b.label) for clips in dialogues.dialogues().values() for a, b in pairwise(clips)
    ]
    kept = np.mean([a == b for a, b in pairs])
    assert kept == pytest.approx(stay, abs=0.03)  # 2,856 pairs: three deviations at most
    left = [b for a, b in pairs if a != b and a == EMOTIONS[0]]
    shares = [left.count(name) / len(left) for name in EMOTIONS[1:]]
    np.testing.assert_allclose(shares, 1 / 3, atol=0.15)


def test_every_class_is_in_every_split_however_small() -> None:
    few = {"dialogues": {"train": 4, "valid": 4, "test": 4}, "turns": 1}
    for seed in range(5):
        for split in SPLITS:
            labels = {c.label for c in drawn(seed=seed, **few).manifest.split(split)}
            assert labels == set(EMOTIONS)


@pytest.mark.parametrize("count", [2, 3, 7, 12])
def test_a_table_may_name_any_number_of_classes(count: int, tmp_path: Path) -> None:
    names = tuple(f"c{number:02d}" for number in range(count))
    few = build(Config, {"dialogues": {"train": 4, "valid": 4, "test": 4}}, "synthetic")
    corpus = draw(few, "single", tmp_path, names)
    for split in SPLITS:
        assert {clip.label for clip in corpus.manifest.split(split)} == set(names)
    assert corpus.manifest.classes == names
    corpus.manifest.write(tmp_path / "synthetic.csv")
    assert Manifest.read(tmp_path / "synthetic.csv").clips == corpus.manifest.clips


def test_names_of_classes_change_nothing_else() -> None:
    usual, called = (draw(Config(), "single", Path("/nowhere"), n) for n in ((), tuple("abcd")))
    names = dict(zip(EMOTIONS, "abcd", strict=True))
    assert [names[c.label or ""] for c in usual.manifest.clips] == [
        c.label for c in called.manifest.clips
    ]
    for clip, latent in usual.latents.items():
        np.testing.assert_array_equal(latent, called.latents[clip])


@pytest.mark.parametrize("classes", [("high",), ("high", "low", "high")])
def test_classes_are_two_or_more_and_different(classes: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="two classes or more, no two of one name"):
        SyntheticCorpus(classes=classes)


@pytest.mark.parametrize("task", ["multi", "intensity"])
def test_several_classes_have_their_shares_in_every_split(task: Task) -> None:
    corpus = drawn(task)
    for split in SPLITS:
        values = corpus.manifest.targets(corpus.manifest.split(split))
        shares = (values > 0.1).mean(axis=0)
        np.testing.assert_allclose(shares, list(PRESENT.values()), atol=0.5 / len(values) + 1e-9)


def test_intensities_are_thirds_up_to_three_and_grow_with_what_is_behind() -> None:
    corpus = drawn("intensity")
    values = corpus.manifest.targets(corpus.manifest.clips)
    np.testing.assert_allclose(values * 3, np.round(values * 3), atol=1e-3)
    assert values.max() <= 3
    assert len(np.unique(values)) > 3
    present = (drawn("multi").manifest.targets(corpus.manifest.clips)) > 0
    np.testing.assert_array_equal(present, values > 0)


def test_neighbours_of_a_dialogue_are_alike() -> None:
    corpus = drawn("multi", stay=0.8)
    dialogues = corpus.manifest.dialogues().values()
    pairs = [
        (corpus.latents[a.id], corpus.latents[b.id])
        for clips in dialogues
        for a, b in pairwise(clips)
    ]
    first, second = (np.concatenate(side) for side in zip(*pairs, strict=True))
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("separation", [0.0, 4.0])
def test_classes_are_as_far_apart_as_is_asked_for(separation: float) -> None:
    corpus = drawn(separation=separation, dialogues={"train": 300, "valid": 4, "test": 4})
    by_class = {
        name: np.mean([corpus.latents[c.id] for c in corpus.manifest.clips if c.label == name], 0)
        for name in EMOTIONS
    }
    apart = np.linalg.norm(by_class["joy"] - by_class["anger"])
    assert apart == pytest.approx(np.sqrt(2) * separation, abs=0.35)
    again = behind(Config(separation=separation), corpus.manifest)
    means = [
        np.mean([again.latents[c.id] for c in corpus.manifest.clips if c.label == n], 0)
        for n in ("joy", "anger")
    ]
    assert np.linalg.norm(means[0] - means[1]) == pytest.approx(apart, abs=0.5)


def test_settings_of_one_modality_leave_the_others() -> None:
    config = build(Config, {"rates": {"audio": 10}}, "synthetic")
    assert config.of("audio").rate == 10
    assert config.of("text").rate == 3
    assert config.of("smell") == config.of("other")


@pytest.mark.parametrize(
    "settings", [{"seconds": [3, 2]}, {"dialogues": {"train": 1}}, {"stay": 2}, {"rates": {"a": 0}}]
)
def test_impossible_settings_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        build(Config, settings, "synthetic")
