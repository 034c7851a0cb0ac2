"""The last fit of a search (``train.refit``): the chosen trial's alone, resumable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emocli.config import merge, read_toml
from emocli.models import calibration
from emocli.models.rundir import CARD, HISTORY, MODEL, REFIT, read_config
from emocli.space import Whole
from emocli.training import jobs
from emocli.training.fusion_task import FusionTask
from emocli.training.train import TrainRequest
from emocli.training.tuning import study
from emocli.training.tuning.greedy import Candidates, Study
from emocli.training.tuning.search import Search
from emocli.training.tuning.study_summary import SearchSummary
from tests import toy
from tests.interrupt import interrupted

pytestmark = pytest.mark.usefixtures("undrawn")

REFITTED = merge(toy.QUICK, {"train": {"refit": True, "epochs": 3}})

corpus = toy.fixture(noise=1.5)


def counted(patch: pytest.MonkeyPatch) -> Counter[str]:
    """Count last fits, their epochs, and the epochs of the others."""
    counts: Counter[str] = Counter()

    def count(owner: Any, name: str, key: Callable[..., str]) -> None:
        own = getattr(owner, name)

        def call(*arguments: Any) -> Any:
            counts[key(*arguments)] += 1
            return own(*arguments)

        patch.setattr(owner, name, call)

    count(jobs, "refit_network", lambda *a: "last fits")
    count(FusionTask, "epoch", lambda task, *a: "epochs" if task.valid else "last epochs")
    return counts


def searched(corpus: toy.Toy, folder: Path) -> SearchSummary:
    pytest.importorskip("optuna")
    base = corpus.request(folder, settings=REFITTED)
    space = {"network.hidden": Whole(2, 8), "train.patience": Whole(1, 4)}
    return study.carry_out(Search(base, space, trials=2), 1, lambda done, total: None)


@pytest.fixture(scope="module")
def whole(
    corpus: toy.Toy, tmp_path_factory: pytest.TempPathFactory
) -> tuple[SearchSummary, Counter[str]]:
    """A search in one go, and what it counted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "drawings", lambda *shown: {})
        patch.setattr(study, "blocks", lambda *shown: ())
        counts = counted(patch)
        return searched(corpus, tmp_path_factory.mktemp("study") / "whole"), counts


def test_it_is_given_to_the_best_trial_alone(
    corpus: toy.Toy, tmp_path: Path, whole: tuple[SearchSummary, Counter[str]]
) -> None:
    found, fits = whole
    assert (found.budget.complete, fits["last fits"]) == (2, 1)
    assert found.budget.epochs == fits["epochs"]
    assert 0 < fits["last epochs"] <= found.best.epochs
    assert read_config(found.run).train.refit
    # A plain training by the file of settings is the same, file by file.
    tree = read_toml(found.config)
    assert tree["train"]["refit"] is True
    plain = corpus.request(tmp_path / "plain", settings=tree).train().run
    for name in (MODEL, HISTORY, calibration.FILE):
        assert (found.run / name).read_bytes() == (plain / name).read_bytes()


def test_killed_in_it_the_search_goes_on_as_does_one_whose_trials_each_had_one(
    corpus: toy.Toy,
    tmp_path: Path,
    whole: tuple[SearchSummary, Counter[str]],
    monkeypatch: pytest.MonkeyPatch,
    checkpoints: None,
) -> None:
    found, parts = whole[0], tmp_path / "parts"
    first, second = (trial.epochs for trial in found.trials)
    own = Search.request

    def former(search: Search, *drawn: Any) -> TrainRequest:
        return replace(own(search, *drawn), last_fit=True)

    with monkeypatch.context() as before:
        before.setattr(Search, "request", former)
        with interrupted(before, FusionTask, "epoch", first + 2), pytest.raises(KeyboardInterrupt):
            searched(corpus, parts)
    assert (parts / "trial-0000" / REFIT).exists()
    with (
        interrupted(monkeypatch, FusionTask, "epoch", second + 1),
        pytest.raises(KeyboardInterrupt),
    ):
        searched(corpus, parts)
    assert not list(parts.rglob(MODEL))
    again = searched(corpus, parts)
    assert [replace(t, seconds=0) for t in again.trials] == [
        replace(t, seconds=0) for t in found.trials
    ]
    assert (again.run / MODEL).read_bytes() == (found.run / MODEL).read_bytes()


def test_of_tried_values_only_what_was_chosen_last_is_given_one(
    corpus: toy.Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = counted(monkeypatch)
    base = corpus.request(tmp_path / "study", settings=REFITTED, seeds=2)
    found = Study(base, [Candidates.parse("train.patience=1,4")]).tune()
    runs = {Path(trial.run) for trial in found.trials}
    assert (len(runs), fits["last fits"]) == (2, 2)
    assert [run for run in runs if list(run.rglob(MODEL))] == [Path(found.run)]
    assert [run for run in runs if (run / CARD).is_file()] == [Path(found.run)]
