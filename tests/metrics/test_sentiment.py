"""Metrics of sentiment, each by its protocol, against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as reference

from emocli.metrics.metrics import definitions, score
from emocli.metrics.sentiment import DEFINITIONS, SENTIMENT


@pytest.fixture
def scores() -> tuple[np.ndarray, np.ndarray]:
    """In thirds, as MOSI's, many of them 0."""
    rng = np.random.default_rng(0)
    targets = np.rint(rng.normal(0, 1.5, 400).clip(-3, 3) * 3) / 3
    return targets, targets + rng.normal(0, 1, 400)


def found(targets: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    return score("intensity", targets[:, None], predicted[:, None], SENTIMENT).overall


def test_each_protocol(scores: tuple[np.ndarray, np.ndarray]) -> None:
    targets, predicted = scores
    told = targets != 0
    assert 0 < told.sum() < 400
    values = found(targets, predicted)
    accuracy = reference.accuracy_score

    def f1(wanted: np.ndarray, taken: np.ndarray) -> float:
        return reference.f1_score(wanted, taken, average="weighted")

    assert values["acc2_non_negative"] == accuracy(targets >= 0, predicted >= 0)
    assert values["f1_non_negative"] == pytest.approx(f1(targets >= 0, predicted >= 0))
    assert values["acc2_without_zeros"] == accuracy(targets[told] > 0, predicted[told] > 0)
    assert values["f1_without_zeros"] == pytest.approx(f1(targets[told] > 0, predicted[told] > 0))
    for name, most in (("acc5", 2), ("acc7", 3)):
        levels = [np.round(np.clip(v, -most, most)).astype(int) for v in (targets, predicted)]
        assert values[name] == accuracy(*levels)
    assert values["mae"] == pytest.approx(reference.mean_absolute_error(targets, predicted))
    assert values["pearson"] == pytest.approx(np.corrcoef(targets, predicted)[0, 1])
    assert values.keys() == definitions("intensity", SENTIMENT).keys()


def test_only_zeros_leave_nothing_to_judge() -> None:
    values = found(np.zeros(3), np.array([1.0, -1.0, 0.0]))
    assert math.isnan(values["acc2_without_zeros"])
    assert values["acc2_non_negative"] == pytest.approx(2 / 3)
    assert values["acc7"] == pytest.approx(1 / 3)


def test_other_intensities_have_none(scores: tuple[np.ndarray, np.ndarray]) -> None:
    targets, predicted = scores
    other = score("intensity", targets[:, None], predicted[:, None], ["valence"])
    assert not DEFINITIONS.keys() & other.overall.keys()
