"""Recall, precision and F1 of each class."""

from __future__ import annotations

import math
from collections.abc import Iterator

from emocli.evaluation.report import EvaluationReport
from emocli.metrics.shown import shown_of_classes
from emocli.pages import texts
from emocli.pages.records import RunRecords
from emocli.pages.section import Contents, Section
from emocli.report.document import Grid, Paragraph, Part
from emocli.report.parts import Span, SpanTable
from emocli.report.tables import NO_NUMBER, number


def parts(contents: Contents) -> Iterator[Part]:
    """Yield a table of one run's classes, or one of the last metric of all runs.

    It is that which is drawn.
    """
    reports = [run.main for run in contents.runs if run.main]
    if not reports:
        return
    if len(reports) == 1:
        yield _table(reports[0])
    else:
        yield _baselines(contents.runs)
    lacking = {run.name: _undefined(run.main) for run in contents.runs if run.main}
    for names, text in texts.named(lacking):
        whose = f" of {names}" if len(reports) > 1 else ""
        yield Paragraph(f"Not defined{whose}, and left out of means: {text}.")


def _undefined(report: EvaluationReport) -> Iterator[str]:
    """Yield one text: the metrics that classes lack, in all seeds or in some; nothing if none."""
    lacking = []
    for metric, names in report.clean.undefined.items():
        never = [name for name in names if _of(report, name, metric) == NO_NUMBER]
        sometimes = [name for name in names if name not in never]
        for own, where in ((never, ""), (sometimes, " in some seeds")):
            lacking += [f"{texts.title(metric)} of {', '.join(own)}{where}"] if own else []
    if lacking:
        yield "; ".join(lacking)


def _table(report: EvaluationReport) -> SpanTable:
    names = shown_of_classes(report.task, report.clean.per_class)
    rows = tuple(
        (name, f"{own['n']:.0f}", *(number(own[key]) for key in names))
        for name, own in report.clean.per_class.items()
    )
    spans = tuple(Span(own[names[-1]]) for own in report.clean.per_class.values())
    columns = ("class", "clips", *map(texts.title, names))
    return SpanTable(columns, rows, spans, title=f"Drawn: {texts.title(names[-1])}")


def _baselines(runs: tuple[RunRecords, ...]) -> Grid:
    reports = {run.name: run.main for run in runs if run.main}
    first = next(iter(reports.values()))
    shown = shown_of_classes(first.task, first.clean.per_class)[-1]
    rows = [
        (name, f"{own['n']:.0f}", *(_of(report, name, shown) for report in reports.values()))
        for name, own in first.clean.per_class.items()
    ]
    title = f"{texts.title(shown)} of each class"
    return Grid(("class", "clips", *reports), rows, title=title)


def _of(report: EvaluationReport, name: str, metric: str) -> str:
    return number(report.clean.per_class.get(name, {}).get(metric, math.nan))


SECTION = Section(40, "Classes", parts)
