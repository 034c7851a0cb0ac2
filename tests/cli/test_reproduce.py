"""`emocli reproduce` and `emocli train --folds` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emocli.cli.app import run
from tests import toy

pytestmark = pytest.mark.usefixtures("undrawn")

corpus = toy.fixture()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / "quick.toml"
    lines = ["[mel]\nbands = 40"]
    for section, values in {**toy.QUICK, "reproduce": {"seeds": 1}}.items():
        lines += [f"[{section}]", *(f"{k} = {json.dumps(v)}" for k, v in values.items())]
    path.write_text("\n".join(lines))
    return path


def arguments(corpus: toy.Toy, settings: Path, *more: str) -> list[str]:
    paths = [str(corpus.folder / "toy.csv"), "--store", str(corpus.store)]
    return [*paths, "--config", str(settings), *more]


def test_a_table_is_one_command(corpus, settings, tmp_path, capsys):
    command = ["reproduce", "rrnn-t1", *arguments(corpus, settings, "--out", str(tmp_path))]
    assert run(command) == 0
    shown = capsys.readouterr()
    report = json.loads((tmp_path / "report.json").read_text())
    (clean,) = report["rows"][3]["conditions"]
    assert f"A + V, GCA          │ {clean['accuracy']:.3f}" in shown.out
    assert str(tmp_path / "table.md") in shown.out
    assert "A + V, GCA: accuracy clean" in shown.err
    assert run([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == report


def test_of_few_dialogues_there_is_no_interval_and_everybody_is_told(
    corpus, settings, tmp_path, capsys
):
    said = "5 dialogues are too few to draw from (it takes 8): there is no interval and no p"
    rows = ["--row", "a", "--row", "svm-on-functionals"]
    command = ["reproduce", "rrnn-t1", *arguments(corpus, settings, "--out", str(tmp_path), *rows)]
    assert run(command) == 0
    assert f"warning: {said}" in capsys.readouterr().err
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["warnings"][0].startswith(said)
    assert report["rows"][1]["conditions"][0]["accuracy_ci"] == [None, None]
    table = (tmp_path / "table.md").read_text()
    assert f"- {said}" in table
    folder = str(tmp_path / "runs" / "a")
    assert run(["evaluate", folder, "--no-figures", "--corrupt", "audio"]) == 0
    shown = capsys.readouterr()
    assert f"warning: {said}" in shown.err
    lines = [line.split("│")[1:-1] for line in shown.out.splitlines() if "95 %" in line]
    clean = [[cell.strip() for cell in line[:2]] for line in lines]
    assert clean[0][0] == "95 %, over clips"
    assert " to " in clean[0][1]


def test_rows_that_cannot_run_are_named(corpus, settings, tmp_path, capsys):
    chosen = arguments(corpus, settings, "-f", "mel", "--out", str(tmp_path))
    assert run(["reproduce", "rrnn-t1", *chosen]) == 0
    shown = capsys.readouterr().err
    assert "warning: row 'V' was not run: no feature of visual (there are: audio)" in shown


def test_a_dry_run_says_what_would_be_trained(corpus, settings, tmp_path, capsys):
    more = ("--folds", "3", "--seeds", "4", "--dry-run", "--json", "--out", str(tmp_path / "out"))
    assert run(["reproduce", "rrnn-t2", *arguments(corpus, settings, *more)]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["trainings"] == 6 * 3 * 4
    assert not (tmp_path / "out").exists()


def test_every_name_that_info_lists_is_taken(corpus, settings, tmp_path, capsys):
    assert run(["info", "--json"]) == 0
    listed = [each["name"] for each in json.loads(capsys.readouterr().out)["experiments"]]
    assert "rrnn-t2" in listed
    more = ("--dry-run", "--json", "--out", str(tmp_path / "out"))
    for name in ("rrnn-t2", "rrnn_t2"):  # that of the file is taken, too
        assert run(["reproduce", name, *arguments(corpus, settings, *more)]) == 0
        assert json.loads(capsys.readouterr().out)["experiment"] == "rrnn-t2"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--set", "network.hiden=4"), "did you mean 'network.hidden'"),
        (("--folds", "2"), "2 folds are too few"),
        (("--set", "experiment.noise=3"), "unknown setting 'experiment.noise'"),
        (("-f", "mell"), "has no feature 'mell'"),
    ],
)
def test_bad_input_is_one_line(corpus, settings, tmp_path, capsys, more, message):
    chosen = arguments(corpus, settings, "--out", str(tmp_path), *more)
    assert run(["reproduce", "rrnn-t1", *chosen]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error: ")
    assert message in line


def test_an_unknown_experiment(corpus, settings, tmp_path, capsys):
    chosen = arguments(corpus, settings, "--out", str(tmp_path))
    assert run(["reproduce", "rnn-t2", *chosen]) == 2
    assert "did you mean 'rrnn-t2'" in capsys.readouterr().err


def test_a_table_row_is_two_commands(corpus, settings, tmp_path, capsys):
    folder = str(tmp_path / "run")
    more = ("--fusion", "late", "--run", folder, "--folds", "3", "--json")
    assert run(["train", *arguments(corpus, settings, *more)]) == 0
    trained = json.loads(capsys.readouterr().out)
    assert [Path(fold["run"]).name for fold in trained["folds"]] == ["fold-0", "fold-1", "fold-2"]
    assert run(["train", *arguments(corpus, settings, *more[:-1])]) == 0
    assert "fold-1 │    0 │ already trained" in capsys.readouterr().out
    assert run(["evaluate", folder, "--corrupt", "visual", "--no-figures", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["n"] == len(corpus.manifest.clips)
    assert len(data["folds"]) == 3
    assert run(["evaluate", folder, "--no-figures"]) == 0
    assert "prior" in capsys.readouterr().out
