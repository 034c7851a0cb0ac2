"""What an experiment knows of the paper's corpora: whose clips they are, and the sizes for them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emocli.cli.app import run
from emocli.data.manifest import Manifest, Task
from tests import toy

pytestmark = pytest.mark.usefixtures("undrawn")


def corpus(folder: Path, dataset: str, task: Task = "single") -> toy.Toy:
    """The toy corpus under another name."""
    result = toy.build(folder, task)
    path = folder / "corpus.csv"
    replace(result.manifest, dataset=dataset).write(path)
    return toy.Toy(folder, Manifest.read(path))


def rows(
    made: toy.Toy, name: str, capsys: pytest.CaptureFixture[str], *options: str
) -> dict[str, Any]:
    """The settings of the networks' rows, as the plan has them."""
    where = [str(made.manifest.path), "--store", str(made.store), "--out", str(made.folder / "out")]
    capsys.readouterr()
    assert run(["reproduce", name, *where, "--dry-run", "--json", *options]) == 0
    planned = json.loads(capsys.readouterr().out)["rows"]
    return {row["row"]: row["settings"].get("network", {}) for row in planned if row["preset"]}


@pytest.mark.parametrize(("dataset", "layers"), [("iemocap", 5), ("meld", None), ("toy", None)])
def test_depth_of_m2fnet_is_that_of_the_corpus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], dataset: str, layers: int | None
) -> None:
    result = corpus(tmp_path, dataset)
    assert {row.get("layers") for row in rows(result, "m2f-t2", capsys).values()} == {layers}
    named = rows(result, "m2f-t2", capsys, "--set", "experiment.corpus=iemocap")
    assert {row["layers"] for row in named.values()} == {5}
    set_one = rows(result, "m2f-t2", capsys, "--set", "experiment.layers=2")
    assert {row["layers"] for row in set_one.values()} == {2}
    by_hand = rows(result, "m2f-t2", capsys, "--set", "experiment.layers.text=3")
    assert by_hand["T + A, concat"]["layers"] == {"text": 3}
    assert "layers" not in by_hand["A"]


def test_a_depth_of_no_modality_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = corpus(tmp_path, "iemocap")
    where = [
        str(result.manifest.path),
        "--store",
        str(result.store),
        "--out",
        str(tmp_path / "out"),
    ]
    assert run(["reproduce", "m2f-t2", *where, "--set", "experiment.layers.smell=3"]) == 2
    assert "there is no modality 'smell'; there are: text, audio, visual" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["rrnn-t3", "rrnn-fig4", "rrnn-hops"])
def test_units_of_the_rrnn_are_those_of_the_corpus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    result = corpus(tmp_path / "mosei", "mosei", "intensity")
    assert {row["hidden"] for row in rows(result, name, capsys).values()} == {512}
    own = rows(result, name, capsys, "--set", "network.hidden=8")
    assert {row["hidden"] for row in own.values()} == {8}
    plus = rows(result, name, capsys, "--preset", "plus")
    assert not any("hidden" in row for row in plus.values())
    other = corpus(tmp_path / "toy", "toy", "intensity")
    assert not any("hidden" in row for row in rows(other, name, capsys).values())


def test_m3er_is_asked_for_each_class_beside_softmax_where_a_clip_has_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = corpus(tmp_path, "iemocap")
    where = [
        str(result.manifest.path),
        "--store",
        str(result.store),
        "--out",
        str(tmp_path / "out"),
    ]
    only = ["--row", "m3er", "--row", "m3er-softmax", "--seeds", "1"]
    quick = ("train.epochs=3", "train.lr=0.02", "train.threads=1", "train.accelerator=cpu")
    settings = [part for pair in quick for part in ("--set", pair)]
    assert run(["reproduce", "m3er-t2", *where, *only, *settings]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    done = {row["row"]: row for row in report["rows"] if row["state"] == "done"}
    whole, apart = done["M3ER, softmax"], done["M3ER"]
    assert apart["settings"]["train"]["target"] == "one_vs_rest"
    assert apart["printed"]["clean"]["binary_f1"] == 0.824  # IEMOCAP's
    assert not whole["printed"]
    by_class = [row["conditions"][0]["per_class"] for row in (whole, apart)]
    assert by_class[0] != by_class[1]
    capsys.readouterr()
    assert run(["evaluate", str(tmp_path / "out" / "runs" / apart["slug"]), "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)["clean"]
    for metric in ("binary_accuracy", "binary_f1", "accuracy"):
        assert alone[metric] == pytest.approx(apart["conditions"][0][metric])
    assert run(["reproduce", "m3er-t2", *where, *only, *settings]) == 0  # from what is kept
    again = json.loads((tmp_path / "out" / "report.json").read_text())["rows"]
    kept = next(row for row in again if row["slug"] == apart["slug"])
    assert kept["conditions"] == apart["conditions"]
