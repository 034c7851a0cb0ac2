"""An experiment's report in words and drawn: every number in it is one of the report's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from matplotlib.collections import PathCollection

from emocli.evaluation.comparison import Comparison, Recovery
from emocli.experiments.drawing import classes, conditions, draw, rows
from emocli.experiments.page import cells, markdown
from emocli.experiments.report import (
    ExperimentInputs,
    ExperimentReport,
    RowCondition,
    RowReport,
)
from emocli.metrics.summary import Estimate
from tests.experiments.example import experiment_report

NAN = float("nan")


def condition(name: str, accuracy: float, std: float | None = None) -> RowCondition:
    spread = {} if std is None else {"accuracy_std": std}
    return RowCondition(name=name, metrics={"accuracy": accuracy, "uar": 0.25, **spread})


def row(name: str, *tested: RowCondition, **more: Any) -> RowReport:
    facts = {"slug": name, "system": "late", "features": ("mel",), "lacking": "", "printed": {}}
    return RowReport(**{**facts, "row": name, "state": "done", "conditions": tested, **more})


@pytest.fixture
def report() -> ExperimentReport:
    return experiment_report(
        folds=5,
        seeds=3,
        settings={"network": {"fusion": "concat"}, "reproduce": {"folds": 5}},
        metrics=("accuracy", "uar"),
        definitions={"accuracy": "share of hits", "uar": "mean recall"},
        interval="95 %, bootstrap over speakers",
        notes=("noise is white",),
        seconds=1234.5,
        inputs=ExperimentInputs(manifest="2", features={"mel": "0", "glove": "1"}),
        rows=(
            row(
                "A | V",
                condition("clean", 0.7, 0.02),
                condition("noise", 0.4, 0.05),
                printed={"clean": {"accuracy": 0.5833}},
                parameters=12345,
                best_epochs=(3, 11, 7),
                seconds=1234.5,
            ),
            row("SVM", condition("clean", 0.6), system="svm", C=(1.0,)),
            row("smell", lacking="no feature of olfactory"),
            row("odd", condition("noise", NAN)),
        ),
        comparisons=(
            Comparison(
                rows=("A | V", "SVM"),
                condition="noise",
                metric="accuracy",
                difference=Estimate(mean=0.1, ci=(0.05, 0.15), p=0.002),
                loss=Estimate(mean=-0.2, ci=(NAN, NAN), p=NAN),
            ),
        ),
        recoveries=(
            Recovery(
                rows=("A | V", "odd", "SVM"),
                metric="accuracy",
                share=Estimate(mean=0.75, ci=(0.5, 0.875), p=0.002),
            ),
            Recovery(
                rows=("odd", "A | V", "A | V"),
                metric="accuracy",
                share=Estimate(mean=NAN, ci=(NAN, NAN), p=NAN),
            ),
        ),
    )


def test_every_row_has_a_cell_for_every_condition(report):
    assert conditions(report) == ["clean", "noise"]
    assert list(cells(report, "accuracy")) == [
        ("A | V", ["0.700 ± 0.020 (0.5833)", "0.400 ± 0.050"]),
        ("SVM", ["0.600", ""]),
        ("smell", ["", ""]),
        ("odd", ["", "-"]),
    ]


def test_the_words_hold_the_numbers(report):
    text = markdown(report)
    assert text.startswith("# A table\n")
    lead = "40 test clips (5 folds, pooled), 3 seeds, preset `paper`, check `plus`, features mel"
    assert f"{lead}; changed: `network.fusion=concat`. " in text
    assert "| A / V | 0.700 ± 0.020 (0.5833) | 0.400 ± 0.050 |" in text
    assert "| A / V - SVM | noise | +0.100 (+0.050 to +0.150) | 0.002 | -0.200 | - |" in text
    assert "| A / V | odd | SVM | +0.750 (+0.500 to +0.875) |" in text
    assert "| odd | A / V | A / V | - |" in text
    assert "| A / V | late | 12,345 | 3 to 11 | 1,234 s |" in text
    assert "| SVM | svm, C = 1 |  |  |  |" in text
    assert "- smell: no feature of olfactory" in text
    assert "- noise is white" in text
    widths = {line.count("|") for line in text.split("## uar")[1].splitlines() if "± " in line}
    assert len(widths) <= 1


def test_without_folds_it_says_what_was_tested(report):
    whole = replace(report, folds=0, comparisons=(), recoveries=())
    assert "(the manifest's test split)" in markdown(whole)


def test_rows_are_drawn_with_what_was_printed(report):
    figure = rows(report).figure
    (axes,), (legend,) = figure.axes, figure.legends
    shown = [label.get_text() for label in legend.get_texts()]
    assert set(shown) == {"clean", "clean, printed", "noise"}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["A | V", "SVM", "odd"]
    (crosses,) = (result for result in axes.collections if isinstance(result, PathCollection))
    assert crosses.get_offsets()[0][0] == pytest.approx(0.5833)


def test_metrics_of_each_class_are_those_of_a_row_s_first_condition(report):
    first = report.rows[0]
    done = tuple(
        replace(each, per_class={k: {"f1": place, "accuracy": place / 2} for k in report.classes})
        for each, place in zip(first.conditions, (0.5, 0.25), strict=True)
    )
    first = replace(first, conditions=done)
    report = replace(report, by_class=("f1", "accuracy"), rows=(first,))
    text = markdown(report)
    for metric, value in (("f1", "0.500"), ("accuracy", "0.250")):
        section = text.split(f"## {metric} of each class, clean\n")[1].split("##")[0]
        assert f"| A / V | {value} | {value} |" in section
    mixed = markdown(replace(report, rows=(first, replace(first, conditions=done[1:]))))
    assert "## f1 of each class, each system under its first condition\n" in mixed
    panels = classes(report).figure.axes
    assert [axes.get_title() for axes in panels] == list(report.classes)
    for axes in panels:
        (dots,) = (line for line in axes.lines if line.get_marker() == "o")
        assert list(dots.get_xdata()) == [0.5]
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["A | V"]


def test_printed_values_of_classes_are_in_their_cells_and_drawn_as_crosses(report):
    per_class = {k: {"f1": 0.5, "f1_std": 0.01} for k in ("b", "a")}
    clean, noise = report.rows[0].conditions
    done = (replace(clean, per_class=per_class), noise)
    first = replace(report.rows[0], printed_by_class={"f1": {"b": 0.75}}, conditions=done)
    report = replace(report, by_class=("f1",), rows=(first,))
    assert "| A / V | 0.500 ± 0.010 | 0.500 ± 0.010 (0.750) |" in markdown(report)
    drawing = classes(report).figure
    crosses = [
        (axes.get_title(), float(x))
        for axes in drawing.axes
        for result in axes.collections
        if isinstance(result, PathCollection)
        for x, _ in result.get_offsets()
    ]
    assert crosses == [("b", 0.75)]
    assert drawing.get_supxlabel() == "f1, clean; crosses: printed"


def test_a_row_that_is_quoted_has_its_values_in_brackets_and_its_source(report):
    quoted = row(
        "theirs",
        printed={"clean": {"accuracy": 0.61}, "elsewhere": {"uar": 0.5}},
        state="cited",
        cited="Somebody 2019, Table 2",
    )
    report = replace(report, rows=(*report.rows, quoted))
    assert conditions(report) == ["clean", "noise", "elsewhere"]
    assert dict(cells(report, "accuracy"))["theirs"] == ["(0.610)", "", ""]
    assert dict(cells(report, "uar"))["theirs"] == ["", "", "(0.500)"]
    text = markdown(report)
    assert "| theirs | (0.610) |  |  |" in text
    assert "## Quoted\n\n- Somebody 2019, Table 2: theirs\n" in text
    (axes,) = rows(report).figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()][-1] == "theirs"


def test_the_same_report_gives_the_same_files(report):
    first, second = draw(report), draw(report)
    assert set(first) == {".png", ".svg", ".txt"}
    assert first == second
    assert first[".png"].startswith(b"\x89PNG")


def test_a_row_s_report_has_what_there_is(report):
    data = report.data()
    assert data["format"] == ExperimentReport.FORMAT
    assert (data["folds"], data["seeds"], data["preset"]) == (5, 3, "paper")
    trained, classical, *_ = data["rows"]
    assert trained["best_epochs"] == [3, 11, 7]
    assert "C" not in trained
    assert classical["C"] == [1]
    assert "parameters" not in classical
