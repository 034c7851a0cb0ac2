"""The command of a search on a small corpus, what it prints, and summaries without a search."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emocli.cli.app import run
from emocli.training.tuning.study_summary import (
    Budget,
    NestedSummary,
    SearchSummary,
    Trial,
    TriedValue,
    TuneSummary,
)
from tests import toy

QUICK = (
    "train.epochs=3",
    "train.patience=3",
    "train.batch_size=12",
    "train.accelerator=cpu",
    "train.threads=1",
    "train.refit=false",
    "train.functionals=none",
)
SPACE = ("network.hidden=2..8", "train.lr=1e-4..1e-1:log", "network.dropout=0.0,0.5")

TRIAL = Trial(0, {"train.lr": 0.01, "network.gate": None}, "complete", 0.5, 3, 1.0)
SEARCH = SearchSummary(
    study=Path("study"),
    run=Path("study/trial-0000"),
    fusion="late",
    monitor="accuracy",
    sampler="tpe",
    space={"train.lr": "0.01..0.1"},
    trials=(TRIAL, Trial(1, {"train.lr": 0.1}, "failed", None, 0, 0.5)),
    best=TRIAL,
    chosen=TRIAL.settings,
    importances={"train.lr": float("nan")},
    budget=Budget.of([TRIAL]),
    config=Path("study/best.toml"),
)
NESTED = NestedSummary(
    format=NestedSummary.FORMAT,
    study=Path("study"),
    run=Path("study/chosen"),
    monitor="accuracy",
    folds=(SEARCH,),
    budget=SEARCH.budget,
)
TRIED = TriedValue(
    setting="train.lr",
    value="0.1",
    run="study/1-train.lr-0.1",
    parameters=4,
    valid=0.5,
    valid_std=float("nan"),
    chosen=True,
)
TUNED = TuneSummary(
    format=TuneSummary.FORMAT,
    study="study",
    fusion="late",
    monitor="accuracy",
    trials=(TRIED,),
    chosen={"train.lr": "0.1"},
    run=TRIED.run,
    valid=0.5,
)


def command(made: toy.Toy, study: Path, *options: str, trials: int = 6) -> list[str]:
    pairs = [part for pair in QUICK for part in ("--set", pair)]
    where = ["--store", str(made.store), "--study", str(study), "--trials", str(trials)]
    return ["tune", str(made.manifest.path), "--fusion", "late", *where, *pairs, *options]


def spaced(*ranges: str) -> list[str]:
    return [part for each in ranges for part in ("--space", each)]


def tuned(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    pytest.importorskip("optuna")
    capsys.readouterr()
    assert run([*arguments, "--json"]) == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result
