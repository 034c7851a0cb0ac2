"""Training as a stage: what it writes, when it goes on, what it refuses."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.store import FeatureStore
from emocli.errors import ConfigError, ManifestError, RunError, StoreError
from emocli.models import rundir
from emocli.plugin.layers import Encoded
from emocli.training.summaries import TrainPlan
from emocli.training.train import TrainRequest
from tests import toy
from tests.training import quickly
from tests.training.quickly import contents, quick

pytestmark = pytest.mark.usefixtures("checkpoints")


corpus = toy.fixture()
finished = quickly.finished()


def planned(corpus: toy.Toy, **options: Any) -> TrainPlan:
    return TrainRequest(manifest=corpus.manifest, store=corpus.store, **options).plan()


def changed(manifest: Manifest, change: Callable[[Clip], Clip | None]) -> Manifest:
    clips = (change(clip) for clip in manifest.clips)
    return replace(manifest, clips=tuple(clip for clip in clips if clip is not None))


# -- what it writes


def test_a_run_has_the_layout_of_the_hub(finished):
    names = {path.name for path in finished.run.iterdir()}
    assert names == {
        "config.json",
        "model.safetensors",
        "calibration.json",
        "history.csv",
        "README.md",
    }
    assert finished.seeds[0].state == "trained"
    assert finished.seeds[0].epochs == len(rundir.read_history(finished.run)) == 4


def test_the_configuration_says_everything(finished, corpus):
    config = json.loads((finished.run / "config.json").read_text())
    assert config["fusion"] == "late"
    assert config["network"]["hidden"] == 6
    assert config["train"]["lr"] == 0.01
    assert config["train"]["monitor"] == "accuracy"
    assert config["train"]["loss"] == "ce"  # resolved; never "auto"
    assert config["classes"] == list(toy.CLASSES)
    assert config["seeds"] == [0]
    assert config["manifest"]["fingerprint"] == corpus.manifest.fingerprint
    assert config["manifest"]["absolute"] == str(corpus.folder / "toy.csv")
    assert (finished.run / config["store"]["path"]).samefile(corpus.store)
    with FeatureStore.open(corpus.store / "mel.h5") as store:
        assert config["features"]["audio"]["fingerprint"] == store.fingerprint
    assert config["versions"]["torch"] == torch.__version__


def test_the_card_is_a_model_card(finished):
    front, body = (finished.run / "README.md").read_text().split("---\n")[1:]
    assert "library_name: emocli" in front
    assert "type: accuracy" in front
    assert f"value: {finished.valid['accuracy']:.4f}" in front
    assert "CC0" in body
    assert "Nobody 2025" in body
    assert "network.hidden = 6" in body


def test_settings_win_over_the_preset_over_the_defaults(corpus, tmp_path):
    options = {"fusion": "late", "run": tmp_path / "run", "settings": {"train": {"lr": 0.5}}}
    result = planned(corpus, preset="plus", **options)
    assert result.train["lr"] == 0.5
    assert result.train["label_smoothing"] == 0.1  # of plus
    assert (result.train["loss"], result.train["sampler"]) == ("ce", "none")  # by default
    assert planned(corpus, preset="paper", **options).train["loss"] == "l2"
    assert planned(corpus, **options) == result  # plus is the default


def test_a_plan_writes_nothing_and_matches_the_training(corpus, finished, tmp_path):
    before = contents(corpus.folder)
    how = {"fusion": "late", "run": tmp_path / "run", "settings": toy.QUICK}
    result = planned(corpus, **how)
    assert not list(tmp_path.iterdir())
    assert contents(corpus.folder) == before
    assert result.parameters == finished.parameters
    assert result.clips == {"train": 24, "valid": 12}
    assert result.features == {"audio": "mel", "text": "glove", "visual": "face_hog"}


def test_progress_counts_epochs(corpus, tmp_path):
    told: list[tuple[int, int]] = []
    quick(corpus, tmp_path / "run", seeds=2, progress=lambda *pair: told.append(pair))
    assert told == [(1, 8), (2, 8), (3, 8), (4, 8), (4, 8), (5, 8), (6, 8), (7, 8), (8, 8), (8, 8)]


def test_features_can_be_chosen(corpus, tmp_path):
    summary = quick(corpus, tmp_path / "run", fusion="unimodal", features=["glove"])
    assert summary.features == {"text": "glove"}
    assert rundir.load(tmp_path / "run").config.dims == {"text": 4}


# -- seeds


def test_several_seeds_are_runs_of_their_own(corpus, tmp_path):
    summary = quick(corpus, tmp_path / "run", seeds=3)
    folders = [tmp_path / "run" / f"seed-{k}" for k in range(3)]
    assert [seed.run for seed in summary.seeds] == folders
    values = [seed.valid["loss"] for seed in summary.seeds]
    assert summary.valid["loss"] == pytest.approx(np.mean(values))
    assert summary.valid_std["loss"] == pytest.approx(np.std(values, ddof=1))
    assert len(set(values)) == 3
    single = quick(corpus, tmp_path / "single", settings={"train": {"seed": 2}})
    assert (folders[2] / "model.safetensors").read_bytes() == (
        single.run / "model.safetensors"
    ).read_bytes()
    for folder in folders:
        config = rundir.load(folder).config
        assert (folder / config.store.path).samefile(corpus.store)
    assert rundir.read_config(tmp_path / "run").seeds == (0, 1, 2)
    assert "±" in (tmp_path / "run" / "README.md").read_text()


def test_seeds_can_be_added(corpus, tmp_path):
    quick(corpus, tmp_path / "run", seeds=2)
    before = contents(tmp_path / "run" / "seed-1")
    summary = quick(corpus, tmp_path / "run", seeds=3)
    states = [seed.state for seed in summary.seeds]
    assert states == ["already trained", "already trained", "trained"]
    assert contents(tmp_path / "run" / "seed-1") == before
    with pytest.raises(RunError, match="seeds 0, 1, 2 and not 0, 1"):
        quick(corpus, tmp_path / "run", seeds=2)


# -- finished runs


def test_a_finished_run_is_left_alone(corpus, finished):
    before = contents(finished.run)
    summary = quick(corpus, finished.run)
    assert summary.seeds[0].state == "already trained"
    assert summary.valid == finished.valid
    assert contents(finished.run) == before


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"settings": {"train": {"lr": 0.5}}}, "train.lr = 0.01 and not 0.5"),
        ({"settings": {"network": {"hidden": 7}}}, "network.hidden = 6 and not 7"),
        ({"fusion": "gca"}, "fusion = 'late' and not 'gca'"),
        ({"features": ["mel", "glove"]}, "visual feature = 'face_hog' and not None"),
        ({"seeds": 2}, "seeds 0 and not 0, 1"),
        ({"settings": {"train": {"seed": 4}}}, "seeds 0 and not 4"),
    ],
)
def test_other_settings_need_another_run_or_overwrite(corpus, finished, change, difference):
    before = contents(finished.run)
    with pytest.raises(RunError, match=r"choose another --run.*--overwrite") as caught:
        quick(corpus, finished.run, **change)
    assert difference in str(caught.value)
    assert contents(finished.run) == before


def test_other_features_and_labels_need_overwrite_too(tmp_path):
    corpus = toy.build(tmp_path / "toy")
    quick(corpus, tmp_path / "run")
    relabelled = changed(
        corpus.manifest, lambda c: replace(c, label="joy") if c.id == "train00" else c
    )
    with pytest.raises(RunError, match="other labels or splits"):
        quick(toy.Toy(corpus.folder, relabelled), tmp_path / "run")
    arrays = {clip.id: np.ones((3, 5)) for clip in corpus.manifest.clips}
    toy.write_feature(corpus.store, "mel", "audio", corpus.manifest, arrays)
    with pytest.raises(RunError, match="another version of feature 'mel'"):
        quick(corpus, tmp_path / "run")


def test_overwrite_replaces_a_run(corpus, tmp_path):
    run = tmp_path / "run"
    quick(corpus, run, seeds=2)
    (run / "reports").mkdir()
    (run / "reports" / "test.json").write_text("{}")
    (run / "mine.txt").write_text("kept")
    summary = quick(corpus, run, settings={"train": {"lr": 0.02}}, overwrite=True)
    assert summary.seeds[0].state == "trained"
    assert {path.name for path in run.iterdir()} == {
        *("config.json", "model.safetensors", "calibration.json", "history.csv", "README.md"),
        "mine.txt",
    }
    assert rundir.load(run).config.train.lr == 0.02


def test_overwriting_with_equal_settings_trains_anew(corpus, tmp_path):
    first = quick(corpus, tmp_path / "run")
    stamp = (first.run / "model.safetensors").stat().st_mtime_ns
    again = quick(corpus, tmp_path / "run", overwrite=True)
    assert again.seeds[0].state == "trained"
    assert (first.run / "model.safetensors").stat().st_mtime_ns != stamp


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_that_is_no_run_is_not_touched(corpus, tmp_path, overwrite):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match="is not a run; choose another folder"):
        quick(corpus, tmp_path, overwrite=overwrite)
    (tmp_path / "config.json").write_text('{"architectures": ["BertModel"]}')
    with pytest.raises(RunError, match=r"config.json: is damaged or not that of a run"):
        quick(corpus, tmp_path, overwrite=overwrite)
    assert {path.name for path in tmp_path.iterdir()} == {"thesis.tex", "config.json"}


# -- the test split is sealed


def test_no_test_clip_is_read(corpus, tmp_path, monkeypatch):
    read: set[str] = set()
    original = FeatureStore.__getitem__

    def spying(self: FeatureStore, clip_id: str) -> Any:
        read.add(clip_id)
        return original(self, clip_id)

    monkeypatch.setattr(FeatureStore, "__getitem__", spying)
    quick(corpus, tmp_path / "run")
    assert read == {clip.id for clip in corpus.manifest.clips if clip.split != "test"}


def test_the_test_split_changes_nothing(tmp_path):
    corpus = toy.build(tmp_path / "toy")
    first = quick(corpus, tmp_path / "first")
    for name, (modality, width, _) in toy.FEATURES.items():
        with FeatureStore.open(corpus.store / f"{name}.h5") as store:
            arrays = {i: store[i] for i in store.ids}
        arrays |= {c.id: np.full((2, width), 1e6) for c in corpus.manifest.split("test")}
        toy.write_feature(corpus.store, name, modality, corpus.manifest, arrays)
    relabelled = changed(
        corpus.manifest, lambda c: replace(c, label="joy") if c.split == "test" else c
    )
    second = quick(toy.Toy(corpus.folder, relabelled), tmp_path / "second")
    for name in ("model.safetensors", "history.csv"):
        assert (first.run / name).read_bytes() == (second.run / name).read_bytes()


# -- what it refuses


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda c: replace(c, label="joy"), ManifestError, r"same label \('joy'\).*two classes"),
        (lambda c: None if c.split == "train" else c, StoreError, "split 'train' has no labelled"),
        (lambda c: None if c.split == "valid" else c, StoreError, "split 'valid' has no labelled"),
        (
            lambda c: replace(c, label=None) if c.split == "valid" else c,
            StoreError,
            "split 'valid' has no labelled",
        ),
    ],
    ids=["one class", "no train", "no valid", "no labels"],
)
def test_splits_that_cannot_be_trained_on(corpus, tmp_path, change, kind, message):
    manifest = changed(corpus.manifest, change)
    # The store was made for all clips; which of them are left is not the question here.
    object.__setattr__(manifest, "fingerprint", corpus.manifest.fingerprint)
    with pytest.raises(kind, match=message):
        quick(toy.Toy(corpus.folder, manifest), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_store_for_another_manifest_is_refused(corpus, tmp_path):
    manifest = changed(corpus.manifest, lambda c: None if c.id == "train00" else c)
    with pytest.raises(StoreError, match="made for another manifest"):
        quick(toy.Toy(corpus.folder, manifest), tmp_path / "run")


def test_one_level_of_every_intensity_is_refused(tmp_path):
    corpus = toy.build(tmp_path / "toy", "intensity")
    flat = changed(
        corpus.manifest,
        lambda c: replace(c, labels=dict.fromkeys(toy.CLASSES, 1.0)) if c.split == "train" else c,
    )
    with pytest.raises(ManifestError, match="same label"):
        quick(toy.Toy(corpus.folder, flat), tmp_path / "run")


def test_a_modality_no_training_clip_has_is_refused(tmp_path):
    corpus = toy.build(tmp_path / "toy")
    held = {c.id: np.ones((3, 2)) for c in corpus.manifest.split("valid")}
    toy.write_feature(corpus.store, "mel", "audio", corpus.manifest, held)
    with pytest.raises(StoreError, match="'mel' has no clip of split 'train'"):
        quick(corpus, tmp_path / "run")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fusion": "rnn"}, "no network is called 'rnn'"),
        ({"preset": "papers"}, "no preset 'papers'; there are: literal, paper, plus"),
        ({"settings": {"train": {"learning_rate": 1}}}, "unknown setting 'train.learning_rate'"),
        ({"settings": {"network": {"hiden": 1}}}, "'network.hiden'; did you mean 'network.hidden'"),
        ({"settings": {"training": {}}}, "unknown setting 'training'"),
        (
            {"settings": {"train": 3}},
            "'train' is a section of settings, not a setting",
        ),
        ({"settings": {"train": {"monitor": "mse_sum"}}}, "no metric of a task of kind 'single'"),
        ({"features": ["mfcc"]}, "no feature 'mfcc'"),
        ({"seeds": 0}, "cannot train 0 seeds"),
        ({"fusion": "unimodal"}, "exactly one modality"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_options_are_one_line_and_leave_nothing(corpus, tmp_path, options, message):
    with pytest.raises((ConfigError, StoreError)) as caught:
        quick(corpus, tmp_path / "run", **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_oddities_are_reported(tmp_path):
    corpus = toy.build(tmp_path / "toy")
    for name, (modality, width, _) in toy.FEATURES.items():
        with FeatureStore.open(corpus.store / f"{name}.h5") as store:
            arrays = {i: store[i] for i in store.ids}
        if name == "mel":
            del arrays["train03"], arrays["valid02"]
            arrays["train04"] = np.zeros((0, width))
            arrays["train05"][0, 0] = np.nan
        toy.write_feature(corpus.store, name, modality, corpus.manifest, arrays)
    unlabelled = changed(
        corpus.manifest, lambda c: replace(c, label=None) if c.id == "train00" else c
    )
    extended = replace(unlabelled, classes=(*unlabelled.classes, "surprise"))
    summary = quick(toy.Toy(corpus.folder, extended), tmp_path / "run")
    assert summary.missing["train"] == {"audio": 2, "text": 0, "visual": 0}
    assert summary.missing["valid"] == {"audio": 1, "text": 0, "visual": 0}
    assert summary.clips == {"train": 23, "valid": 12}
    assert summary.notes == (
        "no training clip shows surprise",
        "1 clip of split 'train' has no label and was left out",
        "1 value of mel is not finite and read as 0",
    )
    card = (tmp_path / "run" / "README.md").read_text()
    assert "2 of 23 train clips lack audio" in card
    assert all(np.isfinite(value) for value in summary.valid.values())


@pytest.mark.parametrize("task", ["multi", "intensity"])
def test_other_tasks_can_be_trained(tmp_path, task):
    corpus = toy.build(tmp_path / "toy", task)
    summary = quick(corpus, tmp_path / "run")
    assert summary.monitor == {"multi": "weighted_f1", "intensity": "mse_sum"}[task]
    assert rundir.load(tmp_path / "run").config.task == task


def test_the_stage_prints_nothing(corpus, tmp_path, capsys):
    quick(corpus, tmp_path / "run")
    assert capsys.readouterr() == ("", "")


def test_a_training_condenses_every_clip_once(
    corpus: toy.Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"network": {"stride": 2, "pool": "statistics"}, "train": {"mixup": 0}}
    seen: Counter[tuple[str, str]] = Counter()
    condense = Encoded.condense

    def counting(self: Encoded, clip_id: str, modality: str, values: Any) -> Any:
        seen[clip_id, modality] += 1
        return condense(self, clip_id, modality, values)

    monkeypatch.setattr(Encoded, "condense", counting)
    once = quick(corpus, tmp_path / "once", settings=settings)
    assert len(once.seeds) == 1
    assert set(seen.values()) == {1}
    assert len(seen) == 3 * sum(once.clips.values())
    monkeypatch.setattr(Encoded, "condenses", False)
    again = quick(corpus, tmp_path / "again", settings=settings)
    for name in ("loss", "accuracy"):
        assert again.valid[name] == pytest.approx(once.valid[name], abs=1e-4)
