"""Ratings on which nothing is ever absent: what is shown, compared and left out."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import pytest

from emocli.cli.app import run as emocli
from emocli.config import merge
from emocli.data.manifest import Manifest
from emocli.errors import RunError
from emocli.evaluation.compare import compare
from emocli.evaluation.comparison_report import ComparisonReport
from emocli.evaluation.comparison_tables import tables, write
from emocli.evaluation.evaluate import Evaluation, evaluate
from emocli.pages.page import report as page
from emocli.report.tables import as_latex, as_markdown
from tests import toy

NAN = float("nan")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two runs on a corpus whose ratings go from 1 to 4."""
    small = toy.build(tmp_path_factory.mktemp("rated"), "intensity", {**toy.SIZES, "test": 40})
    clips = tuple(
        replace(c, labels={k: v + 1 for k, v in c.labels.items()}) for c in small.manifest.clips
    )
    replace(small.manifest, clips=clips).write(small.folder / "toy.csv")
    rated = toy.Toy(small.folder, Manifest.read(small.folder / "toy.csv"))
    short = merge(toy.QUICK, {"train": {"epochs": 1}})
    return [rated.trained(name, name, settings=short) for name in ("late", "early")]


@pytest.fixture(scope="module")
def evaluated(runs: list[Path]) -> Evaluation:
    evaluate(runs[1], figures=False)
    return evaluate(runs[0], by=["speaker"], sweep=["0dB"])


def test_agreement_is_shown_and_no_confusion(evaluated: Evaluation) -> None:
    titles = {table.title.split(" (")[0]: table for table in evaluated.tables}
    assert not [title for title in titles if title.startswith("confusion")]
    assert not [path for path in evaluated.figures if "confusion" in path.name]
    groups = titles["by speaker"]
    assert groups.columns == ("speaker", "clips", "ccc", "mae", "over")
    assert [row[-1] for row in groups.rows[:-1]] == ["10 clips"] * 4
    assert all(" to " in str(cell) for row in groups.rows for cell in row[2:4])
    assert titles["classes"].columns[2:] == ("mae clean", "ccc clean")
    assert titles["sweep"].columns == ("condition", "ccc", "mae", "pearson")
    assert all(isinstance(row[1], float) for row in titles["sweep"].rows)


def test_clips_have_numbers_and_no_names(evaluated: Evaluation) -> None:
    with evaluated.clips.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["label"], row["prediction"]) for row in rows} == {("", "")}
    assert all(float(row["label.joy"]) >= 1 for row in rows)


def test_runs_are_compared_by_agreement(runs: list[Path]) -> None:
    assert compare(runs).metric == "ccc"
    assert emocli(["compare", *map(str, runs), "--metric", "accuracy"]) == 2


def test_the_page_shows_it(runs: list[Path], evaluated: Evaluation) -> None:
    for chosen in (runs[:1], runs):
        text = page(chosen, runs[0] / "page.html", overwrite=True).read_text("utf-8")
        assert "Confusion</h2>" not in text
        assert "Conditions; drawn: accuracy" not in text
        assert ">ccc</th>" in text
        assert "10 clips" in text
        assert "ccc, test-" in text  # its gap
    with pytest.raises(RunError, match="no class is taken for another"):
        toy.analysis("confusion")(runs[0])


def test_what_is_not_defined_is_a_dash_or_an_empty_cell(runs: list[Path], tmp_path: Path) -> None:
    report = compare(runs)
    change = report.runs[1].change
    assert change is not None
    none = {"ci": (NAN, NAN), "ci_clips": None, "p": NAN, "p_holm": NAN}
    change = replace(change, difference=NAN, **none)
    constant = replace(report.runs[1], value=NAN, ci=(NAN, NAN), ci_clips=None, change=change)
    undefined = replace(report, runs=(report.runs[0], constant), pairs=(change,))
    cells = tables(undefined)[0].rows[1][1:5]
    assert cells == ("-", "-", "-", "-")
    write(undefined, tmp_path / "c.csv")
    assert "nan" not in (tmp_path / "c.csv").read_text()


def test_zero_has_no_minus(runs: list[Path]) -> None:
    report: ComparisonReport = compare(runs)
    change = report.runs[1].change
    assert change is not None
    nought = replace(change, difference=-0.0002, ci=(-0.0001, -0.0), ci_clips=None, p=1.0)
    report = replace(report, runs=(report.runs[0], replace(report.runs[1], change=nought)))
    (table,) = tables(report)
    assert table.rows[1][3:5] == ("+0.000", "0.000 to 0.000")
    assert math.copysign(1, report.data()["runs"][1]["change"]["ci"][1]) == 1
    assert "0.000" in as_latex(table)
    for text in (as_latex(table), as_markdown(table)):
        assert "-0.000" not in text
        assert "-$0.000" not in text
