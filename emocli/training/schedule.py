"""Which epoch is kept, when a training ends and its learning rate: they follow from its history.

Nothing else decides them, so a training that was resumed goes on as one that was not interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from emocli.models.rundir import EpochMetrics
from emocli.models.settings import TrainConfig

FACTOR = 0.5
"""What a plateau multiplies the learning rate by."""


@dataclass(frozen=True)
class Criterion:
    """The order of epochs, from which the best one follows.

    Fusion networks break ties by the validation loss; encoders, whose histories have none, take the
    first of equal epochs. Among epochs that are equal in both, the first is the best.

    Attributes
    ----------
    column : str
        The column of the history that decides. A value that is not a number is worse than any.
    lower : bool
        Whether less of it is better.
    tie : str
        Column of a loss, of which less is better, that decides among equals; or none.
    """

    column: str
    lower: bool = False
    tie: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns a history needs."""
        return (self.column, self.tie) if self.tie else (self.column,)

    def score(self, row: EpochMetrics) -> tuple[float, float]:
        """Return what epochs are ordered by; more is better."""
        value = -row[self.column] if self.lower else row[self.column]
        return -math.inf if math.isnan(value) else value, -row[self.tie] if self.tie else 0.0

    def best_epoch(self, history: Sequence[EpochMetrics]) -> int:
        """Return the number of the best epoch; 0 before the first."""
        scores = [self.score(row) for row in history]
        return 1 + scores.index(max(scores)) if scores else 0


@dataclass(frozen=True)
class Schedule:
    """The schedule of a training: how long it goes on, and how fast it learns.

    Attributes
    ----------
    criterion : Criterion
        Tells progress.
    lr : float
        The learning rate at first.
    epochs, patience : int
        At most so many epochs; fewer once ``patience`` in a row were not better than the best,
        which is kept. With a patience of 0 there are as many, and the last is kept.
    plateau : int
        So many epochs in a row without progress halve the learning rate; 0: it stays.
    """

    criterion: Criterion
    lr: float
    epochs: int
    patience: int
    plateau: int = 0

    def kept_epoch(self, history: Sequence[EpochMetrics]) -> int:
        """Return the number of the epoch whose parameters are kept; 0 before the first."""
        return self.criterion.best_epoch(history) if self.patience else len(history)

    def over(self, history: Sequence[EpochMetrics]) -> bool:
        """Whether the training has come to its end."""
        waited = len(history) - self.kept_epoch(history)
        return len(history) >= self.epochs or 0 < self.patience <= waited

    def learning_rate(self, history: Sequence[EpochMetrics]) -> float:
        """Return the learning rate of the next epoch."""
        rate, best, waited = self.lr, (-math.inf, -math.inf), 0
        for row in history if self.plateau else ():
            score = self.criterion.score(row)
            waited = 0 if score > best else waited + 1
            best = max(best, score)
            if waited == self.plateau:
                rate, waited = rate * FACTOR, 0
        return rate


@dataclass(frozen=True)
class Repetition:
    """The epochs of a training that is done again without anything to validate it by.

    Attributes
    ----------
    rates : tuple of float
        Learning rate of each.
    """

    rates: tuple[float, ...]

    @property
    def criterion(self) -> Criterion:
        """The number of the epoch: that of the last one is the highest."""
        return Criterion("epoch")

    def kept_epoch(self, history: Sequence[EpochMetrics]) -> int:
        """Return the number of the last epoch."""
        return len(history)

    def over(self, history: Sequence[EpochMetrics]) -> bool:
        """Whether all epochs are done."""
        return len(history) >= len(self.rates)

    def learning_rate(self, history: Sequence[EpochMetrics]) -> float:
        """Return the learning rate of the next epoch."""
        return self.rates[len(history)]


def lr_factor(epochs: float, config: TrainConfig) -> float:
    """Return the share of the learning rate that is used after so many epochs and parts of one."""
    cold = config.warmup * config.epochs
    warmth = min(1.0, epochs / cold) if cold else 1.0
    if config.scheduler != "cosine":
        return warmth
    return warmth * (1 + math.cos(math.pi * epochs / config.epochs)) / 2


def linear_factor(share: float, warmup: float) -> float:
    """Return the share of the learning rate after a share of the training.

    It rises from 0 to 1 in the share ``warmup`` and falls back to 0 in the rest, both linearly.
    """
    return share / warmup if share < warmup else (1 - share) / (1 - warmup)
