"""A run that is evaluated in many ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emocli.config import merge
from emocli.evaluation.evaluate import Evaluation, evaluate
from tests import toy

SETTINGS = merge(toy.QUICK, {"train": {"epochs": 20, "patience": 20, "lr": 0.02}})
SIZES = {"train": 60, "valid": 30, "test": 45}


def report(run: Path, **options: Any) -> Evaluation:
    return evaluate(run, **{"figures": False, **options})


def corpus() -> Any:
    """Return a fixture: its corpus."""
    return toy.fixture(sizes=SIZES)


def single() -> Any:
    """Return a fixture: the run, of one seed."""

    @pytest.fixture(scope="module", name="single")
    def run(corpus: toy.Toy) -> Path:
        return corpus.trained("one", settings=SETTINGS)

    return run
