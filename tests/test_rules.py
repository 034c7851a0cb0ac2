"""Rules by which settings follow from the size of a corpus, and where what they give ends up."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from safetensors.numpy import load_file

from emocli import load_run, plugins, rules
from emocli.config import merge
from emocli.pipeline.settings import settings_of
from emocli.plugin.layers import NetworkSettings
from emocli.plugin.network import CorpusSize, Rule, Rules
from emocli.rules import batch, epochs, nearest_power, units
from emocli.training.settings import corpus_size, resolve
from emocli.training.train import TrainRequest
from tests import toy

corpus = toy.fixture()


@pytest.mark.parametrize(
    ("clips", "items", "expected"),
    [
        (60, 60, (16, 8, 30)),
        (720, 720, (64, 32, 30)),
        (665, 68, (64, 8, 30)),
        (868, 868, (64, 32, 30)),
        (10_000, 10_000, (128, 64, 19)),
        (100_000, 100_000, (128, 64, 10)),
    ],
)
def test_values(clips: int, items: int, expected: tuple[int, int, int]) -> None:
    size = CorpusSize(clips, items, 4)
    assert (units(size), batch(size), epochs(size)) == expected


def test_powers_of_two() -> None:
    assert [nearest_power(n, 8, 64) for n in (0, 8, 11, 12, 48, 1e9)] == [8, 8, 8, 16, 64, 64]


def test_they_grow_with_the_corpus() -> None:
    sizes = [CorpusSize(n, n, 2) for n in range(1, 20_000, 37)]
    for rule in (units, batch):
        values = [rule(size) for size in sizes]
        assert values == sorted(values)
    lengths = [epochs(size) for size in sizes]
    assert lengths == sorted(lengths, reverse=True)


def test_size_counts_training_clips_and_dialogues(corpus: toy.Toy) -> None:
    assert corpus_size(corpus.manifest, "late") == CorpusSize(24, 24, 3)
    assert corpus_size(corpus.manifest, "m2fnet") == CorpusSize(24, 8, 3)


def test_all_folds_have_the_same(corpus: toy.Toy) -> None:
    sizes = {corpus_size(corpus.manifest.folded(k, 3), "late") for k in range(3)}
    assert sizes == {CorpusSize(17, 17, 3)}


def test_they_hold_for_the_default_alone_and_settings_win(corpus: toy.Toy) -> None:
    size = CorpusSize(5000, 5000, 3)
    plus, paper = (
        resolve("late", p, {}, "single", toy.CLASSES, size=size) for p in ("plus", "paper")
    )
    assert (plus[0].hidden, plus[1].batch_size) == (128, 64)
    assert (paper[0].hidden, paper[1].batch_size) == (128, 32)
    own = {"network": {"hidden": 7}, "train": {"batch_size": 5}}
    network, training, _ = resolve("late", "plus", own, "single", toy.CLASSES, size=size)
    assert (network.hidden, training.batch_size) == (7, 5)


def test_a_network_that_sets_a_value_in_its_preset_keeps_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late = plugins.load("fusion", "late")
    own = {"network": {"hidden": 9}, "train": {"epochs": 5, "batch_size": 4}}
    monkeypatch.setattr(late, "PRESETS", late.PRESETS | {"plus": own})
    size = CorpusSize(720, 720, 3)
    network, training, _ = resolve("late", "plus", {}, "single", toy.CLASSES, size=size)
    assert (network.hidden, training.epochs, training.batch_size) == (9, 5, 4)
    assert training.patience == 10  # the preset says nothing of it, and it has no rule
    chosen = {"train": {"epochs": 6}}
    assert resolve("late", "plus", chosen, "single", toy.CLASSES, size=size)[1].epochs == 6
    told = {setting.key: setting.presets.get("plus") for setting in settings_of("late")}
    assert (told["network.hidden"], told["train.epochs"], told["train.batch_size"]) == (9, 5, 4)


class Redefined(NetworkSettings):
    """A setting that has a rule is defined anew."""

    hidden: int = 8


class Ruled(NetworkSettings):
    """So is one here, with a rule of its own."""

    RULES: ClassVar[Rules] = {"hidden": Rule("classes", lambda size: size.classes)}

    hidden: int = 8


def test_a_rule_falls_away_where_a_subclass_defines_its_setting_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late, size = plugins.load("fusion", "late"), CorpusSize(720, 720, 3)
    monkeypatch.setattr(late, "PRESETS", {"plus": {}})
    for kind, hidden in ((NetworkSettings, 64), (Redefined, 8), (Ruled, 3)):
        monkeypatch.setattr(late, "Config", kind)
        assert resolve("late", "plus", {}, "single", toy.CLASSES, size=size)[0].hidden == hidden


@pytest.mark.parametrize(
    ("clips", "own", "text", "audio"),
    [
        (rules.WORDS - 1, {}, "mean", "mean"),
        (rules.WORDS, {}, "words", "mean"),
        (rules.WORDS, {"utterance": "max"}, "max", "max"),
        (rules.WORDS, {"utterance": {"text": "mean"}}, "mean", "mean"),
    ],
)
def test_words_are_read_one_by_one_of_many_clips(
    clips: int, own: dict[str, Any], text: str, audio: str
) -> None:
    size, settings = CorpusSize(clips, clips // 10, 3), {"network": own}
    network, *_ = resolve("m2fnet", "plus", settings, "single", toy.CLASSES, size=size)
    assert (network.pooling("text"), network.pooling("audio")) == (text, audio)


def test_words_of_many_clips_are_in_the_run(
    corpus: toy.Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = replace(corpus.request("plan", "m2fnet"), settings={}, preset="plus")
    assert request.plan().network["utterance"] == "mean"
    monkeypatch.setattr(rules, "WORDS", 24)
    assert request.plan().network["utterance"] == {"text": "words"}


def test_a_network_learns_and_predicts_by_words_in_their_order(
    corpus: toy.Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "WORDS", 24)
    settings = merge(toy.QUICK, {"network": {"words_hidden": 4}, "train": {"epochs": 1}})
    run = corpus.trained(tmp_path / "run", "m2fnet", settings=settings)
    readers = [n for n in load_file(run / "model.safetensors") if ".words." in n]
    assert {"view_text" in name for name in readers} == {True}
    rng = np.random.default_rng(0)
    arrays = {m: rng.normal(size=(steps, dim)) for m, dim, steps in toy.FEATURES.values()}
    predicted = load_run(run).predict_arrays(arrays).values

    def moved(modality: str) -> float:
        turned = arrays | {modality: arrays[modality][::-1]}
        return float(np.abs(load_run(run).predict_arrays(turned).values - predicted).max())

    assert predicted.sum() == pytest.approx(1)
    assert moved("text") > 1e-4
    assert moved("audio") == pytest.approx(0, abs=1e-6)


def test_the_run_says_what_they_gave(corpus: toy.Toy, tmp_path: Path) -> None:
    quick = {"train": {"epochs": 1, "accelerator": "cpu"}}
    request = TrainRequest(
        manifest=corpus.manifest,
        store=corpus.store,
        fusion="late",
        run=tmp_path / "run",
        settings=quick,
        baselines=False,
    )
    request.train()
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert (config["preset"], config["network"]["hidden"]) == ("plus", 16)
    assert (config["train"]["batch_size"], config["train"]["patience"]) == (8, 0)
    other = replace(request, run=tmp_path / "other", preset="paper").plan()
    assert (other.network["hidden"], other.train["batch_size"]) == (128, 32)
