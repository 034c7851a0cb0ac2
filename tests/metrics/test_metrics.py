"""Metrics against scalar code and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from emocli.metrics.metrics import COMMON, DEFINITIONS, confusion_matrix, score
from emocli.metrics.sums import sum_metrics

CLASSES = ("anger", "joy", "neutral", "sadness")


def one_hot(choices: np.ndarray, count: int) -> np.ndarray:
    return np.eye(count)[choices]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def scalar_binary(truth: list[bool], taken: list[bool]) -> dict[str, float]:
    tp = sum(t and p for t, p in zip(truth, taken, strict=True))
    tn = sum(not t and not p for t, p in zip(truth, taken, strict=True))
    fp = sum(not t and p for t, p in zip(truth, taken, strict=True))
    fn = sum(t and not p for t, p in zip(truth, taken, strict=True))
    positives, negatives = tp + fn, tn + fp
    f1_pos = 2 * tp / (2 * tp + fp + fn) if positives else math.nan
    f1_neg = 2 * tn / (2 * tn + fp + fn) if tn + fp + fn else 0.0
    wa = math.nan
    if positives and negatives:
        wa = (tp * negatives / positives + tn) / (2 * negatives)  # Tong 2017, as printed
    return {
        "accuracy": (tp + tn) / (positives + negatives),
        "uar": wa,
        "f1_pos": f1_pos,
        "f1_neg": f1_neg,
        "weighted_f1": (positives * f1_pos + negatives * f1_neg) / (positives + negatives),
        "macro_f1": (f1_pos + f1_neg) / 2,
    }


def test_single_label_on_a_case_done_by_hand():
    # anger: 2 clips, one hit; joy: 1 clip, hit, and one false alarm; neutral: 1 clip, missed.
    targets = np.array([0, 0, 1, 2])
    predicted = one_hot(np.array([0, 1, 1, 0]), 4)
    scores = score("single", targets, predicted, CLASSES)
    assert scores.overall["accuracy"] == 2 / 4
    assert scores.overall["uar"] == pytest.approx((1 / 2 + 1 + 0) / 3)
    f1 = (2 * 1 / (2 + 2), 2 * 1 / (1 + 2), 0.0)
    assert scores.overall["macro_f1"] == pytest.approx(sum(f1) / 3)
    assert scores.overall["weighted_f1"] == pytest.approx((2 * f1[0] + f1[1] + f1[2]) / 4)
    assert scores.confusion.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert scores.hits.tolist() == [1, 0, 1, 0]
    halves = dict.fromkeys(("precision", "recall", "f1", "accuracy", "f1_pos", "weighted_f1"), 0.5)
    assert scores.per_class["anger"] == {"n": 2, **halves}


def test_a_class_nobody_showed_has_no_recall_and_is_reported():
    scores = score("single", np.array([0, 1]), one_hot(np.array([0, 2]), 4), CLASSES)
    assert math.isnan(scores.per_class["neutral"]["recall"])
    assert scores.undefined["recall"] == ["neutral", "sadness"]
    assert scores.undefined["f1"] == ["neutral", "sadness"]
    assert scores.overall["uar"] == 0.5
    # neutral was predicted once and wrongly, and has no clips: only anger and joy have an F1.
    assert scores.overall["macro_f1"] == pytest.approx((1 + 0) / 2)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(2, 6))
def test_single_label_agrees_with_scikit_learn(seed: int, clips: int, count: int):
    rng = np.random.default_rng(seed)
    targets, choice = rng.integers(0, count, clips), rng.integers(0, count, clips)
    scores = score("single", targets, one_hot(choice, count), [f"c{k}" for k in range(count)])

    occurring = np.unique(targets)

    def f1(average: str) -> float:
        return reference.f1_score(
            targets, choice, labels=occurring, average=average, zero_division=0
        )

    assert scores.overall["accuracy"] == pytest.approx(reference.accuracy_score(targets, choice))
    assert scores.overall["weighted_f1"] == pytest.approx(f1("weighted"))
    assert scores.overall["macro_f1"] == pytest.approx(f1("macro"))
    uar = reference.recall_score(
        targets, choice, labels=occurring, average="macro", zero_division=0
    )
    assert scores.overall["uar"] == pytest.approx(uar)
    matrix = reference.confusion_matrix(targets, choice, labels=range(count))
    assert np.array_equal(scores.confusion, matrix)
    assert scores.hits.mean() == pytest.approx(scores.overall["accuracy"])


@pytest.mark.parametrize("task", ["multi", "intensity"])
def test_presence_agrees_with_scalar_code(task, rng):
    threshold = {"multi": 0.5, "intensity": 0.1}[task]
    if task == "multi":
        targets = (rng.random((30, 4)) < [0.5, 0.3, 0.2, 0.0]).astype(np.float32)
    else:
        targets = np.clip(rng.normal(0, 1, (30, 4)), 0, 3).round(1).astype(np.float32)
        targets[:, 3] = 0
    predicted = rng.random((30, 4))
    scores = score(task, targets, predicted, CLASSES)
    by_class = [
        scalar_binary((targets[:, k] > threshold).tolist(), (predicted[:, k] > threshold).tolist())
        for k in range(4)
    ]
    for name, expected in zip(CLASSES, by_class, strict=True):
        for key, value in expected.items():
            assert scores.per_class[name][key] == pytest.approx(value, nan_ok=True), (name, key)
    assert math.isnan(by_class[3]["uar"])  # the class never occurs
    assert scores.undefined["uar"] == ["sadness"]
    assert scores.overall["uar"] == pytest.approx(np.mean([c["uar"] for c in by_class[:3]]))
    for key in ("accuracy", "weighted_f1", "macro_f1", "f1_pos", "f1_neg"):
        shown = by_class if key in ("accuracy", "f1_neg") else by_class[:3]
        assert scores.overall[key] == pytest.approx(np.mean([c[key] for c in shown])), key
    assert scores.hits.mean() == pytest.approx(scores.overall["accuracy"])


def test_multi_label_agrees_with_scikit_learn(rng):
    targets = (rng.random((50, 4)) < 0.4).astype(int)
    predicted = rng.random((50, 4))
    scores = score("multi", targets, predicted, CLASSES)
    taken = predicted >= 0.5
    macro = reference.f1_score(targets, taken, average="macro", zero_division=0)
    assert scores.overall["f1_pos"] == pytest.approx(macro)
    balanced = [reference.balanced_accuracy_score(targets[:, k], taken[:, k]) for k in range(4)]
    assert scores.overall["uar"] == pytest.approx(np.mean(balanced))
    assert scores.overall["accuracy"] == pytest.approx(
        1 - reference.hamming_loss(targets, taken.astype(int))
    )


def test_all_absent_predictor_is_exposed():
    targets = np.zeros((10, 1))
    targets[:2] = 1
    scores = score("multi", targets, np.zeros((10, 1)), ["anger"]).per_class["anger"]
    a = scores["accuracy"]
    assert a == 0.8
    assert scores["uar"] == 0.5
    assert scores["f1_neg"] == pytest.approx(2 * a / (1 + a))
    assert scores["f1_pos"] == 0


def test_multi_label_confusion_counts_every_present_class():
    targets = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]])
    predicted = np.array([[0.9, 0.2, 0, 0], [0.9, 0, 0.1, 0], [0.9, 0, 0, 0]])
    scores = score("multi", targets, predicted, CLASSES)
    assert scores.confusion.tolist() == [[1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_intensity_errors_and_correlation_agree_with_scalar_code(rng):
    targets = rng.random((20, 3)) * 3
    predicted = rng.random((20, 3)) * 3
    predicted[:, 2] = 0.3  # constant: its correlation is not defined
    scores = score("intensity", targets, predicted, CLASSES[:3])
    mse = [
        sum((p - t) ** 2 for p, t in zip(predicted[:, k], targets[:, k], strict=True)) / 20
        for k in range(3)
    ]
    mae = [
        sum(abs(p - t) for p, t in zip(predicted[:, k], targets[:, k], strict=True)) / 20
        for k in range(3)
    ]
    assert scores.overall["mse_sum"] == pytest.approx(sum(mse))
    assert scores.overall["mae_sum"] == pytest.approx(sum(mae))
    assert scores.overall["mse"] == pytest.approx(sum(mse) / 3)
    assert scores.overall["mae"] == pytest.approx(sum(mae) / 3)
    ccc = [
        2 * np.cov(p, t, bias=True)[0, 1] / (p.var() + t.var() + (p.mean() - t.mean()) ** 2)
        for p, t in zip(predicted.T, targets.T, strict=True)
    ]
    assert scores.overall["ccc"] == pytest.approx(np.mean(ccc))
    assert scores.per_class["joy"]["ccc"] == pytest.approx(ccc[1])
    assert ccc[2] == pytest.approx(0)  # one side varies: no concordance, which is defined
    r = [np.corrcoef(predicted[:, k], targets[:, k])[0, 1] for k in range(2)]
    assert scores.overall["pearson"] == pytest.approx(np.mean(r))
    assert scores.undefined["pearson"] == ["neutral"]


def test_concordance_takes_shift_and_scale_for_errors(rng):
    targets = rng.random((40, 1))
    for predicted, expected in ((targets, 1.0), (-targets + 2 * targets.mean(), -1.0)):
        scores = score("intensity", targets, predicted, ["valence"]).overall
        assert scores["ccc"] == pytest.approx(expected)
    shifted = score("intensity", targets, targets + 1, ["valence"]).overall
    assert shifted["pearson"] == pytest.approx(1)
    assert shifted["ccc"] == pytest.approx(2 * targets.var() / (2 * targets.var() + 1))
    constant = score("intensity", np.ones((5, 1)), np.ones((5, 1)), ["valence"])
    assert math.isnan(constant.overall["ccc"])


def test_concordance_is_that_of_an_independent_formula(rng):
    """Lin 1989, with sums over clips."""
    targets = rng.normal(0, 1, (60, 3))
    predicted = targets * [0.3, 1.0, 2.0] + rng.normal([0.5, 0, -0.2], 0.6, (60, 3))
    scores = score("intensity", targets, predicted, ["a", "b", "c"])
    expected = []
    for k, name in enumerate("abc"):
        x, y = targets[:, k].tolist(), predicted[:, k].tolist()
        mx, my = sum(x) / 60, sum(y) / 60
        together = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True))
        apart = sum((a - mx) ** 2 for a in x) + sum((b - my) ** 2 for b in y) + 60 * (mx - my) ** 2
        expected.append(2 * together / apart)
        assert scores.per_class[name]["ccc"] == pytest.approx(expected[-1])
    assert scores.overall["ccc"] == pytest.approx(np.mean(expected))


def test_ratings_that_are_never_absent_have_no_presence(rng):
    """Of ratings from 1 to 5 a constant would be always right."""
    targets = rng.uniform(1, 5, (30, 2))
    scores = score("intensity", targets, np.full((30, 2), 3.0), ["valence", "arousal"])
    errors = {"mse_sum", "mae_sum", "mse", "mae", "ccc"}
    assert {key for key, value in scores.overall.items() if not math.isnan(value)} == errors
    assert np.isnan(scores.hits).all()
    assert scores.undefined["f1_pos"] == ["valence", "arousal"]
    assert math.isnan(scores.per_class["valence"]["accuracy"])
    assert scores.per_class["valence"]["n"] == 30
    accuracy = sum_metrics("intensity", ["valence", "arousal"])["accuracy"]
    assert math.isnan(accuracy.value(accuracy.terms(targets, targets).sum(axis=0)))
    targets[0, 0] = 0
    assert score("intensity", targets, targets, ["valence", "arousal"]).overall["accuracy"] == 1


@pytest.mark.parametrize("task", ["single", "multi", "intensity"])
@pytest.mark.parametrize("taken", [0.0, 1.0])
def test_a_class_without_clips_has_no_f1(task, taken, rng):
    """Whether it is predicted or not: being right on the other clips is no F1 of 1."""
    targets = np.tile([0, 1, 2], 4) if task == "single" else np.tile(np.eye(4)[:3], (4, 1))
    predicted = np.tile(np.eye(4)[[0, 1, 2]], (4, 1))
    predicted[0] = [0, 0, 0, 1] if taken else predicted[0]
    scores = score(task, targets, predicted, CLASSES)
    assert scores.per_class["sadness"]["n"] == 0
    assert math.isnan(scores.per_class["sadness"]["weighted_f1"])
    assert math.isnan(scores.per_class["sadness"]["f1_pos"])
    assert math.isnan(scores.per_class["sadness"]["f1" if task == "single" else "macro_f1"])
    assert "sadness" in scores.undefined["f1" if task == "single" else "macro_f1"]
    shown = [scores.per_class[name]["weighted_f1"] for name in CLASSES[:3]]
    assert scores.overall["binary_f1"] == pytest.approx(np.mean(shown))


@pytest.mark.parametrize("task", ["multi", "intensity"])
def test_a_class_that_every_clip_shows_has_no_f1_of_absent(task):
    targets = np.tile([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]], (3, 1))
    scores = score(task, targets, targets, ("anger", "joy", "fear"))
    anger = scores.per_class["anger"]
    assert anger["f1_pos"] == anger["accuracy"] == 1
    for name in ("f1_neg", "uar", "weighted_f1", "macro_f1"):
        assert math.isnan(anger[name]), name
        assert scores.undefined[name] == ["anger"]
        assert scores.overall[name] == 1  # of the others
    assert "anger" not in scores.undefined.get("f1_pos", [])
    assert scores.overall["binary_f1"] == 1
    only = score("single", np.zeros(4, int), np.eye(2)[[0, 0, 1, 0]], ("a", "b"))
    assert math.isnan(only.per_class["a"]["weighted_f1"])
    assert only.per_class["a"]["f1_pos"] == pytest.approx(6 / 7)


@pytest.mark.parametrize("task", ["single", "multi", "intensity"])
def test_every_metric_has_a_definition(task, rng):
    targets = rng.integers(0, 4, 12) if task == "single" else (rng.random((12, 4)) > 0.5) * 1.0
    scores = score(task, targets, rng.random((12, 4)), CLASSES)
    assert set(COMMON) <= set(scores.overall) == set(DEFINITIONS[task])


def test_confusion_matrix_has_a_row_per_reference():
    assert confusion_matrix(np.array([0, 0, 1]), np.array([1, 0, 1]), 2).tolist() == [
        [1, 1],
        [0, 1],
    ]


def test_nothing_to_score_is_a_bug():
    with pytest.raises(ValueError, match="no prediction"):
        score("single", np.zeros(0, int), np.zeros((0, 4)), CLASSES)


def test_a_class_is_scored_against_the_rest_too() -> None:
    targets, predicted = np.array([0, 0, 1, 2, 2, 2]), np.eye(3)[[0, 1, 1, 2, 2, 0]]
    scores = score("single", targets, predicted, ("a", "b", "c")).per_class["c"]
    assert scores["accuracy"] == pytest.approx(5 / 6)
    assert scores["f1_pos"] == pytest.approx(2 * 2 / (2 * 2 + 1)) == scores["f1"]
    negative = 2 * 3 / (2 * 3 + 1)
    assert scores["weighted_f1"] == pytest.approx((3 * scores["f1_pos"] + 3 * negative) / 6)
