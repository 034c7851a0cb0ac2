"""Printed values of M3ER's paper, by corpus, row and metric.

Source: Mittal et al. 2020, AAAI, "M3ER", Tables 1 and 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

from emocli.config import Tree, merge
from emocli.data.manifest import Task
from emocli.plugin.experiment import Row

CorpusName = Literal["mosei", "iemocap"]

Known = Literal["mosei", "iemocap", "other"]
"""The corpora that the paper prints values of, and all others."""

TASKS: Mapping[Known, tuple[Task, ...]] = MappingProxyType(
    {"iemocap": ("single",), "mosei": ("multi", "intensity")}
)
"""Corpus to the tasks that its values in the paper can be of."""

ONE_VS_REST: Tree = {"train": {"target": "one_vs_rest"}}
"""Settings of a network that is asked each class by itself."""

METRICS = ("binary_f1", "binary_accuracy")
"""F1 and mean accuracy (MA): plain means over the classes, each a question of its own (section 6:
"we currently perform binary classification per class")."""

PER_CLASS = ("weighted_f1", "accuracy")
"""The same of one class; the paper does not say which F1 it takes."""

Pair = tuple[float, float]

CLASSES: Mapping[CorpusName, tuple[str, ...]] = MappingProxyType(
    {
        "iemocap": ("angry", "happy", "neutral", "sad"),
        "mosei": ("anger", "disgust", "fear", "happy", "sad", "surprise"),
    }
)
"""Columns of Table 2, as the corpora call their classes."""

TABLE_2: Mapping[CorpusName, Mapping[str, tuple[Pair, ...]]] = MappingProxyType(
    {
        "iemocap": {
            "original loss": ((0.794, 80.6), (0.750, 76.9), (0.695, 68.0), (0.762, 80.8)),
            "M3ER": ((0.862, 86.8), (0.862, 81.6), (0.745, 74.4), (0.828, 88.1)),
            "noisy": ((0.704, 71.6), (0.712, 70.4), (0.673, 64.7), (0.736, 79.8)),
            "noisy, check": ((0.742, 75.7), (0.745, 73.7), (0.697, 66.9), (0.778, 84.0)),
            "noisy, check and proxy": ((0.799, 82.2), (0.743, 76.7), (0.727, 67.5), (0.775, 86.3)),
        },
        "mosei": {
            "original loss": (
                *((0.889, 79.9), (0.945, 89.6), (0.963, 93.1)),
                *((0.587, 55.8), (0.926, 85.3), (0.949, 90.0)),
            ),
            "M3ER": (
                *((0.919, 86.3), (0.927, 92.1), (0.904, 88.9)),
                *((0.836, 82.1), (0.899, 89.8), (0.952, 95.0)),
            ),
            "noisy": (
                *((0.788, 73.3), (0.794, 80.0), (0.843, 85.0)),
                *((0.546, 55.7), (0.832, 79.5), (0.795, 80.1)),
            ),
            "noisy, check": (
                *((0.785, 77.8), (0.799, 83.2), (0.734, 77.5)),
                *((0.740, 77.1), (0.840, 86.0), (0.781, 83.5)),
            ),
            "noisy, check and proxy": (
                *((0.816, 81.3), (0.844, 86.8), (0.918, 89.4)),
                *((0.780, 75.7), (0.873, 86.1), (0.932, 91.3)),
            ),
        },
    }
)
"""Row to F1 and MA in percent, class by class."""

OVERALL: Mapping[CorpusName, Mapping[str, Pair]] = MappingProxyType(
    {
        "iemocap": {
            "original loss": (0.751, 76.6),
            "M3ER": (0.824, 82.7),
            "noisy": (0.706, 71.6),
            "noisy, check": (0.741, 75.1),
            "noisy, check and proxy": (0.761, 78.2),
        },
        "mosei": {
            "original loss": (0.878, 82.3),
            "M3ER": (0.902, 89.0),
            "noisy": (0.764, 75.6),
            "noisy, check": (0.783, 80.9),
            "noisy, check and proxy": (0.856, 85.0),
        },
    }
)
"""Row to overall F1 and MA in percent; of M3ER on clean clips they stand in Table 1, too."""


def corpus_of_paper(corpus: Known, task: Task | None) -> CorpusName | None:
    """Return the corpus whose printed values apply; None for another, or clips of another task."""
    if corpus == "other" or task not in (None, *TASKS[corpus]):
        return None
    return corpus


def as_in_paper(row: Row, corpus: CorpusName | None) -> Row:
    """Give a network the paper's objective: on IEMOCAP, one-vs-rest per class (section 6)."""
    if corpus != "iemocap" or not row.fusion:
        return row
    return replace(row, settings=merge(row.settings, ONE_VS_REST))


def other_objective(row: Row, corpus: CorpusName | None, task: Task | None) -> Row | None:
    """Return the same network with the other objective; None where a clip may have several classes.

    Where the paper's network is trained one-vs-rest, the other one has a softmax over the classes.
    """
    if corpus == "iemocap":
        return replace(row, name=f"{row.name}, softmax")
    if task != "single":
        return None
    settings = merge(row.settings, ONE_VS_REST)
    return replace(row, name=f"{row.name}, one class against the rest", settings=settings)


def note(corpus: CorpusName | None) -> str:
    """Say whose the printed values are, and which rows they are of."""
    if corpus is None:
        return "printed: nothing, the paper's values are of IEMOCAP and of CMU-MOSEI"
    if corpus == "mosei":
        return "printed: of CMU-MOSEI, where a clip may have several classes, each a binary task"
    return (
        "printed: of IEMOCAP, for networks trained one-vs-rest ('binary classification per class', "
        "section 6); rows 'softmax' choose one of the classes, are scored one-vs-rest as well, and "
        "have no printed values"
    )


def overall(row: str, corpus: CorpusName) -> dict[str, float]:
    """Tell a row the overall values that are printed for it."""
    return _named(METRICS, OVERALL[corpus][row])


def by_class(row: str, corpus: CorpusName) -> dict[str, dict[str, float]]:
    """Tell a row the values that are printed for each class."""
    pairs = zip(CLASSES[corpus], TABLE_2[corpus][row], strict=True)
    each = {name: _named(PER_CLASS, pair) for name, pair in pairs}
    return {metric: {name: own[metric] for name, own in each.items()} for metric in PER_CLASS}


def _named(metrics: tuple[str, str], pair: Pair) -> dict[str, float]:
    f1, accuracy = pair
    return dict(zip(metrics, (f1, round(accuracy / 100, 4)), strict=True))
