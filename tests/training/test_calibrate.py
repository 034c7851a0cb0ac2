"""Calibration: its error, its temperature, what a training stores and an evaluation reports."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from emocli.config import merge
from emocli.data.manifest import Task
from emocli.evaluation.evaluate import evaluate
from emocli.metrics.calibration import calibration_error
from emocli.models import rundir
from emocli.models.calibration import FEWEST, Calibration, calibration_remarks
from emocli.models.losses import LossName, probabilities
from emocli.models.settings import TrainConfig
from emocli.prediction.networks import Ensemble
from emocli.training.calibrate import calibrate
from emocli.training.outputs import NetworkOutputs
from tests import toy


def test_the_error_is_the_gap_of_confidence_and_accuracy() -> None:
    always = np.tile([0.8, 0.2], (10, 1))
    right = np.array([0] * 8 + [1] * 2)
    assert calibration_error(always, right) == pytest.approx(0, abs=1e-9)
    assert calibration_error(always, 1 - right) == pytest.approx(0.6)
    halves = np.array([[0.9, 0.1], [0.6, 0.4]])
    # Two bins of one clip each: |1 - .9| and |0 - .6|.
    assert calibration_error(halves, np.array([0, 1])) == pytest.approx((0.1 + 0.6) / 2)
    each = np.array([[0.9, 0.2]])
    assert calibration_error(each, np.array([[1.0, 1.0]])) == pytest.approx((0.1 + 0.8) / 2)


@pytest.mark.parametrize(
    ("task", "loss"),
    [("single", "ce"), ("single", "l2"), ("single", "bce"), ("multi", "bce"), ("multi", "l2")],
)
def test_a_temperature_changes_no_decision(task: Task, loss: LossName) -> None:
    logits = torch.from_numpy(np.random.default_rng(0).normal(0.3, 1, (200, 4)))
    plain, mild = (probabilities(task, loss, logits, t).numpy() for t in (None, 3.0))
    assert not np.allclose(plain, mild)
    assert 0 < mild.min() < mild.max() < 1
    if task == "single":
        assert_allclose(mild.sum(axis=1), 1)
        decided = plain.max(axis=1) > np.sort(plain, axis=1)[:, -2]
        assert (plain.argmax(1) == mild.argmax(1))[decided].all()
    else:
        assert ((plain >= 0.5) == (mild >= 0.5)).all()


def outputs(scale: float, targets: np.ndarray, logits: np.ndarray) -> NetworkOutputs:
    ids = tuple(map(str, range(len(targets))))
    return NetworkOutputs(ids, torch.from_numpy(scale * logits), torch.from_numpy(targets))


def test_the_temperature_undoes_a_scale() -> None:
    """Labels drawn from the softmax of logits: that is calibrated, five times the logits is not."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (4000, 3))
    chances = torch.softmax(torch.from_numpy(logits), 1).numpy()
    targets = np.array([rng.choice(3, p=row) for row in chances])
    config = TrainConfig(loss="ce")
    result = calibrate(outputs(5, targets, logits), "single", config, ("a", "b", "c"))
    assert result.temperature == pytest.approx(5, rel=0.1)
    assert result.error_before is not None
    assert result.error_after is not None
    assert result.error_after < 0.03 < 0.15 < result.error_before


def test_clips_that_are_all_judged_rightly_leave_some_doubt() -> None:
    """Without Platt's targets the temperature would go to its bound."""
    targets = np.arange(12) % 3
    config = TrainConfig(loss="ce")
    sure = calibrate(outputs(1, targets, np.eye(3)[targets]), "single", config, ("a", "b", "c"))
    assert sure.temperature is not None
    chance = probabilities("single", "ce", torch.eye(3)[:1], sure.temperature)[0, 0]
    assert chance == pytest.approx(13 / 14, abs=1e-3)


def test_intervals_hold_nine_of_ten_new_clips() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(600, 2)).astype(np.float32)
    predicted = truth + rng.normal(size=(600, 2)) * [0.1, 1.0]
    config = TrainConfig(loss="l2")
    half = calibrate(outputs(1, truth[:300], predicted[:300]), "intensity", config, ("a", "b"))
    assert half.temperature is None
    inside = np.abs(predicted[300:] - truth[300:]) <= list(half.half_width.values())
    assert_allclose(inside.mean(axis=0), 0.9, atol=0.05)
    assert half.half_width["b"] > 5 * half.half_width["a"]


def test_a_training_stores_it_and_an_evaluation_uses_it(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path)
    run = corpus.trained(fusion="rrnn", settings=toy.QUICK, seeds=2)
    member = rundir.load(run / "seed-0")
    assert member.calibration is not None
    assert member.calibration.clips == toy.SIZES["valid"]
    told = f"temperature {member.calibration.temperature:.3g}"
    assert told in (run / "README.md").read_text()
    assert told in (run / "seed-0" / "README.md").read_text()
    evaluation = evaluate(run, corrupt=["audio"], figures=False)
    report = evaluation.report
    for condition in report.conditions:
        assert condition.calibration is not None
        assert condition.calibration.before != condition.calibration.after
    accuracy = report.clean.metrics["accuracy"]
    for seed in ("seed-0", "seed-1"):
        (run / seed / "calibration.json").unlink()
    without = evaluate(run, figures=False).report
    assert without.clean.calibration is None
    assert without.clean.metrics["accuracy"] == accuracy


def test_intensities_get_intervals(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path, "intensity")
    run = corpus.trained(fusion="late")
    stored = json.loads((run / "calibration.json").read_text())
    assert stored["temperature"] is None
    assert list(stored["half_width"]) == list(toy.CLASSES)
    assert "Intervals that hold 90%" in (run / "README.md").read_text()


def test_a_network_that_was_trained_once_more_keeps_the_calibration_of_its_first_fit(
    tmp_path: Path,
) -> None:
    corpus = toy.build(tmp_path)
    again = merge(toy.QUICK, {"train": {"refit": True}})
    first, run = corpus.trained("first"), corpus.trained("again", settings=again)
    before, after = rundir.load(first).calibration, rundir.load(run).calibration
    assert before is not None
    assert after == before.model_copy(update={"fitted_before_refit": True})
    told = "They are of the first fit"
    assert told in (run / "README.md").read_text()
    assert told not in (first / "README.md").read_text()
    remarks = [evaluate(each, figures=False).report.remarks for each in (first, run)]
    assert [any("of the first fit" in line for line in each) for each in remarks] == [False, True]
    ensembles = [[*Ensemble.open(each).remarks()] for each in (first, run)]
    assert [any("of the first fit" in line for line in each) for each in ensembles] == [False, True]


def test_a_calibration_on_hardly_any_clips_is_told_of() -> None:
    few, enough = (Calibration(clips=clips, temperature=1.0) for clips in (1, FEWEST))
    (line,) = calibration_remarks([enough, None, few])
    assert "rest on 1 clip of the valid split, fewer than 9" in line
    assert not calibration_remarks([enough, None])
