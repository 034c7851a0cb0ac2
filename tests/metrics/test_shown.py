"""Which metrics are shown where there is room for a few."""

from __future__ import annotations

import numpy as np

from emocli.metrics.metrics import score
from emocli.metrics.sentiment import SENTIMENT
from emocli.metrics.shown import has_confusion, shown_metrics, shown_of_classes

CLASSES = ("anger", "joy")


def test_ratings_on_which_nothing_is_absent_are_shown_by_agreement() -> None:
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 5, (20, 2)).astype(float)
    for least, first, of_classes in ((0, "accuracy", "uar"), (1, "ccc", "mae")):
        scores = score("intensity", levels + least, levels + rng.normal(size=(20, 2)), CLASSES)
        assert shown_metrics(scores.overall)[0] == first
        assert shown_of_classes("intensity", scores.per_class)[0] == of_classes
        assert has_confusion(CLASSES, scores.overall) == (least == 0)


def test_one_scale_has_no_confusion() -> None:
    levels = np.arange(-3.0, 4.0)[:, None]
    assert not has_confusion(SENTIMENT, score("intensity", levels, levels, SENTIMENT).overall)


def test_a_class_that_no_clip_shows_leaves_what_is_defined() -> None:
    scores = score("multi", np.zeros((4, 2)), np.full((4, 2), 0.2), CLASSES)
    assert shown_of_classes("multi", scores.per_class) == ["accuracy"]
