"""Metrics that are shown where there is room for a few, and the one that runs are compared by."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from emocli.data.manifest import Task

CLASSIFIED = ("accuracy", "uar", "weighted_f1")
"""Metrics of classes that clips show or do not show."""

RATED = ("ccc", "mae", "pearson")
"""Those of ratings on which nothing is ever absent, such as 1 to 5."""

OF_CLASS: Mapping[Task, tuple[str, ...]] = {
    "single": ("recall", "precision", "f1"),
    "multi": ("uar", "accuracy", "f1_pos"),
    "intensity": ("uar", "mae", "pearson", "ccc"),
}
"""Metrics of a class, by task."""


def shown_metrics(metrics: Mapping[str, float]) -> tuple[str, ...]:
    """Return the metrics to be shown of all that were scored; runs are compared by the first."""
    return RATED if math.isnan(metrics["accuracy"]) else CLASSIFIED


def shown_of_classes(task: Task, per_class: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return the metrics to be shown of each class: those that are defined of one at least."""
    return [
        name
        for name in OF_CLASS[task]
        if not all(math.isnan(own.get(name, math.nan)) for own in per_class.values())
    ]


def has_confusion(classes: Sequence[str], metrics: Mapping[str, float]) -> bool:
    """Whether one class can be taken for another: not of one, nor where none is ever absent."""
    return len(classes) > 1 and not math.isnan(metrics["accuracy"])
