"""What the trainings of encoders share: the folder, the epochs, and which of them is the best."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from emocli.errors import RunError
from emocli.models.rundir import (
    CHECKPOINT,
    CONFIG,
    LAST,
    MODEL,
    Row,
    begun,
    finished,
    require_empty,
)
from emocli.training.checkpoint import Checkpoint, Tensors

State = Literal["trained", "resumed", "already trained"]


class Learner(Protocol):
    """An encoder that learns, epoch by epoch."""

    def epoch(self, number: int) -> Row:
        """Train for one epoch and validate."""
        ...

    def parameters(self) -> Tensors:
        """Copy what is to be kept of the best epoch."""
        ...

    def checkpoint(self, history: list[Row], best: Tensors) -> Checkpoint:
        """Take down where the training stands."""
        ...

    def restore(self, path: Path, needed: Sequence[str] = ()) -> tuple[list[Row], Tensors]:
        """Go back to where a training stood."""
        ...


def fit(
    learner: Learner,
    folder: Path,
    monitor: str,
    epochs: int,
    patience: int,
    ended: Callable[[int], None],
) -> tuple[list[Row], Tensors]:
    """Train from the folder's checkpoint on; return the history and the best parameters.

    Parameters
    ----------
    learner : Learner
        What is trained.
    folder : Path
        Where its checkpoint is.
    monitor : str
        The figure of the history, the higher the better, by which the best epoch is chosen.
    epochs, patience : int
        At most so many; fewer once ``patience`` in a row were not better.
    ended : callable
        Told the epochs done.
    """
    checkpoint = folder / CHECKPOINT / LAST
    history, best = learner.restore(checkpoint, (monitor,))
    ended(len(history))
    while len(history) < epochs and len(history) - best_epoch(history, monitor) < patience:
        history.append(learner.epoch(len(history) + 1))
        if best_epoch(history, monitor) == len(history):
            best = learner.parameters()
        learner.checkpoint(history, best).save(checkpoint)
        ended(len(history))
    return history, best


def best_epoch(history: Sequence[Row], monitor: str) -> int:
    """Return the number of the best epoch, the first of equals; 0 before the first."""
    figures = [row[monitor] for row in history]
    return 1 + figures.index(max(figures)) if figures else 0


def state(folder: Path) -> State:
    """Tell what a training in the folder is going to be."""
    if finished(folder):
        return "already trained"
    return "resumed" if (folder / CHECKPOINT / LAST).is_file() else "trained"


@dataclass(frozen=True)
class Place:
    """The folder an encoder is to be trained in.

    Attributes
    ----------
    run : Path
        The folder.
    what, data : str
        What the encoder is called, and what it learns from.
    same : callable
        Whether the encoder that is there has the settings and data of the new one.
    overwrite : bool
        Whether another one, or one that is finished, may be removed.
    parts : str
        Pattern of folders inside that go with it.
    """

    run: Path
    what: str
    data: str
    same: Callable[[], bool]
    overwrite: bool
    parts: str = ""

    def stays(self) -> bool:
        """Tell whether what is in the folder stays; changes nothing.

        Raises
        ------
        RunError
            If it holds something else, or what may not be replaced.
        """
        run = self.run
        if not (run / CONFIG).is_file():
            require_empty(run, self.what)
            return False
        stays = self.same()
        if not stays and not self.overwrite and self._begun():
            hint = "choose another --run, or replace it with --overwrite"
            raise RunError(f"was trained with other settings or {self.data}", where=run, hint=hint)
        return stays and not (self.overwrite and finished(run))

    def cleared(self) -> bool:
        """Remove what does not stay; tell whether it stays, errors as `stays`."""
        stays = self.stays()
        if not stays:
            (self.run / MODEL).unlink(missing_ok=True)
            for folder in [*self._parts(), self.run / CHECKPOINT]:
                shutil.rmtree(folder, ignore_errors=True)
        return stays

    def _parts(self) -> list[Path]:
        return list(self.run.glob(self.parts)) if self.parts else []

    def _begun(self) -> bool:
        return any(begun(folder) for folder in [self.run, *self._parts()])
