"""Which epoch is the best, when a training ends, how its learning rate changes."""

from __future__ import annotations

from typing import Any

import pytest

from emocli.config import build
from emocli.models.rundir import EpochMetrics
from emocli.models.settings import TrainConfig
from emocli.training.fusion_task import make_criterion, make_schedule
from emocli.training.schedule import Criterion, Schedule, linear_factor


def scheduled(**changes: Any) -> Schedule:
    return make_schedule(build(TrainConfig, changes, "train"), "single")


def row(accuracy: float, loss: float) -> EpochMetrics:
    return {"valid_accuracy": accuracy, "valid_loss": loss, "valid_pearson": accuracy}


def test_ties_are_decided_by_the_validation_loss():
    history = [row(0.5, 1.0), row(0.7, 0.9), row(0.7, 0.8), row(0.7, 0.8), row(0.6, 0.1)]
    assert make_criterion("accuracy").best_epoch(history) == 3
    assert make_criterion("loss").best_epoch(history) == 5
    assert make_criterion("pearson").best_epoch([row(float("nan"), 1), row(0.1, 2)]) == 2


def test_patience_counts_epochs_since_the_best():
    schedule = scheduled(patience=2, epochs=10)
    history = [row(0.5, 1.0), row(0.7, 0.9), row(0.6, 0.9)]
    assert not schedule.over(history)
    assert schedule.over([*history, row(0.6, 0.9)])
    assert schedule.over([row(0.1 * k, 1) for k in range(10)])
    assert not schedule.over([])


def test_without_patience_all_epochs_are_gone_through_and_the_last_is_kept():
    schedule = scheduled(patience=0, epochs=3)
    history = [row(0.7, 0.9), row(0.6, 1.0), row(0.5, 1.1)]
    assert [schedule.kept_epoch(history[:n]) for n in range(4)] == [0, 1, 2, 3]
    assert [schedule.over(history[:n]) for n in range(4)] == [False, False, False, True]
    assert scheduled(patience=3, epochs=3).kept_epoch(history) == 1


def test_plateaus_halve_the_learning_rate():
    schedule = scheduled(scheduler="plateau", patience=6, lr=1.0)  # two epochs without progress
    worse = [row(0.5, 1.0)] + [row(0.4, 1.0)] * 5
    rates = [schedule.learning_rate(worse[:n]) for n in range(7)]
    assert rates == [1, 1, 1, 0.5, 0.5, 0.25, 0.25]
    assert scheduled(lr=1.0).learning_rate(worse) == 1


def test_without_a_tie_break_the_first_of_equals_is_the_best() -> None:
    history = [row(0.5, 1.0), row(0.7, 0.9), row(0.7, 0.8)]
    assert Criterion("valid_accuracy").best_epoch(history) == 2
    assert Criterion("valid_accuracy").best_epoch([]) == 0
    assert Criterion("valid_accuracy").columns == ("valid_accuracy",)
    assert make_criterion("accuracy").columns == ("valid_accuracy", "valid_loss")


def test_a_linear_schedule_rises_and_falls() -> None:
    assert [linear_factor(share, 0.2) for share in (0.1, 0.2, 0.6)] == pytest.approx([0.5, 1, 0.5])
    assert linear_factor(0.25, 0.0) == 0.75
