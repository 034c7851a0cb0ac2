"""Several seeds put together."""

from __future__ import annotations

import numpy as np
import pytest

from emocli.metrics.metrics import score
from emocli.metrics.statistics import cluster_bootstrap
from emocli.metrics.summary import Estimate, compare, summarise

CLASSES = ("anger", "joy", "sadness")
TARGETS = np.array([0, 1, 2, 0, 1, 2, 0, 1])
GROUPS = list("abcdefgh")


def said(*choices: int):
    return score("single", TARGETS, np.eye(3)[list(choices)], CLASSES)


GOOD = said(0, 1, 2, 0, 1, 2, 0, 1)
FAIR = said(0, 1, 2, 0, 1, 0, 1, 1)
POOR = said(1, 1, 1, 1, 1, 1, 1, 1)


def test_means_and_spreads_over_seeds():
    summary = summarise([GOOD, FAIR], [3, 4], GROUPS)
    assert summary.metrics["accuracy"] == pytest.approx((1 + 0.75) / 2)
    assert summary.metrics["accuracy_std"] == pytest.approx(np.std([1, 0.75], ddof=1))
    assert summary.metrics["macro_f1"] == pytest.approx(
        (GOOD.overall["macro_f1"] + FAIR.overall["macro_f1"]) / 2
    )
    assert [seed.seed for seed in summary.by_seed] == [3, 4]
    assert summary.by_seed[1].metrics["accuracy"] == 0.75
    assert np.array_equal(summary.confusion, GOOD.confusion + FAIR.confusion)
    recall = summary.per_class["sadness"]
    assert recall["recall"] == pytest.approx((1 + 0.5) / 2)
    assert recall["n"] == 2
    assert "n_std" not in recall


def test_one_seed_has_no_spread():
    summary = summarise([FAIR], [0], GROUPS)
    assert summary.metrics["accuracy"] == 0.75
    assert not any(key.endswith("_std") for key in summary.metrics)


def test_the_interval_is_that_of_the_mean_over_seeds():
    hits = (GOOD.hits + FAIR.hits) / 2
    expected = cluster_bootstrap(hits, GROUPS)
    summary = summarise([GOOD, FAIR], [0, 1], GROUPS).accuracy_ci
    assert summary == (expected.low, expected.high)


def test_conditions_are_compared_clip_by_clip():
    comparison = compare([GOOD, GOOD], [POOR, GOOD], GROUPS)
    assert comparison.accuracy == pytest.approx((3 / 8 - 1) / 2)
    assert comparison.accuracy_ci[1] <= 0
    same = {"accuracy": 0, "accuracy_ci": [None, None], "p": 1}
    assert compare([FAIR], [FAIR], GROUPS).data() == same


def test_of_few_groups_there_is_no_interval_but_one_over_clips():
    pairs = list("aabbccdd")
    summary = summarise([GOOD, FAIR], [0, 1], pairs)
    assert np.isnan(summary.accuracy_ci).all()
    assert summary.accuracy_ci_clips == summarise([GOOD, FAIR], [0, 1], GROUPS).accuracy_ci
    change = compare([GOOD], [POOR], pairs)
    assert np.isnan([*change.accuracy_ci, change.p]).all()
    assert change.accuracy_ci_clips == compare([GOOD], [POOR], GROUPS).accuracy_ci
    assert Estimate.of(cluster_bootstrap(GOOD.hits - POOR.hits, pairs)).data().keys() == {
        "mean", "ci", "ci_clips", "p"
    }  # fmt: skip
    assert "accuracy_ci_clips" not in summarise([GOOD], [0], GROUPS).data()


def test_undefined_classes_are_named():
    nobody = score("single", TARGETS[:2], np.eye(3)[[0, 1]], CLASSES)
    summary = summarise([nobody, nobody], [0, 1], ["a", "b"])
    assert summary.undefined["recall"] == ("sadness",)


def test_a_class_undefined_in_one_seed_is_named_too():
    summary = summarise([GOOD, POOR], [0, 1], GROUPS)
    assert summary.undefined == {"precision": ("anger", "sadness")}
    assert summary.per_class["anger"]["precision"] == 1  # of the seed that predicts it
