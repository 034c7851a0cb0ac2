"""The training loop: plain, deterministic on a CPU, and resumable after any epoch.

What an epoch does depends on the seed, its number and the parameters it starts from, and nothing
else: the order of the clips and dropout are drawn anew from (seed, epoch), and the learning rate
and the end follow from the history. So a training that was killed and resumed ends with the same
parameters, bit by bit, as one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from torch import Tensor

from emocli.errors import RunError
from emocli.models import rundir
from emocli.models.rundir import CHECKPOINT, LAST, EpochMetrics
from emocli.training.checkpoint import Checkpoint, Resumable, Tensors, parameters, restore
from emocli.training.compute import deterministic_torch
from emocli.training.schedule import Repetition, Schedule

State = Literal["trained", "resumed", "already trained"]
"""What a command did about a training."""


Watch = Callable[[Sequence[EpochMetrics]], None]
"""Told the history after every epoch."""


class TrainingTask(Resumable, Protocol):
    """Something that is learnt, epoch by epoch."""

    def epoch(self, number: int, lr: float) -> EpochMetrics:
        """Train for one epoch, from 1, with a learning rate, and validate; return its history.

        Raises
        ------
        RunError
            If a loss is not finite.
        """
        ...


@dataclass(frozen=True)
class Fitted:
    """The outcome of a training.

    Attributes
    ----------
    state : mapping
        The parameters that are kept.
    history : list
        A row per epoch.
    resumed : int
        Epochs that an earlier process had done.
    """

    state: Tensors
    history: list[EpochMetrics]
    resumed: int


@dataclass(frozen=True)
class Trainer:
    """The loop that every training goes through.

    Attributes
    ----------
    run : Path
        Folder of the checkpoint and the history.
    schedule : Schedule
        How long, and how fast.
    threads : int
        Of the CPU; 0 leaves the choice to PyTorch.
    pause : float
        Seconds between checkpoints at least; with 0 there is one after every epoch.
    """

    run: Path
    schedule: Schedule | Repetition
    threads: int
    pause: float = 0.0

    def fit(
        self,
        task: TrainingTask,
        ended: Callable[[int], None] = lambda epochs: None,
        watch: Watch = lambda history: None,
    ) -> Fitted:
        """Train from the checkpoint on, if there is one.

        ``ended`` is told the epochs done, and ``watch``, which may raise to end it, the history.

        Raises
        ------
        RunError
            If a loss is not finite, or the checkpoint is damaged or that of another network.
        """
        schedule, path = self.schedule, self.run / CHECKPOINT / LAST
        history, best = restore(task, path, schedule.criterion.columns)
        resumed, saved = len(history), time.monotonic()
        if resumed:
            ended(resumed)
            watch(history)
        with deterministic_torch(self.threads):
            while not schedule.over(history):
                history.append(task.epoch(len(history) + 1, schedule.learning_rate(history)))
                if schedule.kept_epoch(history) == len(history):
                    best = parameters(task)
                if schedule.over(history) or time.monotonic() - saved >= self.pause:
                    Checkpoint.of(task, history, best).save(path)
                    rundir.write_history(self.run, history)
                    saved = time.monotonic()
                ended(len(history))
                watch(history)
        # Once more: a kill may have come between the last checkpoint and its history.
        rundir.write_history(self.run, history)
        return Fitted(best, history, resumed)


def finite_loss(loss: Tensor, epoch: int, lr: float, clip: float | None, kind: str = "") -> float:
    """Return a loss as a number.

    Parameters
    ----------
    loss : Tensor, shape ()
        The loss.
    epoch : int
        When it was computed.
    lr, clip : float
        The settings that may be to blame; no clip where there is no such setting.
    kind : str
        Which loss, with a space behind.

    Raises
    ------
    RunError
        If it is not finite.
    """
    value = float(loss.detach())
    if math.isfinite(value):
        return value
    clipped = "" if clip is None else f" or train.clip (now {clip:g})"
    raise RunError(
        f"the {kind}loss is not finite ({value}) in epoch {epoch}",
        hint=f"choose a smaller train.lr (now {lr:g}){clipped} and train again with --overwrite",
    )
