"""Ensembles: the mean of what the networks of seeds, or of folds, predict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emocli.cli.app import run as command
from emocli.errors import ConfigError
from emocli.evaluation.cross_validation import open_evaluator
from emocli.evaluation.evaluate import evaluate
from emocli.metrics.metrics import score
from emocli.models import rundir
from emocli.prediction.loaded_run import load_run
from emocli.training.summaries import CrossSummary
from tests import toy

corpus = toy.fixture(noise=1.5)


@pytest.fixture(scope="module")
def several(corpus: toy.Toy) -> Path:
    return corpus.trained("several", seeds=3)


@pytest.fixture(scope="module")
def crossed(corpus: toy.Toy) -> CrossSummary:
    return corpus.request("crossed", seeds=2).cross_validate(3)


def test_it_is_scored_as_one_network(corpus: toy.Toy, several: Path) -> None:
    own = open_evaluator(several, "test", None, None).predict([], 0)
    assert len(own.values) == 3
    together = evaluate(several, ensemble=True, figures=False)
    expected = score("single", own.targets, np.mean(own.values, axis=0), toy.CLASSES).overall
    for name, value in expected.items():
        assert together.data[name] == pytest.approx(value)
    assert "accuracy_std" not in together.data
    assert together.data["ensemble"] == 3
    assert together.report.seeds == (0, 1, 2)
    apart = evaluate(several, figures=False)
    assert "ensemble" not in apart.data
    assert apart.path != together.path  # neither report overwrites the other
    assert np.asarray(apart.data["confusion"]).sum() == 3 * together.data["n"]
    assert np.asarray(together.data["confusion"]).sum() == together.data["n"]


def test_the_command_says_so(several: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["evaluate", str(several), "--ensemble", "--no-figures"]) == 0
    printed = capsys.readouterr().out
    assert "(mean of 3 networks)" in printed
    assert "±" not in printed


def test_one_network_is_no_ensemble(corpus: toy.Toy) -> None:
    alone = corpus.trained("alone")
    with pytest.raises(ConfigError, match="nothing to average"):
        evaluate(alone, ensemble=True, figures=False)


def test_a_clip_of_its_own_corpus_is_judged_by_the_fold_that_never_saw_it(
    corpus: toy.Toy, crossed: CrossSummary
) -> None:
    predictions = open_evaluator(crossed.run, "test", None, None, ensemble=True).predict([], 0)
    assert len(predictions.values) == 1
    rows = dict(zip(predictions.ids, predictions.values[0], strict=True))
    assert len(rows) == len(corpus.manifest.clips)
    for index, folder in enumerate(rundir.folds(crossed.run)):
        tested = corpus.manifest.folded(index, 3).split("test")
        own = open_evaluator(folder, "test", None, None).predict([], 0)
        mean = dict(zip(own.ids, np.mean(own.values, axis=0), strict=True))
        assert {clip.id for clip in tested} == mean.keys()
        for clip_id, row in mean.items():
            np.testing.assert_allclose(rows[clip_id], row)


def test_of_another_corpus_all_folds_judge_every_clip(
    crossed: CrossSummary, tmp_path: Path
) -> None:
    other = toy.build(tmp_path, sizes={"train": 24, "valid": 12, "test": 18}, seed=3)
    report = evaluate(
        crossed.run,
        manifest=tmp_path / "toy.csv",
        store=other.store,
        ensemble=True,
        figures=False,
        corrupt=["audio"],
    ).report
    assert report.ensemble == 6
    assert report.n == 18
    assert report.folds == ()
    predicted = load_run(crossed.run).predict(tmp_path / "toy.csv", other.store)
    clips = other.manifest.split("test")
    rows = [predicted.ids.index(clip.id) for clip in clips]
    targets = other.manifest.targets(clips)
    hits = predicted.values[rows].argmax(axis=1) == targets
    assert report.clean.metrics["accuracy"] == pytest.approx(hits.mean())
