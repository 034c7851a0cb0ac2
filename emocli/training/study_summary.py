"""Summaries of a study: what was tried and chosen, and what that took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emocli.data.record import JsonPath, Number, Record, Report
from emocli.space import Value
from emocli.training.search import Trial


@dataclass(frozen=True)
class Budget(Record):
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


@dataclass(frozen=True, kw_only=True)
class SearchSummary(Record):
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

    study: JsonPath
    run: JsonPath
    fusion: str
    monitor: str
    sampler: str
    space: Mapping[str, str]
    trials: tuple[Trial, ...]
    best: Trial
    chosen: Mapping[str, Value]
    importances: Mapping[str, Number]
    budget: Budget
    config: JsonPath


@dataclass(frozen=True, kw_only=True)
class _OnValid(Report):
    """Base of the report of what the valid split decided."""

    split: str = "valid"


@dataclass(frozen=True, kw_only=True)
class SearchReport(SearchSummary, _OnValid):
    """The report of a search: its summary, and the split that decided."""

    @classmethod
    def of(cls, summary: SearchSummary) -> SearchReport:
        """Return the report of a summary."""
        return cls(format=cls.FORMAT, **vars(summary))


@dataclass(frozen=True, kw_only=True)
class NestedSummary(Report):
    """The searches of all folds; ``run`` is the cross-validation of what they chose."""

    study: JsonPath
    run: JsonPath
    monitor: str
    folds: tuple[SearchSummary, ...]
    budget: Budget
