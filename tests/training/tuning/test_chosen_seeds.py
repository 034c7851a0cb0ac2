"""The chosen settings trained with seeds of their own, beside trials of one."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from emocli.errors import ConfigError
from emocli.limits import MOST_SEED
from emocli.models import rundir
from emocli.models.rundir import MODEL, read_config
from emocli.training.tuning.study import tune
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
    # Nor does another number of seeds stop it, and folders of others are left alone.
    own = study / "fold-0" / "final-mine"
    shutil.copytree(Path(several["folds"][0]["run"]), own)
    tuned([*arguments, "--chosen-seeds", "1"], capsys)
    tuned([*arguments, "--chosen-seeds", "3"], capsys)
    assert read_config(study / "chosen" / "fold-1").seeds == (0, 1, 2)
    back = tuned(arguments, capsys)
    assert (own / "config.json").is_file()
    assert [fold["run"] for fold in back["folds"]] == [fold["run"] for fold in one["folds"]]
    assert not list(study.rglob("final-0*/config.json"))
    assert [read_config(study / "chosen" / f"fold-{k}").seeds for k in range(3)] == [(0,)] * 3


def test_of_one_search_the_file_of_settings_says_so(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study"
    arguments = command(corpus, study, *spaced(*SPACE), "--chosen-seeds", "3", trials=1)
    assert Path(tuned(arguments, capsys)["run"]).name == "final-0000"
    text = (study / "best.toml").read_text()
    assert "--seeds 3 " in text
    trial = json.loads((study / "study.json").read_text())["best"]["valid"]
    assert f"accuracy {trial:.4f}, which flatters" in text  # what chose them, not the others
    page = (study / "study.html").read_text()
    assert re.search("seeds of a trial</[^>]*>[^>]*>0<", page)
    assert "0, 1, 2" in page


@pytest.mark.parametrize("number", [0, -1, 1.5, True, "2"])
def test_what_is_no_number_of_seeds_is_refused_before_anything(
    corpus: toy.Toy, tmp_path: Path, number: Any
) -> None:
    pytest.importorskip("optuna")
    study, where = tmp_path / "study", {"fusion": "late", "trials": 1, "settings": toy.QUICK}
    with pytest.raises(ConfigError, match=r"^chosen_seeds = .*; choose a whole number from 1 on$"):
        tune(corpus.manifest, corpus.store, study=study, chosen_seeds=number, **where)
    assert not study.exists()


def test_seeds_beyond_the_last_are_refused_before_anything(corpus: toy.Toy, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    settings = {"train": {**toy.QUICK["train"], "seed": MOST_SEED}}
    where = {"fusion": "late", "trials": 1, "settings": settings, "chosen_seeds": 2}
    with pytest.raises(ConfigError):
        tune(corpus.manifest, corpus.store, study=tmp_path / "study", **where)
    assert not (tmp_path / "study" / "trial-0000").exists()
