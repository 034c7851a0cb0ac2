"""What a report says of a synthetic corpus, and of what was to be expected on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from emocli.experiments.report import ExperimentReport, RowCondition, RowReport
from emocli.experiments.synthetic.report import NOTE, marked, with_expectations
from emocli.plugin.experiment import Row, SyntheticCorpus, Table
from tests.experiments.example import experiment_report

TABLE = Table(
    "Gates",
    (Row("gated", fusion="rrnn"), Row("plain", fusion="gca"), Row("later", fusion="late")),
    notes=("noise is white",),
    synthetic=SyntheticCorpus(expected=(("gated", "plain"), ("gated", "later"))),
)


def row(name: str, **values: float) -> RowReport:
    tested = tuple(RowCondition(name=n, metrics={"accuracy": v}) for n, v in values.items())
    facts: dict[str, Any] = {"slug": name, "system": "late", "features": (), "lacking": ""}
    return RowReport(**facts, row=name, state="done", conditions=tested, printed={})


def report(*rows: RowReport, metric: str = "accuracy") -> ExperimentReport:
    return experiment_report(
        title=TABLE.title,
        dataset="synthetic",
        metrics=(metric,),
        rows=rows,
        notes=("noise is white",),
    )


def test_a_table_says_that_its_corpus_is_synthetic() -> None:
    told = marked(TABLE)
    assert told.title == "Gates (synthetic corpus)"
    assert told.notes == (NOTE, "noise is white")
    assert replace(told, title=TABLE.title, notes=TABLE.notes) == TABLE


@pytest.mark.parametrize(
    ("gated", "plain", "said"),
    [
        (0.7, 0.6, "accuracy 0.700 and 0.600"),
        (0.6, 0.6, "accuracy 0.600 and 0.600"),
        (0.5, 0.6, "accuracy 0.500 and 0.600, which is not so here"),
    ],
)
def test_what_was_expected_is_told_of_the_last_condition_that_both_have(
    gated: float, plain: float, said: str
) -> None:
    rows = row("gated", clean=0.1, noise=gated, more=0.9), row("plain", clean=0.9, noise=plain)
    first, line = with_expectations(report(*rows, row("later")), TABLE).notes
    assert first == "noise is white"
    assert line.startswith("expected, not tested: 'gated' does at least as well as 'plain' (noise)")
    assert line.endswith(said)


def test_of_an_error_less_is_better() -> None:
    rows = [
        replace(each, conditions=(RowCondition(name="clean", metrics={"mse_sum": value}),))
        for each, value in ((row("gated"), 0.5), (row("plain"), 0.6))
    ]
    told = with_expectations(report(*rows, row("later"), metric="mse_sum"), TABLE)
    assert told.notes[-1].endswith("0.500 and 0.600")
