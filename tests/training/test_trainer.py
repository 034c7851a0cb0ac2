"""The loop that every training goes through, on a task that only counts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from emocli.errors import RunError
from emocli.models.rundir import EpochMetrics, read_history
from emocli.training.compute import make_fabric
from emocli.training.schedule import Criterion, Schedule
from emocli.training.trainer import Trainer, finite_loss


class Counting:
    """Adds one to a parameter in every epoch; the third is the best."""

    def __init__(self) -> None:
        self.network = self.kept = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.zeros_(self.network.weight)
        self.optimizer = torch.optim.SGD(self.network.parameters())
        self.fabric = make_fabric("cpu", "32-true")
        self.rates: list[float] = []

    def epoch(self, number: int, lr: float) -> EpochMetrics:
        with torch.no_grad():
            self.network.weight += 1
        self.rates.append(lr)
        return {"epoch": number, "score": -abs(number - 3.0)}


def trainer(run: Path, pause: float = 0.0, plateau: int = 0) -> Trainer:
    return Trainer(run, Schedule(Criterion("score"), 1.0, 20, 4, plateau), 0, pause)


def test_it_stops_after_patience_and_keeps_the_best(tmp_path: Path) -> None:
    told: list[int] = []
    fitted = trainer(tmp_path).fit(Counting(), told.append)
    assert told == [1, 2, 3, 4, 5, 6, 7]
    assert fitted.state["weight"].item() == 3
    assert read_history(tmp_path) == fitted.history


def test_the_learning_rate_follows_from_the_history(tmp_path: Path) -> None:
    task = Counting()
    trainer(tmp_path, plateau=2).fit(task)
    assert task.rates == [1, 1, 1, 1, 1, 0.5, 0.5]


@pytest.mark.parametrize("pause", [0.0, 1e9])
def test_killed_it_goes_on_from_the_last_checkpoint(tmp_path: Path, pause: float) -> None:
    def dies(done: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path, pause).fit(Counting(), dies)
    told: list[int] = []
    fitted = trainer(tmp_path).fit(Counting(), told.append)
    assert fitted.resumed == (0 if pause else 5)
    assert told == ([1, 2, 3, 4, 5, 6, 7] if pause else [5, 6, 7])
    assert fitted.state["weight"].item() == 3


def test_a_loss_that_is_not_finite_names_the_settings_to_blame() -> None:
    assert finite_loss(torch.tensor(0.5), 1, 0.1, None) == 0.5
    nan = torch.tensor(float("nan"))
    with pytest.raises(RunError, match=r"^the loss is .* \(nan\) in epoch 2; .*0\.1\) and train"):
        finite_loss(nan, 2, 0.1, None)
    with pytest.raises(RunError, match=r"validation loss .* or train\.clip \(now 3\) and train"):
        finite_loss(nan, 2, 0.1, 3.0, "validation ")
