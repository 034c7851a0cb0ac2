"""What networks gain over a classical baseline, in the metrics of each task."""

from __future__ import annotations

import numpy as np
import pytest

from emocli.data.manifest import Task
from emocli.evaluation.condition import _gains
from emocli.evaluation.predictions import Predictions
from emocli.evaluation.report import GAINED
from emocli.metrics.metrics import score
from emocli.robust.repair import RepairConfig

CLASSES = ("a", "b", "c")
CLIPS = 60


def predictions(task: Task, noise: float) -> tuple[Predictions, np.ndarray]:
    """Networks of two seeds, and what a model predicts that is noisier than they are."""
    rng = np.random.default_rng(0)
    levels = rng.integers(-3, 4, (CLIPS, 3)).astype(float)
    shown = levels if task == "intensity" else (levels > 0).astype(float)
    likely = 0.5 + (shown - 0.5) * 0.6 if task != "intensity" else levels
    targets = shown.argmax(axis=1) if task == "single" else shown
    disturbed = [likely + n * rng.normal(size=likely.shape) for n in (0.2, 0.2, noise)]
    values = tuple(np.asarray(each, np.float32) for each in disturbed[:2])
    ids = tuple(map(str, range(CLIPS)))
    groups = {name: frozenset[str]() for name in ("corrupted", "flagged", "regenerated")}
    repair = RepairConfig()
    told = Predictions((), ids, targets, values, task, CLASSES, repair, **groups)  # type: ignore[arg-type]
    return told, disturbed[2]


@pytest.mark.parametrize("task", ["single", "multi", "intensity"])
def test_a_gain_is_the_difference_of_the_metrics_and_positive_where_the_network_is_better(
    task: Task,
) -> None:
    network, model = predictions(task, noise=2.0)
    groups = [f"speaker {k % 10}" for k in range(CLIPS)]
    gains = dict(_gains(network, model, groups))
    assert ("accuracy", *gains) == GAINED[task]
    theirs = score(task, network.targets, model, CLASSES).overall
    for name, gain in gains.items():
        ours = np.mean(
            [score(task, network.targets, v, CLASSES).overall[name] for v in network.values]
        )
        assert abs(gain.mean) == pytest.approx(abs(ours - theirs[name]))
        assert 0 < gain.ci[0] < gain.mean < gain.ci[1]
        assert gain.p < 0.05
