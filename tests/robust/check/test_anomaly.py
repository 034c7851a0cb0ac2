from __future__ import annotations

import numpy as np
import pytest

from emocli.robust.check.anomaly import anomaly, anomaly_limit, reference
from emocli.robust.check.settings import CheckConfig

KNOWN = reference(np.stack([np.arange(1.0, 102), np.arange(101.0, 0, -1)], axis=1))


def judge(*rows: tuple[float, float]) -> list[float]:
    return anomaly(np.array(rows), KNOWN).tolist()


def test_the_median_is_usual_and_the_edges_are_not() -> None:
    middle, edge, low, mixed = judge((51, 51), (101, 101), (1, 1), (51, 101))
    assert middle < 0.02
    assert edge == pytest.approx(1, abs=0.02)
    assert low == pytest.approx(0.5, abs=0.02)  # no residual is not unusual
    assert mixed == pytest.approx(0.5, abs=0.02)


def test_beyond_the_edges_worse_is_still_worse() -> None:
    worse = judge((101, 101), (200, 200), (1e6, 1e6), (1e30, 1e30))
    assert worse == sorted(worse)
    assert len(set(worse)) == 4
    assert judge((51, 0))[0] > judge((51, 0.5))[0] > judge((51, 1))[0]
    assert judge((0, 51))[0] < 0.02


def test_a_reduction_that_keeps_everything_is_judged_by_the_other_distance() -> None:
    known = KNOWN.copy()
    known[:, 0] = 0
    assert anomaly(np.array([[0.0, 101.0]]), known)[0] == pytest.approx(1, abs=0.02)


def test_missing_clips_are_not_judged_and_not_known() -> None:
    assert len(reference(np.array([[np.nan, np.nan], [1, 2]]))) == 1
    assert np.isnan(anomaly(np.array([[np.nan, np.nan]]), KNOWN)).all()


def test_a_limit_lies_between_the_clean_and_the_noisy() -> None:
    clean, noisy = np.array([0.3, 0.1, 0.9, np.nan]), np.array([2.9, np.nan, 3.5])
    youden = CheckConfig(outliers="youden")
    near = 1 / np.sqrt(3)
    assert anomaly_limit(clean, noisy, youden) == pytest.approx(0.9 + near * 2.0)
    assert anomaly_limit(clean, np.array([0.5, 3.0]), youden) == pytest.approx(0.3 + near * 0.2)
    assert anomaly_limit(clean, np.empty(0), youden) == pytest.approx(0.9)


def test_or_at_a_share_of_the_clean() -> None:
    clean = np.linspace(0, 1, 101)
    config = CheckConfig(outliers="quantile", quantile=0.1)
    assert anomaly_limit(clean, np.empty(0), config) == pytest.approx(0.9)
