"""Sweeps and analyses of rows: what a table names is there, is drawn, and is on the page."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli import plugins
from emocli.config import build
from emocli.data.manifest import Manifest
from emocli.data.track import Track
from emocli.errors import ConfigError
from emocli.experiments import row_analyses
from emocli.experiments.drawing import sweeps
from emocli.experiments.page import markdown
from emocli.experiments.papers import m3er_sweep, rrnn_fig4, rrnn_hops
from emocli.experiments.report import (
    ExperimentReport,
    RowCondition,
    RowReport,
)
from emocli.experiments.runner import Reproduction, reproduce
from emocli.fusion import m3er, rrnn
from emocli.options import declared
from emocli.plugin.experiment import LinePoint, RowAnalysis, Sweep, SweepLine, Table
from tests import toy
from tests.experiments.example import experiment_report

QUICK: dict[str, Any] = {
    **toy.QUICK,
    "train": {**toy.QUICK["train"], "epochs": 2, "threads": 1},
    "reproduce": {"seeds": 1},
}


def table(name: str) -> Table:
    module = plugins.load("experiments", name)
    result: Table = module.table(module.Config())
    return result


# -- tables


@pytest.mark.parametrize("name", plugins.names("experiments"))
def test_a_sweep_is_of_rows_and_conditions_that_there_are(name: str) -> None:
    experiment = table(name)
    tested = {(row.name, c.name) for row in experiment.rows for c in row.conditions}
    points = [p for sweep in experiment.sweeps for line in sweep.lines for p in line.points]
    assert {(point.row, point.condition) for point in points} <= tested
    for sweep in experiment.sweeps:
        values = [point.value for line in sweep.lines for point in line.points]
        assert all(value > 0 for value in values) or not sweep.log


@pytest.mark.parametrize("name", plugins.names("experiments"))
def test_an_analysis_is_of_a_row_and_takes_its_options(name: str) -> None:
    experiment = table(name)
    row_analyses.check(experiment.analyses, [row.name for row in experiment.rows])
    for each in experiment.analyses:
        known = declared(plugins.load("analyses", each.analysis).Options)
        assert set(each.options) <= set(known)


def test_an_analysis_of_nothing_and_two_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="of row 'b', which is not there"):
        row_analyses.check([RowAnalysis("x", "b", "weights")], ["a"])
    doubled = [RowAnalysis("x y", "a", "weights"), RowAnalysis("x-y", "a", "gates")]
    with pytest.raises(ConfigError, match="two analyses of the table are called 'x-y'"):
        row_analyses.check(doubled, ["a"])


def test_rows_of_the_hops_differ_in_one_setting_from_the_whole_network() -> None:
    experiment = rrnn_hops.table(rrnn_hops.Config())
    whole = rrnn.Config(hops=3)
    read = {
        row.name: build(rrnn.Config, row.settings["network"], "network").model_dump()
        for row in experiment.rows
    }
    assert [read[f"{n} hop{'s' * (n > 1)}"]["hops"] for n in range(1, 6)] == [1, 2, 3, 4, 5]
    for name, own in read.items():
        changed = {key for key, value in whole.model_dump().items() if own[key] != value}
        assert len(changed) == (name != "3 hops"), name
    assert {"m0", "view_gate", "score"} <= {
        key
        for own in read.values()
        for key, value in whole.model_dump().items()
        if own[key] != value
    }


def test_networks_of_the_m3er_sweep_differ_in_what_they_are_called_after() -> None:
    experiment = m3er_sweep.table(m3er_sweep.Config(beta=(0.2, 1.0, 2.0)))
    read = {
        row.name: build(m3er.Config, row.settings["network"], "network")
        for row in experiment.rows
        if row.fusion
    }
    assert read["M3ER"] == m3er.Config()
    assert read["beta = 2"] == m3er.Config(beta=2.0)
    assert read["beta = 1, not detached"] == m3er.Config(detach_weight=False)
    assert read["beta = 0.2, not detached"] == m3er.Config(beta=0.2, detach_weight=False)
    assert read["equation 2"] == m3er.Config(loss="orig")
    assert read["vector hadamard"] == m3er.Config(fusion="hadamard")
    assert len({own.model_dump_json() for own in read.values()}) == len(read)
    thresholds = {
        row.name: row.conditions[0].repair for row in experiment.rows if row.name.startswith("tau")
    }
    assert thresholds["tau = 0.3"].settings == {"tau": 0.3}
    assert experiment.check_preset == "paper"


def test_the_figure_is_of_the_system_without_gates_and_its_clip_is_not_picked() -> None:
    """Section 5: "the GCA emotion recognition system"; the words of its text are in the figure."""
    experiment = rrnn_fig4.table(rrnn_fig4.Config())
    assert (experiment.rows[0].name, experiment.rows[0].fusion) == ("GCA", "gca")
    assert experiment.analyses[0].options == {"word": "very"}
    chosen = rrnn_fig4.table(rrnn_fig4.Config(clip="abc"))
    assert all(each.options["clip"] == "abc" for each in chosen.analyses)
    assert all("word" not in each.options for each in chosen.analyses)


# -- drawing


def condition(name: str, accuracy: float) -> RowCondition:
    return RowCondition(name=name, metrics={"accuracy": accuracy, "accuracy_std": 0.01})


def report(swept: tuple[Sweep, ...]) -> ExperimentReport:
    facts = {"system": "late", "features": ("mel",), "lacking": "", "printed": {}, "state": "done"}
    rows = [
        RowReport(row=name, slug=name, conditions=tuple(tested), **facts)
        for name, tested in {
            "one": [condition("clean", 0.5), condition("noise", 0.4)],
            "two": [condition("clean", 0.7), condition("noise", math.nan)],
        }.items()
    ]
    return experiment_report(rows=tuple(rows), sweeps=swept)


def lines(name: str) -> SweepLine:
    points = ((1.0, "one"), (10.0, "two"), (100.0, "not run"))
    return SweepLine(name, tuple(LinePoint(value, row, name) for value, row in points))


def test_a_sweep_draws_the_numbers_of_the_report_over_the_setting() -> None:
    drawing = sweeps(report((Sweep("strength", (lines("clean"), lines("noise")), log=True),)))
    (axes,) = drawing.figure.axes
    clean, noise = (container.lines[0].get_xydata() for container in axes.containers)
    assert clean.tolist() == [[1.0, 0.5], [10.0, 0.7]]
    assert noise[0].tolist() == [1.0, 0.4]
    assert math.isnan(noise[1][1])
    assert [axes.get_xlabel(), axes.get_xscale(), axes.get_ylabel()] == [
        "strength",
        "log",
        "accuracy",
    ]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["clean", "noise"]


def test_a_sweep_none_of_whose_rows_is_done_is_an_empty_panel() -> None:
    line = SweepLine("clean", (LinePoint(1.0, "not run"), LinePoint(2.0, "nor this")))
    drawing = sweeps(report((Sweep("strength", (line,)), Sweep("more", (lines("clean"),)))))
    assert [axes.has_data() for axes in drawing.figure.axes] == [False, True]


def test_the_page_shows_sweeps_only_where_there_are_some() -> None:
    swept = report((Sweep("strength", (lines("clean"),)),))
    assert "](figure-sweeps.png)" in markdown(swept)
    assert "figure-sweeps" not in markdown(replace(swept, sweeps=()))


# -- runs


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> toy.Toy:
    """With texts, of which one of the test says what Figure 4 is about, a word for each row."""
    result = toy.build(tmp_path_factory.mktemp("toy"), noise=0.3)
    clips = [
        replace(clip, text="a very delicate issue" if clip.id == "test04" else "for some reasons")
        for clip in result.manifest.clips
    ]
    replace(result.manifest, clips=tuple(clips)).write(result.folder / "toy.csv")
    manifest = Manifest.read(result.folder / "toy.csv")
    rng = np.random.default_rng(0)
    features = {name: width for name, (modality, width, _) in toy.FEATURES.items()}
    for name, (modality, _, _) in toy.FEATURES.items():
        tracks = {
            clip.id: Track(rng.normal(size=(len(clip.text.split()), features[name])))
            for clip in manifest.clips
        }
        toy.write_tracks(result.store, name, modality, manifest, tracks)
    return toy.Toy(result.folder, manifest)


def run(name: str, corpus: toy.Toy, out: Path, **sections: Any) -> Reproduction:
    settings = {**QUICK, **sections}
    return reproduce(name, corpus.manifest, corpus.store, out, settings=settings)


def test_figure_4_is_one_command(corpus: toy.Toy, tmp_path: Path) -> None:
    result = run("rrnn-fig4", corpus, tmp_path)
    page = result.table.read_text()
    names = ["GCA, last hop", "GCA + gating, last hop", "GCA, all hops", "GCA + gating, all hops"]
    assert [analysis["name"] for analysis in result.data["analyses"]] == names
    for analysis in result.data["analyses"]:
        data = json.loads((tmp_path / analysis["data"]).read_text())
        assert data["clip"] == "test04"
        words = [word["word"] for word in data["views"]["text"]["words"]]
        assert words == ["a", "very", "delicate", "issue"]
        png, svg = analysis["figures"]
        assert (tmp_path / png).read_bytes().startswith(b"\x89PNG")
        assert b"delicate" in (tmp_path / svg).read_bytes()
        assert f"![{analysis['row']}]({png})" in page
        assert f"## {analysis['name']}" in page
    assert "the first test clip with the word 'very'" in " ".join(page.split())
    written = {path for path in tmp_path.glob("figure*") if path.suffix != ".txt"}
    assert {path.name for path in result.figures} == {path.name for path in written}
    assert all(path.with_suffix(".txt").is_file() for path in written)


def test_an_analysis_waits_for_its_row(corpus: toy.Toy, tmp_path: Path) -> None:
    result = run("rrnn-fig4", corpus, tmp_path, reproduce={"seeds": 1, "only": ["gca"]})
    assert [a["name"] for a in result.data["analyses"]] == ["GCA, last hop", "GCA, all hops"]


def test_the_hops_are_one_command(corpus: toy.Toy, tmp_path: Path) -> None:
    only = ["1-hop", "2-hops", "m-0-0"]
    result = run("rrnn-hops", corpus, tmp_path, reproduce={"seeds": 1, "only": only})
    done = {row["row"]: row for row in result.data["rows"] if row["state"] == "done"}
    assert set(done) == {"1 hop", "2 hops", "m(0) = 0"}
    for name, row in done.items():
        assert {c["name"] for c in row["conditions"]} == {"clean", "noise"}, name
    assert done["1 hop"]["parameters"] < done["2 hops"]["parameters"]
    assert (tmp_path / "figure-sweeps.svg").is_file()


def test_the_m3er_sweep_is_one_command_and_tau_decides_what_is_flagged(
    corpus: toy.Toy, tmp_path: Path
) -> None:
    only = ["check-and-proxy", "tau-0", "tau-1"]
    result = run(
        "m3er-sweep",
        corpus,
        tmp_path,
        reproduce={"seeds": 1, "only": only},
        experiment={"tau": [0.0, 1.0], "snr": ["0.01"]},
        network={"hidden": 6},
    )
    done = {row["row"]: row for row in result.data["rows"] if row["state"] == "done"}
    assert set(done) == {"M3ER", "check and proxy", "tau = 0", "tau = 1"}
    assert result.data["check_preset"] == "paper"
    flagged = {
        name: sum(done[name]["conditions"][0]["flagged"].values())
        for name in ("tau = 0", "tau = 1")
    }
    assert flagged["tau = 0"] < flagged["tau = 1"]
    assert "at tau 1" in done["tau = 1"]["conditions"][0]["repair"]
