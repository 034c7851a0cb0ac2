"""Quick trainings of a toy corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emocli.config import merge
from emocli.training.summaries import TrainSummary
from emocli.training.train import train
from tests import toy


def quick(corpus: toy.Toy, run: Path, **options: Any) -> TrainSummary:
    settings = merge(toy.QUICK, options.pop("settings", {}))
    options = {"fusion": "late", "settings": settings, "baselines": False} | options
    return train(corpus.manifest, corpus.store, run=run, **options)


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def finished() -> Any:
    """Return a fixture: a run nobody writes to."""

    @pytest.fixture(scope="module", name="finished")
    def trained(corpus: toy.Toy, tmp_path_factory: pytest.TempPathFactory) -> TrainSummary:
        return quick(corpus, tmp_path_factory.mktemp("runs") / "run")

    return trained
