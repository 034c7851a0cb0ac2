"""What the report, the page and the printed result of a search say of how it was asked for."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from emocli.cli.app import run
from emocli.data.normalisation import USED
from emocli.training.tuning.study_summary import NestedSummary, TuneSummary
from tests import toy
from tests.training.tuning.searches import command

corpus = toy.fixture()
SPEAKER = ("--set", "train.normalise=speaker", "--set", "train.epochs=1")


@pytest.fixture(scope="module")
def nested(corpus: toy.Toy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("optuna")
    study = tmp_path_factory.mktemp("nested") / "study"
    assert run(command(corpus, study, *SPEAKER, "--folds", "3", "--seeds", "2", trials=1)) == 0
    return study


def test_that_features_are_normalised_by_speaker_is_said(nested: Path) -> None:
    summary = NestedSummary.read(nested / "study.json")
    assert {fold.normalised for fold in summary.folds} == {f"features are {USED}"}
    for page in (nested / "study.html", nested / "fold-0" / "study.html"):
        assert f"Features are {USED}." in page.read_text()


def test_that_normalisation_was_chosen_is_said(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, values = tmp_path / "study", ("--try", "train.normalise=none,speaker")
    asked = command(corpus, study, "--set", "train.epochs=1", *values)
    place = asked.index("--trials")
    del asked[place : place + 2]
    assert run(asked) == 0
    summary = TuneSummary.read(study / "tune.json")
    chosen = f"train.normalise={summary.chosen['train.normalise']} was chosen"
    assert summary.normalised == f"{chosen}; where it is speaker, features are {USED}"
    assert summary.normalised in capsys.readouterr().out


def test_settings_of_a_fold_name_the_command_that_tests_them(nested: Path) -> None:
    lines = (nested / "fold-1" / "best.toml").read_text().splitlines()
    (line,) = (each for each in lines if "emocli " in each)
    said, _, asked = line.partition(", tested by: emocli ")
    assert said == "# Settings of fold 1 of 3"
    assert run(shlex.split(asked)) == 0


def test_the_page_says_what_was_searched_on(corpus: toy.Toy, nested: Path) -> None:
    clips = f"toy.csv: {corpus.manifest.dataset}, {len(corpus.manifest.clips)} clips"
    for page, fold, seed in (("study.html", "", 0), ("fold-1/study.html", ", fold 1 of 3", 1)):
        text = (nested / page).read_text()
        for what in (
            f">{clips}{fold}<",
            "audio: mel, ",
            "late, preset plus",
            "train.normalise=speaker",
            ">0, 1<",
            f"tpe, seed {seed}<",
        ):
            assert what in text, what
