"""The command of a search on a small corpus, and what it prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emocli.cli.app import run
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
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found
