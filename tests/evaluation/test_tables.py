"""A report as tables."""

from __future__ import annotations

from typing import Any

import pytest

from emocli.evaluation.report import EvaluationReport
from emocli.evaluation.tables import notes, tables
from emocli.metrics.intervals import ALIKE, EXACT
from emocli.metrics.sums import WITHOUT_INTERVAL
from emocli.report.tables import ReportTable
from tests.evaluation import example
from tests.evaluation.example import report


def changed(**values: Any) -> EvaluationReport:
    """The report with other values, of the clean condition by its keys."""
    data = example.data()
    clean = {key: values.pop(key) for key in values.keys() & data["clean"].keys()}
    data["clean"] |= clean
    return EvaluationReport.from_data(data | values)


def table(report: EvaluationReport, title: str) -> ReportTable:
    (result,) = (t for t in tables(report) if t.title.startswith(title))
    return result


def column(found: ReportTable, name: str) -> list[object]:
    return [row[found.columns.index(name)] for row in found.rows]


def test_conditions_stand_side_by_side():
    result = tables(report(corrupted=True))[0]
    assert result.title == "demo on 40 clips of toy (test)"
    assert result.columns == ("metric", "clean", "visual gaussian 0 dB", "prior")
    rows = {row[0]: row[1:] for row in result.rows}
    assert rows["accuracy"] == (0.9, 0.7, 0.5)
    assert rows["weighted f1"] == (0.9, 0.7, 0.5)
    assert rows["change of accuracy"] == ("", "-0.200", "")
    assert column(result, "clean")[1] == "0.800 to 0.950"


def test_one_condition_has_one_column():
    result = tables(report())[0]
    assert result.columns == ("metric", "clean", "prior")
    assert tables(changed(baselines={}))[0].columns == ("metric", "clean")
    assert "change of accuracy" not in column(result, "metric")


def test_folds_are_listed():
    assert not [t for t in tables(report()) if t.title == "folds"]
    fold = {"accuracy": 0.5, "accuracy_std": 0.1, "uar": 0.4, "weighted_f1": None, "macro_f1": 0.3}
    folds = [{"fold": k, "n": 20, "clean": fold} for k in range(3)]
    result = table(changed(folds=folds), "folds")
    assert result.columns == ("fold", "clips", "accuracy clean", "uar clean", "weighted f1 clean")
    assert result.rows[2] == (2, 20, "0.500 ± 0.100", 0.4, "-")


def test_several_seeds_show_their_spread():
    result = tables(report(seeds=3))[0]
    assert column(result, "clean")[0] == "0.900 ± 0.020"


def test_what_is_not_defined_is_a_dash():
    undefined = changed(uar=None, accuracy_ci=[None, None])
    rows = {row[0]: row[1] for row in tables(undefined)[0].rows}
    assert rows["uar"] == "-"


def test_a_row_without_any_interval_is_left_out():
    assert "  95 % interval" not in column(tables(changed(accuracy_ci=[None, None]))[0], "metric")
    data = example.data(corrupted=True)
    data["clean"]["accuracy_ci"] = none = [None, None]
    data["difference"] = {**example.CHANGE, "accuracy_ci": none, "accuracy_ci_clips": [-0.3, -0.1]}
    rows = [row for row in tables(EvaluationReport.from_data(data))[0].rows if "95 %" in row[0]]
    assert [row[:3] for row in rows] == [
        ("  95 % interval", "-", "0.600 to 0.750"),
        ("  95 %, over clips", "", "-0.300 to -0.100"),
    ]


def test_what_draws_cannot_show_is_said_once():
    assert not set(notes(report())) & {EXACT, ALIKE}
    data, uar = example.data(), {"value": 1.0, "ci": [None, None]}
    perfect = {"accuracy": 1.0, "uar": 1.0, "accuracy_ci": [0.86, 1.0], "intervals": {"uar": uar}}
    data["clean"] |= perfect
    right = EvaluationReport.from_data(data)
    assert column(tables(right)[0], "clean")[:4] == [1.0, "0.860 to 1.000", 1.0, 0.9]
    assert [note for note in notes(right) if note in {EXACT, ALIKE}] == [EXACT, ALIKE]
    few = EvaluationReport.from_data(data | {"n": 6})
    assert not set(notes(few)) & {EXACT, ALIKE}  # of so few there is none at all
    same = {**example.CHANGE, "accuracy": 0.0, "accuracy_ci": [None, None], "p": 1.0}
    corrupted = EvaluationReport.from_data(example.data(corrupted=True) | {"difference": same})
    assert ALIKE in notes(corrupted)


def test_a_difference_is_no_share_whatever_its_bounds():
    same = {**example.CHANGE, "accuracy": 0.0, "accuracy_ci": [0.0, 0.1]}
    corrupted = EvaluationReport.from_data(example.data(corrupted=True) | {"difference": same})
    assert not set(notes(corrupted)) & {EXACT, ALIKE}


def test_metrics_without_an_interval_say_why():
    calibrated = {"ece": 0.1, "aurc": 0.2}
    definitions = dict.fromkeys((*example.METRICS, *calibrated), "what it is")
    data = example.data() | {"definitions": definitions, **calibrated}
    for side in (data["clean"], *data["by_seed"], *data["clean"]["by_seed"]):
        side |= calibrated
    data["baselines"]["prior"] |= calibrated
    lines = notes(EvaluationReport.from_data(data))
    for name, why in WITHOUT_INTERVAL.items():
        assert f"{name}: {why}" in lines


def test_classes_and_confusion():
    data = report(corrupted=True)
    classes = table(data, "classes")
    assert classes.columns[2:] == ("recall clean", "f1 clean", "recall corrupted", "f1 corrupted")
    assert classes.rows[0][:2] == ("anger", 20)
    confusions = [t for t in tables(data) if t.title.startswith("confusion")]
    assert [t.title.rpartition(", ")[2] for t in confusions] == ["clean", "visual gaussian 0 dB"]
    assert confusions[0].rows == (("anger", 95, 5), ("joy", 15, 85))


def test_a_class_nobody_showed_has_a_blank_row():
    assert table(changed(confusion=[[3, 1], [0, 0]]), "confusion").rows[1] == ("joy", "-", "-")


def test_the_repair_is_listed_for_every_condition():
    assert not [t for t in tables(report()) if t.title.startswith("repair")]
    result = table(report(corrupted=True, check=True), "repair: check, discard")
    assert result.columns[-3:] == ("TPR %", "FPR %", "regenerated")
    assert result.rows == (
        ("clean", "visual", 40, 0, "-", 5, 0),
        ("visual gaussian 0 dB", "visual", 40, 36, 83, 0, 0),
    )


def test_a_sweep_starts_with_the_clean_condition():
    result = table(report(sweep=True), "sweep")
    labels = column(result, "condition")
    assert labels[0] == "clean"
    assert labels[1:3] == ["audio gaussian 10 dB", "audio gaussian 0 dB"]
    assert column(result, "accuracy")[0] == 0.9


EVERYTHING = {"corrupted": True, "check": True, "sweep": True, "seeds": 3}


@pytest.mark.parametrize("options", [{}, EVERYTHING])
def test_every_row_has_every_column(options):
    for result in tables(report(**options)):
        assert all(len(row) == len(result.columns) for row in result.rows), result.title
