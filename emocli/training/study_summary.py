"""Summaries of a study: what was tried and chosen, and what that took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emocli.space import Value
from emocli.training.search import Trial


@dataclass(frozen=True)
class Budget:
    """The cost of a search: trials by how they ended, epochs of all, and seconds of computing."""

    complete: int
    pruned: int
    failed: int
    epochs: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.complete} trials complete, {self.pruned} pruned, {self.failed} failed; "
            f"{self.epochs} epochs, {self.seconds:.0f} s of computing"
        )

    @classmethod
    def of(cls, trials: Sequence[Trial]) -> Budget:
        """Add up trials."""
        states = [trial.state for trial in trials]
        return cls(
            states.count("complete"),
            states.count("pruned"),
            states.count("failed"),
            sum(trial.epochs for trial in trials),
            sum(trial.seconds for trial in trials),
        )


@dataclass(frozen=True)
class SearchSummary:
    """The summary of a search: what it tried, and what it chose.

    Attributes
    ----------
    study, run : Path
        Its folder, and the best trial's network.
    fusion, monitor, sampler : str
        The network, the validation metric that decides, and what drew.
    space : mapping
        Setting to its range.
    trials : tuple of Trial
        All.
    best : Trial
        The one that validates best; its metric flatters, for it was chosen by it.
    chosen : mapping
        Its settings.
    importances : mapping
        Setting to the share of the metric's variance over trials that it explains.
    budget : Budget
        What was spent.
    config : Path
        All settings, for ``--config``.
    """

    study: Path
    run: Path
    fusion: str
    monitor: str
    sampler: str
    space: Mapping[str, str]
    trials: tuple[Trial, ...]
    best: Trial
    chosen: Mapping[str, Value]
    importances: Mapping[str, float]
    budget: Budget
    config: Path


@dataclass(frozen=True)
class NestedSummary:
    """The searches of all folds; ``run`` is the cross-validation of what they chose."""

    study: Path
    run: Path
    monitor: str
    folds: tuple[SearchSummary, ...]
    budget: Budget
