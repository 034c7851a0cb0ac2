"""Several seeds put together."""

from __future__ import annotations

import numpy as np
import pytest

from emocli.learn.metrics import score
from emocli.learn.statistics import cluster_bootstrap
from emocli.learn.summary import compare, summarise

CLASSES = ("anger", "joy", "sadness")
TARGETS = np.array([0, 1, 2, 0, 1, 2, 0, 1])
GROUPS = list("aabbccdd")


def said(*choices: int):
    return score("single", TARGETS, np.eye(3)[list(choices)], CLASSES)


GOOD = said(0, 1, 2, 0, 1, 2, 0, 1)
FAIR = said(0, 1, 2, 0, 1, 0, 1, 1)
POOR = said(1, 1, 1, 1, 1, 1, 1, 1)


def test_means_and_spreads_over_seeds():
    found = summarise([GOOD, FAIR], [3, 4], GROUPS)
    assert found["accuracy"] == pytest.approx((1 + 0.75) / 2)
    assert found["accuracy_std"] == pytest.approx(np.std([1, 0.75], ddof=1))
    assert found["macro_f1"] == pytest.approx(
        (GOOD.overall["macro_f1"] + FAIR.overall["macro_f1"]) / 2
    )
    assert [seed["seed"] for seed in found["by_seed"]] == [3, 4]
    assert found["by_seed"][1]["accuracy"] == 0.75
    assert found["confusion"] == (GOOD.confusion + FAIR.confusion).tolist()
    recall = found["per_class"]["sadness"]
    assert recall["recall"] == pytest.approx((1 + 0.5) / 2)
    assert recall["n"] == 2
    assert "n_std" not in recall


def test_one_seed_has_no_spread():
    found = summarise([FAIR], [0], GROUPS)
    assert found["accuracy"] == 0.75
    assert not any(key.endswith("_std") for key in found)


def test_the_interval_is_that_of_the_mean_over_seeds():
    hits = (GOOD.hits + FAIR.hits) / 2
    expected = cluster_bootstrap(hits, GROUPS)
    found = summarise([GOOD, FAIR], [0, 1], GROUPS)["accuracy_ci"]
    assert found == [expected.low, expected.high]


def test_conditions_are_compared_clip_by_clip():
    found = compare([GOOD, GOOD], [POOR, GOOD], GROUPS)
    assert found["accuracy"] == pytest.approx((3 / 8 - 1) / 2)
    assert found["accuracy_ci"][1] <= 0
    assert compare([FAIR], [FAIR], GROUPS) == {"accuracy": 0, "accuracy_ci": [0, 0], "p": 1}


def test_undefined_classes_are_named():
    nobody = score("single", TARGETS[:2], np.eye(3)[[0, 1]], CLASSES)
    found = summarise([nobody, nobody], [0, 1], ["a", "b"])
    assert found["undefined"]["recall"] == ["sadness"]


def test_a_class_undefined_in_one_seed_is_named_too():
    found = summarise([GOOD, POOR], [0, 1], GROUPS)
    assert found["undefined"] == {"precision": ["anger", "sadness"]}
    assert found["per_class"]["anger"]["precision"] == 1  # of the seed that predicts it
