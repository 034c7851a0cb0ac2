"""Confusion of the classes, clean and corrupted.

Source: Mittal 2020, AAAI, Fig. 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emocli.errors import RunError
from emocli.plugin.analysis import (
    ConditionOptions,
    CsvRow,
    Finding,
    Number,
    Progress,
    Record,
    SplitReport,
    about_split,
    name_of,
    opened,
)
from emocli.plugin.robustness import on

if TYPE_CHECKING:
    from emocli.plugin.analysis.networks import Predictions


@dataclass(frozen=True, kw_only=True)
class Options(ConditionOptions):
    """Show which classes are taken for which, in per cent of each row."""


@dataclass(frozen=True, kw_only=True)
class Counts(Record):
    """Counts of reference (row) and prediction (column) over all seeds, and per cent of the row."""

    confusion: tuple[tuple[int, ...], ...]
    percent: tuple[tuple[Number, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Report(SplitReport):
    """The confusion under the clean condition and the one asked for; ``rule`` says what counts."""

    task: str
    classes: tuple[str, ...]
    corruption: tuple[str, ...]
    rule: str
    clean: Counts
    corrupted: Counts | None

    @property
    def conditions(self) -> dict[str, Counts]:
        """The conditions by their labels."""
        corrupted = {" + ".join(self.corruption): self.corrupted} if self.corrupted else {}
        return {"clean": self.clean, **corrupted}


def measure(options: Options, progress: Progress) -> Finding:
    """Sum the confusion matrices of all seeds.

    Where a clip may show several classes it counts in the row of each, and in the column of the
    class of highest score.

    Raises
    ------
    EmocliError
        If the run is no run, or what is asked does not fit it.
    """
    from emocli.evaluation.drawing import confusion
    from emocli.evaluation.tables import confusions
    from emocli.metrics.metrics import RULES
    from emocli.metrics.shown import has_confusion

    evaluator = opened(options)
    corruptions = on(options.corrupt, evaluator.modalities)
    labels = [corruption.label for corruption in corruptions]
    task, classes = evaluator.config.task, evaluator.config.classes
    clean = evaluator.predict((), options.seed)
    if not has_confusion(classes, clean.scores[0].overall):
        what = "no class is taken for another: there is one, or none is ever absent"
        raise RunError(what, where=options.run, hint="emocli evaluate has its errors")
    report = Report(
        **vars(about_split(options, evaluator)),
        task=task,
        classes=tuple(classes),
        corruption=tuple(labels),
        rule=RULES[task]["confusion"],
        clean=_counted(clean),
        corrupted=_counted(evaluator.predict(corruptions, options.seed)) if corruptions else None,
    )
    matrices = {label: counts.confusion for label, counts in report.conditions.items()}
    return Finding(
        name_of("confusion", options, evaluator, *labels),
        report,
        _rows(report),
        tuple(confusions(classes, matrices)),
        lambda style: {"": confusion(classes, matrices, report.title, report.rule, style)},
    )


def _counted(predictions: Predictions) -> Counts:
    """Count over the seeds; a class that nobody shows has no shares."""
    import numpy as np

    counts = np.sum([scores.confusion for scores in predictions.scores], axis=0)
    sums = counts.sum(axis=1, keepdims=True)
    shares = np.where(sums > 0, 100 * counts / np.maximum(sums, 1), np.nan)
    return Counts(
        confusion=tuple(map(tuple, counts.tolist())), percent=tuple(map(tuple, shares.tolist()))
    )


def _rows(report: Report) -> Iterator[CsvRow]:
    """Yield a row per condition, class and prediction."""
    for condition, matrix in report.conditions.items():
        rows = zip(report.classes, matrix.confusion, matrix.percent, strict=True)
        for shown, counts, shares in rows:
            columns = zip(report.classes, counts, shares, strict=True)
            for predicted, count, share in columns:
                yield {
                    "condition": condition,
                    "shown": shown,
                    "predicted": predicted,
                    "count": count,
                    "percent": share,
                }
