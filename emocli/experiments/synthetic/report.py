"""The report of an experiment on a synthetic corpus, with the expected order of its rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from emocli.experiments.report import ExperimentReport, RowReport
from emocli.metrics.metrics import ERRORS
from emocli.plugin.experiment import Table

NOTE = (
    "the corpus is synthetic, drawn from a seed: the values show that every row runs, and say "
    "nothing about people or the paper's corpora, whose printed values stand in brackets"
)


def marked(table: Table) -> Table:
    """Return a table that says that its corpus is synthetic."""
    return replace(table, title=f"{table.title} (synthetic corpus)", notes=(NOTE, *table.notes))


def with_expectations(report: ExperimentReport, table: Table) -> ExperimentReport:
    """Add what is to be expected of such a corpus, and whether it came so: a hint, not a test."""
    return replace(report, notes=(*report.notes, *_expectations(report, table)))


def _expectations(report: ExperimentReport, table: Table) -> Iterator[str]:
    rows = {row.row: row for row in report.rows}
    metric = report.metrics[0]
    for better, other in table.synthetic.expected:
        values = _together(rows[better], rows[other], metric)
        if values is None:
            continue
        condition, mine, theirs = values
        holds = mine <= theirs if metric in ERRORS else mine >= theirs
        yield (
            f"expected, not tested: '{better}' does at least as well as '{other}' ({condition}); "
            f"{metric} {mine:.3f} and {theirs:.3f}{'' if holds else ', which is not so here'}"
        )


def _together(mine: RowReport, theirs: RowReport, metric: str) -> tuple[str, float, float] | None:
    """Return the last condition that both were tested under, and their metric."""
    other = {c.name: c.metrics.get(metric, math.nan) for c in theirs.conditions}
    for condition in reversed(mine.conditions):
        values = condition.metrics.get(metric, math.nan), other.get(condition.name, math.nan)
        if not any(map(math.isnan, values)):
            return condition.name, *values
    return None
