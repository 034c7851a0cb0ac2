"""The chosen settings trained with seeds of their own, beside trials of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from emocli.models import rundir
from emocli.models.rundir import MODEL, read_config
from tests import toy
from tests.training.tuning.searches import SPACE, command, spaced, tuned

corpus = toy.fixture(sizes={"train": 24, "valid": 18, "test": 12})


def test_what_every_fold_chose_is_trained_with_several_seeds_and_back(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study"
    arguments = command(corpus, study, *spaced(*SPACE), "--folds", "3", trials=2)
    one = tuned(arguments, capsys)
    single = [(Path(fold["run"]) / MODEL).read_bytes() for fold in one["folds"]]
    several = tuned([*arguments, "--chosen-seeds", "2"], capsys)
    assert [fold["trials"] for fold in several["folds"]] == [
        fold["trials"] for fold in one["folds"]
    ]
    for index, fold in enumerate(several["folds"]):
        number = fold["best"]["number"]
        final, chosen = Path(fold["run"]), study / "chosen" / f"fold-{index}"
        assert final.name == f"final-{number:04d}"
        assert read_config(chosen).seeds == (0, 1)
        assert not (chosen / MODEL).exists()
        for each in rundir.members(chosen, (0, 1)):
            assert (each / MODEL).read_bytes() == (final / each.name / MODEL).read_bytes()
        # The first seed is that of the trial, so it is the same training.
        assert (final / "seed-0" / MODEL).read_bytes() == single[index]
        assert (final / "seed-1" / MODEL).read_bytes() != single[index]
    back = tuned(arguments, capsys)
    assert [fold["run"] for fold in back["folds"]] == [fold["run"] for fold in one["folds"]]
    assert not list(study.rglob("final-*/config.json"))
    assert [read_config(study / "chosen" / f"fold-{k}").seeds for k in range(3)] == [(0,)] * 3


def test_of_one_search_the_file_of_settings_says_so(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study"
    arguments = command(corpus, study, *spaced(*SPACE), "--chosen-seeds", "3", trials=1)
    assert Path(tuned(arguments, capsys)["run"]).name == "final-0000"
    assert "--seeds 3 " in (study / "best.toml").read_text()
