"""Calibration against scikit-learn and loops."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from emocli.metrics.calibration import (
    BINS,
    COVERAGES,
    area_under_risk,
    brier,
    calibration,
    expected_calibration_error,
    risk_coverage,
)
from emocli.metrics.metrics import score


@pytest.fixture
def predicted() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    values = rng.dirichlet([0.6] * 4, 500)
    targets = np.array([rng.choice(4, p=0.5 * p + 0.125) for p in values])
    return targets, values


def test_brier_is_scikit_learns(predicted: tuple[np.ndarray, np.ndarray]) -> None:
    targets, values = predicted
    expected = brier_score_loss(targets, values, labels=range(4), scale_by_half=False)
    assert brier(targets, values) == pytest.approx(expected)
    assert brier(np.array([0]), np.array([[0.0, 1.0]])) == 2


def test_ece_is_the_weighted_gap_of_the_reliability_curve(
    predicted: tuple[np.ndarray, np.ndarray],
) -> None:
    targets, values = predicted
    hits, confidence = values.argmax(1) == targets, values.max(1)
    right, sure = calibration_curve(hits, confidence, n_bins=BINS)
    counts = np.histogram(confidence, np.linspace(0, 1, BINS + 1))[0]
    expected = (counts[counts > 0] / 500 * np.abs(right - sure)).sum()
    assert expected_calibration_error(hits * 1.0, confidence) == pytest.approx(expected)
    calibrated = calibration(targets, [values])
    some = [b for b in calibrated.bins if b.n]
    assert [b.accuracy for b in some] == pytest.approx(right.tolist())
    assert [b.confidence for b in some] == pytest.approx(sure.tolist())
    assert sum(b.n for b in some) == 500


def test_a_bin_has_its_upper_bound() -> None:
    calibrated = calibration(np.array([0, 0]), [np.array([[0.6, 0.4], [1.0, 0.0]])])
    assert [(round(b.high, 3), b.n) for b in calibrated.bins if b.n] == [(0.6, 1), (1.0, 1)]


def test_risk_is_the_share_of_errors_among_the_surest(
    predicted: tuple[np.ndarray, np.ndarray],
) -> None:
    targets, values = predicted
    hits, confidence = (values.argmax(1) == targets) * 1.0, values.max(1)
    order = sorted(range(500), key=lambda k: -confidence[k])
    expected = [1 - np.mean([hits[k] for k in order[:n]]) for n in range(1, 501)]
    assert risk_coverage(hits, confidence) == pytest.approx(expected)
    assert area_under_risk(hits, confidence) == pytest.approx(np.mean(expected))
    calibrated = calibration(targets, [values, values])
    assert calibrated.coverage == COVERAGES
    assert calibrated.risk[-1] == pytest.approx(1 - hits.mean())
    assert calibrated.risk[9] == pytest.approx(expected[249])
    assert calibrated.risk[0] < calibrated.risk[-1]


def test_clips_of_one_confidence_cannot_be_told_apart() -> None:
    sure = np.array([0.9, 0.5, 0.5, 0.5])
    for hits in ([1, 1, 0, 0], [1, 0, 0, 1]):
        assert risk_coverage(np.array(hits, float), sure) == pytest.approx([0, 1 / 3, 4 / 9, 0.5])


def test_they_are_metrics_of_one_class_per_clip(predicted: tuple[np.ndarray, np.ndarray]) -> None:
    targets, values = predicted
    scores = score("single", targets, values, "abcd").overall
    assert scores["brier"] == pytest.approx(brier(targets, values))
    assert 0 < scores["ece"] < 1
    assert 0 < scores["aurc"] < 1 - scores["accuracy"]
