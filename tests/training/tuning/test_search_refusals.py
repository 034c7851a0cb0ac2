"""What a search refuses before anything is written, and studies that it does not go on with."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from emocli.cli.app import run
from emocli.training.tuning.journal import JOURNAL, open_study
from tests import toy
from tests.conftest import Refused
from tests.training.tuning.searches import command, spaced, tuned

pytestmark = pytest.mark.usefixtures("undrawn")

corpus = toy.fixture(noise=1.5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (spaced("network.hidden=0..8"), "network.hidden"),
        (spaced("network.x=1..8"), "unknown setting 'network.x'"),
        (spaced("x.y=1..8"), "unknown setting 'x'"),
        (spaced("train.lr"), "is no range"),
        (
            [*spaced("train.lr=1,2"), "--try", "train.lr=1,2"],
            "--try searches greedily and has no --space",
        ),
        (["--folds", "3", "--try", "train.lr=1,2"], "--try searches greedily and has no --folds"),
        (
            [
                "--try",
                "train.lr=1,2",
                "--sampler",
                "tpe",
                "--sampler-seed",
                "0",
                "--no-prune",
                "--style",
                "paper",
            ],
            "has no --trials, --sampler, --sampler-seed, --no-prune, --style; leave out --try or",
        ),
        ([*spaced("train.lr=1..2"), "-f", "mell"], "no feature 'mell'"),
        ([*spaced("train.lr=1..2"), "--set", "train.lr=1"], "'train.lr' has a value and a range"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything_is_written(
    corpus: toy.Toy, tmp_path: Path, refused: Refused, options: list[str], said: str
) -> None:
    pytest.importorskip("optuna")
    for extra in ([], ["--dry-run"]):
        assert said in refused(*command(corpus, tmp_path / "study", *options), *extra)
    assert not (tmp_path / "study").exists()


def test_without_optuna_it_says_how_to_get_it(
    corpus: toy.Toy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert run(command(corpus, tmp_path / "study")) == 2
    assert "pip install 'emocli[tune]'" in capsys.readouterr().err


@pytest.mark.parametrize("more", ["{}\n", ""])
@pytest.mark.parametrize("line", ["{", "[1]", '{"op_code": 0}', '{"op_code": 99}', "\xff"])
def test_a_damaged_journal_is_refused(
    corpus: toy.Toy, tmp_path: Path, refused: Refused, line: str, more: str
) -> None:
    pytest.importorskip("optuna")
    (tmp_path / JOURNAL).write_bytes(f"{line}\n{more}".encode("latin-1"))
    reading = [["inspect", tmp_path]] if more else []  # a last line may be just being written
    for arguments in (command(corpus, tmp_path), *reading):
        said = refused(*arguments)
        assert said.endswith("journal.log: is damaged; restore it, or begin another --study\n")


def test_a_folder_of_something_else_is_not_touched(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("optuna")
    (tmp_path / "notes.txt").write_text("mine")
    assert run(command(corpus, tmp_path)) == 2
    assert "is there already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if path.name[0] != "."] == ["notes.txt"]


def test_a_study_of_another_store_is_not_gone_on_with(
    corpus: toy.Toy, tmp_path: Path, refused: Refused, capsys: pytest.CaptureFixture[str]
) -> None:
    again = command(corpus, tmp_path, *spaced("train.lr=0.01..0.1"), trials=1)
    tuned(again, capsys)
    study = open_study(tmp_path, lower=False, sampler="tpe", seed=0, prune=True)
    asked = study.user_attrs["asked"]
    inputs = {**json.loads(asked["inputs"]), "text": "another"}
    study.set_user_attr("asked", {**asked, "inputs": json.dumps(inputs)})
    for more in ([], ["--dry-run"]):
        said = refused(*again, *more)
        assert "holds a study of another inputs.text; choose another --study" in said


def test_a_folder_takes_one_kind_of_study(
    corpus: toy.Toy, tmp_path: Path, refused: Refused
) -> None:
    pytest.importorskip("optuna")
    plain = command(corpus, tmp_path / "plain", *spaced("train.lr=1e-3,1e-2"), trials=1)
    assert run(plain) == 0
    before = (tmp_path / "plain" / "study.json").read_bytes()
    greedy = command(corpus, tmp_path / "plain", "--try", "train.lr=1e-3,1e-2")
    del greedy[greedy.index("--trials") : greedy.index("--trials") + 2]
    for extra in ([], ["--dry-run"]):
        said = "is there already and is not a study with folds; choose another"
        assert said in refused(*plain, "--folds", "3", *extra)
        assert "holds a study of another kind; choose another --study" in refused(*greedy, *extra)
    assert (tmp_path / "plain" / "study.json").read_bytes() == before
