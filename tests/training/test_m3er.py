"""M3ER through training and evaluation: it learns what its logits stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emocli.errors import ConfigError
from emocli.evaluation.evaluate import evaluate
from emocli.models import rundir
from emocli.training.train import train
from tests import toy

SETTINGS: dict[str, Any] = {
    "network": {"hidden": 6, "memory": 8, "nn1": 16, "nn2": 8, "gamma1": 8, "gamma2": 8, "out": 8},
    "train": {
        "epochs": 8,
        "patience": 8,
        "lr": 0.02,
        "batch_size": 8,
        "accelerator": "cpu",
        "functionals": "none",
    },
}


@pytest.mark.parametrize("task", ["single", "multi", "intensity"])
def test_it_trains_and_evaluates_on_every_task(task: Any, tmp_path: Path) -> None:
    corpus = toy.build(tmp_path, task, noise=0.1)
    trained = corpus.trained(fusion="m3er", settings=SETTINGS)
    assert rundir.load(trained).network.task == task
    evaluation = evaluate(trained, figures=False).data
    assert evaluation["accuracy"] > 0.6


def test_settings_that_make_no_sense_for_the_task_are_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    corpus = toy.build(tmp_path, "intensity")
    settings = {"network": {"boosted": True}}
    with pytest.raises(ConfigError, match="boosted"):
        train(corpus.manifest, corpus.store, fusion="m3er", run=tmp_path / "run", settings=settings)
    assert not (tmp_path / "run").exists()
