"""Cross-validation: a run for every fold, whoever trains it, and none of them sees what it is
tested on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli.config import merge
from emocli.data.manifest import Manifest
from emocli.errors import ManifestError, RunError, StoreError
from emocli.evaluation.evaluate import evaluate
from emocli.evaluation.evaluator import RunEvaluator
from emocli.models import rundir
from emocli.pipeline.inspect import inspect
from emocli.plugin.robustness import RepairOptions, on, read
from emocli.training.fit_cca import fit_cca
from emocli.training.summaries import CrossSummary
from emocli.training.train import TrainRequest, train
from tests import toy

SETTINGS = merge(toy.QUICK, {"train": {"threads": 1}})
FOLDS = 3

pytestmark = pytest.mark.usefixtures("checkpoints")


corpus = toy.fixture()


@pytest.fixture(scope="module")
def crossed(corpus: toy.Toy) -> CrossSummary:
    """Three folds of two seeds, which nobody writes to."""
    return cross(corpus, corpus.folder / "crossed")


def cross(corpus: toy.Toy, run: Path, **options: Any) -> CrossSummary:
    settings = merge(SETTINGS, options.pop("settings", {}))
    options = {"fusion": "late", "settings": settings, "seeds": 2, "baselines": False} | options
    folds, progress = options.pop("folds", FOLDS), options.pop("progress", lambda done, total: None)
    where = {"manifest": corpus.manifest, "store": corpus.store, "run": run}
    return TrainRequest(**where, **options).cross_validate(folds, progress)


def models(run: Path) -> dict[str, bytes]:
    files = run.rglob("model.safetensors")
    return {str(path.relative_to(run)): path.read_bytes() for path in files}


def test_every_fold_is_a_run_of_its_own(corpus, crossed, tmp_path):
    assert [fold.run.name for fold in crossed.folds] == ["fold-0", "fold-1", "fold-2"]
    assert rundir.folds(crossed.run) == [fold.run for fold in crossed.folds]
    folded = corpus.manifest.folded(1, FOLDS)
    options = {"fusion": "late", "settings": SETTINGS, "seeds": 2, "baselines": False}
    alone = train(folded, corpus.store, run=tmp_path / "alone", **options)
    assert models(alone.run) == models(crossed.run / "fold-1")
    assert rundir.read_config(alone.run).fold == folded.fold


def test_validation_metrics_are_means_over_folds_and_seeds(crossed):
    values = [[seed.valid["accuracy"] for seed in fold.seeds] for fold in crossed.folds]
    assert crossed.valid["accuracy"] == pytest.approx(sum(map(sum, values)) / 6)
    means = [sum(pair) / 3 for pair in zip(*values, strict=True)]
    assert crossed.valid_std["accuracy"] == pytest.approx(abs(means[0] - means[1]) / 2**0.5)


def test_processes_make_the_same_runs(corpus, crossed, tmp_path):
    told: list[tuple[int, int]] = []
    again = cross(corpus, tmp_path / "run", workers=2, progress=lambda *pair: told.append(pair))
    assert models(again.run) == models(crossed.run)
    assert told == [(4 * k, 24) for k in range(1, 7)]


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def test_an_interrupted_one_goes_on(corpus, crossed, tmp_path):
    def dies(done: int, total: int) -> None:
        if done == 13:  # inside the second fold's second seed
            raise Killed

    with pytest.raises(Killed):
        cross(corpus, tmp_path / "run", progress=dies)
    again = cross(corpus, tmp_path / "run")
    states = [seed.state for fold in again.folds for seed in fold.seeds]
    assert states == [*["already trained"] * 3, "resumed", *["trained"] * 2]
    assert models(again.run) == models(crossed.run)


def test_other_folds_need_another_run_or_overwrite(corpus, tmp_path):
    wide = toy.Toy(corpus.folder, replace(corpus.manifest, overlap=True))
    cross(wide, tmp_path / "run", folds=4, seeds=1)
    with pytest.raises(RunError, match="fold = '0 of 4' and not '0 of 3'"):
        cross(wide, tmp_path / "run", folds=3, seeds=1)
    cross(wide, tmp_path / "run", folds=3, seeds=1, overwrite=True)
    assert sorted(models(tmp_path / "run")) == [f"fold-{k}/model.safetensors" for k in range(3)]


def test_a_folder_of_something_else_is_not_touched(corpus, tmp_path):
    alone = tmp_path / "alone"
    train(corpus.manifest, corpus.store, run=alone, fusion="late", settings=SETTINGS)
    with pytest.raises(RunError, match="is a run without folds; choose another --run"):
        cross(corpus, alone)
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match="is there already and is not a cross-validation"):
        cross(corpus, tmp_path)
    assert not list(tmp_path.glob("fold-*"))


def test_more_folds_than_groups_write_nothing(corpus, tmp_path):
    with pytest.raises(ManifestError, match="ask for at most 3"):
        cross(corpus, tmp_path / "run", folds=4)
    assert not (tmp_path / "run").exists()


def test_where_one_run_is_needed_a_fold_is_named(crossed):
    with pytest.raises(RunError, match=r"name one of its folds, .*fold-0"):
        rundir.read_config(crossed.run)


def test_inspecting_it_says_how_far_its_folds_are(crossed, tmp_path):
    inspection = inspect(crossed.run)
    assert inspection.facts["fusion"] == "late"
    assert [fold["seeds finished"] for fold in inspection.facts["folds"]] == [2, 2, 2]
    copy = Path(shutil.copytree(crossed.run, tmp_path / "copy"))
    (copy / "fold-1" / "seed-1" / "model.safetensors").unlink()
    shutil.rmtree(copy / "fold-2")
    finished = [fold["seeds finished"] for fold in inspect(copy).facts["folds"]]
    assert finished == [2, 1, 0]


# -- evaluating one of its folds


def test_a_fold_is_evaluated_on_its_own_clips(corpus, crossed):
    for index, fold in enumerate(crossed.folds):
        data = evaluate(fold.run, figures=False).data
        assert data["n"] == len(corpus.manifest.folded(index, FOLDS).split("test"))


def test_folds_that_have_changed_since_are_refused(tmp_path):
    corpus = toy.build(tmp_path)
    run = cross(corpus, tmp_path / "run", seeds=1).folds[0].run
    parts = {"train": 0, "valid": 1, "test": 2}
    clips = tuple(replace(clip, fold=parts[clip.split]) for clip in corpus.manifest.clips)
    replace(corpus.manifest, clips=clips).write(tmp_path / "toy.csv")
    assert Manifest.read(tmp_path / "toy.csv").fingerprint == corpus.manifest.fingerprint
    with pytest.raises(RunError, match="folds are no longer those the run was trained on"):
        evaluate(run, figures=False)


# -- evaluating all of them


def report(run: Path, **options: Any) -> dict[str, Any]:
    return evaluate(run, **{"figures": False} | options).data


@pytest.mark.parametrize("corrupt", [(), ("visual:gaussian@-10dB",)], ids=["clean", "noise"])
def test_pooled_metrics_are_those_of_all_clips_together(corpus, crossed, corrupt):
    """Count the hits of every fold by hand, and compute the metrics from the sums."""
    data = report(crossed.run, corrupt=corrupt)
    benches = [RunEvaluator.open(fold.run, "test", None, None) for fold in crossed.folds]
    corruptions = on(read(corrupt), benches[0].modalities)
    for seed in range(2):
        matrix = np.zeros((3, 3), int)
        for evaluator in benches:
            predictions = evaluator.predict(corruptions, 0)
            for target, values in zip(predictions.targets, predictions.values[seed], strict=True):
                matrix[target, values.argmax()] += 1
        assert matrix.sum() == len(corpus.manifest.clips)
        result = data["by_seed"][seed]
        assert result["accuracy"] == pytest.approx(matrix.trace() / matrix.sum())
        recalls = matrix.diagonal() / matrix.sum(axis=1)
        assert result["uar"] == pytest.approx(recalls.mean())
        f1 = 2 * matrix.diagonal() / (matrix.sum(axis=0) + matrix.sum(axis=1))
        assert result["macro_f1"] == pytest.approx(f1.mean())
    values = [result["accuracy"] for result in data["by_seed"]]
    assert data["accuracy"] == pytest.approx(np.mean(values))
    assert data["accuracy_std"] == pytest.approx(np.std(values, ddof=1))
    assert np.sum(data["confusion"]) == 2 * len(corpus.manifest.clips)


def test_the_metrics_of_each_fold_are_there_too(crossed):
    data = report(crossed.run, corrupt=("visual",))
    assert [fold["fold"] for fold in data["folds"]] == [0, 1, 2]
    for fold, run in zip(data["folds"], crossed.folds, strict=True):
        alone = report(run.run, corrupt=("visual",))
        assert fold["n"] == alone["n"]
        for condition in ("clean", "corrupted"):
            for metric in ("accuracy", "accuracy_std", "uar", "macro_f1"):
                expected = alone[condition][metric]
                assert fold[condition][metric] == pytest.approx(expected), (condition, metric)
        assert alone["folds"] == []


def test_the_prior_of_each_fold_is_pooled(corpus, crossed):
    hits = 0
    for index in range(FOLDS):
        folded = corpus.manifest.folded(index, FOLDS)
        shown = [[c.label for c in folded.split("train")].count(name) for name in toy.CLASSES]
        guess = toy.CLASSES[shown.index(max(shown))]
        hits += sum(clip.label == guess for clip in folded.split("test"))
    data = report(crossed.run)
    assert data["baselines"]["prior"]["accuracy"] == pytest.approx(
        hits / len(corpus.manifest.clips)
    )
    (table,) = (t for t in evaluate(crossed.run, figures=False).tables if t.title == "folds")
    assert [row[0] for row in table.rows] == [0, 1, 2]


def test_a_sweep_is_pooled(crossed, corpus):
    data = report(crossed.run, sweep=["0dB"], corrupt=["audio"])
    (point,) = data["sweep"]
    assert np.sum(point["confusion"]) == 2 * len(corpus.manifest.clips)
    assert (crossed.run / "reports").is_dir()
    cross(corpus, crossed.run)  # reports do not make it anything else


def test_a_check_of_each_fold_is_used(corpus, crossed):
    with pytest.raises(StoreError, match="fold-0-of-3"):
        report(crossed.run, repair=RepairOptions(check=True))
    for index in range(FOLDS):
        fit_cca(corpus.manifest.folded(index, FOLDS), corpus.store, preset="plus")
    data = report(crossed.run, repair=RepairOptions(check=True), corrupt=["visual:gaussian@-30dB"])
    result = data["corrupted"]["flagged"]["visual"]
    assert result["corrupted"] == result["clips"] == len(corpus.manifest.clips)
    assert result["detected"] > len(corpus.manifest.clips) / 2


def test_training_clips_cannot_be_pooled(crossed):
    with pytest.raises(RunError, match="train split of several folds; name one of them"):
        report(crossed.run, split="train")
    assert report(crossed.run, split="valid")["n"] == report(crossed.run)["n"]


def test_folds_that_differ_are_not_pooled(corpus, crossed, tmp_path):
    copy = Path(shutil.copytree(crossed.run, tmp_path / "copy"))
    other = cross(corpus, tmp_path / "other", settings={"train": {"lr": 0.5}}).folds[1].run
    shutil.rmtree(copy / "fold-1")
    shutil.copytree(other, copy / "fold-1")
    with pytest.raises(RunError, match=r"fold-1 was trained with train\.lr = 0\.01 and not 0\.5"):
        report(copy)
    shutil.rmtree(copy / "fold-1")
    shutil.copytree(crossed.folds[2].run, copy / "fold-1")
    with pytest.raises(RunError, match="fold-1 was trained with another fold"):
        report(copy)
    shutil.rmtree(copy / "fold-1")
    with pytest.raises(RunError, match="fold-1: there is no such run"):
        report(copy)


def test_another_corpus_is_for_one_fold(crossed, tmp_path):
    other = toy.build(tmp_path, sizes={"train": 24, "valid": 12, "test": 18})
    with pytest.raises(RunError, match="those of another corpus; name one of them"):
        report(crossed.run, manifest=tmp_path / "toy.csv", store=other.store)
    alone = report(crossed.folds[0].run, manifest=tmp_path / "toy.csv", store=other.store)
    assert alone["n"] == 18
    assert alone["baselines"] == {}
