"""Rows of the literature: shown beside those that are run, and nothing else is done with them."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from emocli import plugins
from emocli.cli.app import run
from emocli.config import Settings
from emocli.errors import ConfigError
from emocli.experiments.drawing import rows
from emocli.experiments.experiment import Experiment
from emocli.experiments.page import cells
from emocli.experiments.runner import Reproduction, plan, reproduce
from emocli.plugin.experiment import CLEAN, Condition, Row, Table
from tests import toy

corpus = toy.fixture()

SETTINGS: dict[str, Any] = {
    "network": {"hidden": 6},
    "train": {**toy.QUICK["train"], "epochs": 1, "threads": 1},
    "reproduce": {"seeds": 1},
}


@pytest.fixture(scope="module")
def out(corpus: toy.Toy, tmp_path_factory: pytest.TempPathFactory) -> Reproduction:
    folder = tmp_path_factory.mktemp("out") / "t1"
    return reproduce("m3er-t1", corpus.manifest, corpus.store, folder, settings=SETTINGS)


def test_their_values_are_in_the_report_with_their_source(out: Reproduction) -> None:
    known = {row["row"]: row for row in json.loads(out.path.read_text())["rows"]}
    quoted = known["Yoon et al. 2019"]
    assert (quoted["state"], quoted["cited"]) == ("cited", "Mittal et al. 2020, Table 1")
    assert quoted["printed"] == {"IEMOCAP": {"binary_accuracy": 0.776}}
    assert not quoted["conditions"]
    assert known["M3ER"]["state"] == "done"
    assert "cited" not in known["M3ER"]


def test_they_are_in_the_table_and_nowhere_else(out: Reproduction) -> None:
    text = out.table.read_text()
    accuracy = text.split("## binary_accuracy")[1].split("##")[0]
    assert "| Yoon et al. 2019 |  | (0.776) |  |" in accuracy
    assert "| M3ER as printed |  | (0.827) | (0.890) |" in accuracy
    assert "| Choi et al. 2018 |  |  |  |" in accuracy
    assert "- Mittal et al. 2020, Table 1: Kim et al. 2013, Majumder et al. 2018, Yoon" in text
    assert "Yoon" not in text.split("## Cost")[1].split("##")[0]
    trained = {p.name for p in (out.path.parent / "runs").iterdir()}
    assert trained == {"m3er", "m3er-one-class-against-the-rest"}


def test_they_are_drawn_where_they_are_printed(out: Reproduction) -> None:
    report = replace(out.report, metrics=("binary_accuracy",))
    (axes,) = rows(report).figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    crosses = {
        (round(float(x), 3), names[round(float(y))])
        for result in axes.collections
        if str(result.get_label()).endswith(", printed")
        for x, y in result.get_offsets().data  # type: ignore[union-attr]
    }
    printed = {(0.827, "M3ER as printed"), (0.89, "M3ER as printed")}
    assert {(0.776, "Yoon et al. 2019"), *printed} <= crosses
    assert "M3ER" not in {name for _, name in crosses}  # the clips are of neither corpus


def test_the_page_has_the_same_rows_and_every_figure(out: Reproduction) -> None:
    page = out.page.read_text()
    assert "<td>Yoon et al. 2019</td>" in page
    for figure in (path for path in out.figures if path.suffix == ".png"):
        assert base64.b64encode(figure.read_bytes()).decode() in page


def test_nothing_of_them_is_planned_or_can_be_asked_for(corpus: toy.Toy) -> None:
    planned = plan("m3er-t1", corpus.manifest, corpus.store, SETTINGS)
    trained = ["M3ER", "M3ER, one class against the rest"]
    assert [row.row for row in planned.rows] == [*trained, "logistic regression"]
    asked = {**SETTINGS, "reproduce": {"only": ["yoon-et-al.-2019"]}}
    with pytest.raises(ConfigError, match="there is no row 'yoon-et-al"):
        plan("m3er-t1", corpus.manifest, corpus.store, asked)


def test_the_terminal_shows_them(
    corpus: toy.Toy, out: Reproduction, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = dict(cells(out.report, "binary_f1"))
    assert shown["Choi et al. 2018"] == ["", "", "(0.895)"]
    sets = [
        f"{s}.{key}={value}" for s in ("network", "train") for key, value in SETTINGS[s].items()
    ]
    code = run(
        [
            *("reproduce", "m3er-t1", str(corpus.manifest.path), "--store", str(corpus.store)),
            *("--out", str(out.path.parent), "--seeds", "1"),
            *(part for each in sets for part in ("--set", each)),
        ]
    )
    printed = capsys.readouterr().out
    assert code == 0
    assert "(0.895)" in printed
    assert "page.html" in printed


class Config(Settings):
    """None."""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"comparisons": (("late", "theirs"),)}, "row 'theirs' is not run"),
        ({"alternatives": ("late", "theirs")}, "row 'theirs' is not run"),
        ({"recoveries": (("late", "late", "theirs"),)}, "row 'theirs' is not run"),
    ],
)
def test_they_cannot_be_compared(
    corpus: toy.Toy, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], said: str
) -> None:
    quoted = Row("theirs", cited="a paper", printed={CLEAN.name: {"uar": 0.5}})
    table = Table("A table", (Row("late", fusion="late"), quoted), **more)
    monkeypatch.setattr(plugins.load("experiments", "m3er_t1"), "table", lambda config: table)
    with pytest.raises(ConfigError, match=said):
        plan("m3er-t1", corpus.manifest, corpus.store, SETTINGS)


def test_a_table_of_nothing_else_cannot_be_run(corpus: toy.Toy) -> None:
    table = Table("A table", (Row("theirs", cited="a paper", conditions=(Condition("X"),)),))
    with pytest.raises(ConfigError, match="no row of x is to be run"):
        Experiment.of("x", table, corpus.manifest, corpus.store, {})
