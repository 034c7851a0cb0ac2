"""Summaries of a study: trials, chosen settings, and cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from emocli import plugins
from emocli.config import Tree, read_toml
from emocli.data.json_io import OPTIONAL
from emocli.data.normalisation import USED, NormalisationSettings, normalisation_note
from emocli.data.record import JsonPath, Number, Record, Report
from emocli.space import Value
from emocli.version import version, versions

REPORT, GREEDY_REPORT = "study.json", "tune.json"
"""Files of a search, with folds or without, and of a greedy tuning."""

TrialOutcome = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class Trial(Record):
    """A trial that has ended: what it drew, its validation metric, and the epochs it took.

    ``error`` says why it failed; reports of former versions lack it.
    """

    number: int
    settings: dict[str, Value]
    state: TrialOutcome
    valid: float | None
    epochs: int
    seconds: float
    error: str | None = field(default=None, metadata=OPTIONAL)


def value_text(value: Value) -> str:
    """Write the value of a setting."""
    return f"{value:.4g}" if type(value) is float else str(value)


def settings_text(settings: Mapping[str, Value]) -> str:
    """Write what a trial drew in one line."""
    return " ".join(f"{name}={value_text(value)}" for name, value in settings.items())


def network_versions(fusion: str) -> dict[str, str]:
    """Return the versions of emocli, Python and the package that adds a network."""
    return versions(plugins.packages("fusion", fusion))


def normalised(train: NormalisationSettings, searched: Iterable[str]) -> str | None:
    """Say of which trials features are normalised by speaker; ``train`` is what was chosen."""
    if "train.normalise" in searched:
        chosen = f"train.normalise={train.normalise} was chosen"
        return f"{chosen}; where it is speaker, features are {USED}"
    return next(iter(normalisation_note(train)), None)


def best_of(trials: Iterable[Trial], lower: bool) -> Trial:
    """Return the trial that validates best; of equal ones the first.

    ``lower`` says whether less of the metric is better.
    """
    sign = -1 if lower else 1
    done = [trial for trial in trials if trial.valid is not None]
    return max(done, key=lambda trial: sign * (trial.valid or 0.0))


Rule = Literal["one-se", "best"]
"""How a trial is chosen: `emocli.training.tuning.chosen`."""


@dataclass(frozen=True, kw_only=True)
class Choice(Record):
    """What a search chose.

    Attributes
    ----------
    rule : {'one-se', 'best'}
        By the one-standard-error rule, or the trial that validates best.
    trial : int
        Its number.
    ahead : float, optional
        What the trial that validates best is ahead of the default by; None where ``rule`` is
        ``best``, the default is the best, or was not tried as a whole, or failed.
    standard_error : float, optional
        That of ``ahead``; None where there is none.
    reason : str, optional
        Why it is that trial.
    """

    rule: Rule
    trial: int
    ahead: Number | None = field(default=None, metadata=OPTIONAL)
    standard_error: Number | None = field(default=None, metadata=OPTIONAL)
    reason: str | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class Budget(Record):
    """The cost of a search: trials by how they ended, epochs of all, and seconds of computing.

    The chosen trial's last fit and baselines come on top.
    """

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
    """The summary of a search: its trials and the chosen settings.

    Attributes
    ----------
    study, run : Path
        Its folder, and the network of what was chosen.
    fusion, monitor, sampler : str
        The network, the validation metric that decides, and what drew.
    space : mapping
        Setting to its range.
    trials : tuple of Trial
        All.
    best : Trial
        The one that validates best; its metric flatters, for it is the best of all.
    chosen : mapping
        The settings of the trial that was chosen.
    importances : mapping
        Setting to the share of the metric's variance over trials that it explains.
    budget : Budget
        What was spent.
    config : Path
        All settings, for ``--config``.
    normalised : str, optional
        Of which trials features are normalised by speaker, and with what; of none where it lacks.
    choice : Choice, optional
        Which trial was chosen, and why; reports of former versions lack it and chose the best.
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
    normalised: str | None = field(default=None, metadata=OPTIONAL)
    choice: Choice | None = field(default=None, metadata=OPTIONAL)

    @property
    def chosen_trial(self) -> Trial:
        """The trial that was chosen."""
        if self.choice is None:
            return self.best
        return next(trial for trial in self.trials if trial.number == self.choice.trial)

    @property
    def reason(self) -> str | None:
        """Why it was chosen; reports of former versions do not say it."""
        return None if self.choice is None else self.choice.reason

    @property
    def flatters(self) -> bool:
        """Whether the metric of the chosen trial flatters, which it does if it is the best."""
        return self.chosen_trial == self.best

    @property
    def settings(self) -> Tree:
        """The fixed and the chosen settings, as ``settings`` of `emocli.train` are written.

        Raises
        ------
        ConfigError
            If the file at ``config`` is gone, or no longer TOML.
        """
        return read_toml(self.config)


@dataclass(frozen=True, kw_only=True)
class _OnValid(Report):
    """Base of the report of what the valid split decided."""

    split: str = "valid"


@dataclass(frozen=True, kw_only=True)
class SearchReport(SearchSummary, _OnValid):
    """The report of a search: its summary, the split that decided, and what made it.

    ``emocli`` is the version that wrote it, ``versions`` are `network_versions`.
    """

    emocli: str | None = field(default=None, metadata=OPTIONAL)
    versions: Mapping[str, str] | None = field(default=None, metadata=OPTIONAL)

    @classmethod
    def of(cls, summary: SearchSummary) -> SearchReport:
        """Return the report of a summary."""
        packages = network_versions(summary.fusion)
        return cls(format=cls.FORMAT, emocli=version(), versions=packages, **vars(summary))


@dataclass(frozen=True, kw_only=True)
class NestedSummary(Report):
    """The searches of all folds; ``run`` is the cross-validation of what they chose.

    ``emocli`` is the version that wrote it, ``versions`` are `network_versions`.
    """

    study: JsonPath
    run: JsonPath
    monitor: str
    folds: tuple[SearchSummary, ...]
    budget: Budget
    emocli: str | None = field(default=None, metadata=OPTIONAL)
    versions: Mapping[str, str] | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True, kw_only=True)
class TriedValue(Record):
    """A value, and what the validation split says of it: mean over the seeds, and their spread."""

    setting: str
    value: str
    run: str
    parameters: int
    valid: Number
    valid_std: Number
    chosen: bool = False


@dataclass(frozen=True, kw_only=True)
class TuneSummary(Report):
    """The summary of a greedy tuning: trials and chosen settings.

    Attributes
    ----------
    split : str
        The clips that decide: ``valid``.
    study : str
        Folder of the trainings and of the report.
    fusion, monitor : str
        The network, and the validation metric that decides.
    trials : tuple of TriedValue
        In the order of the command; of each setting one is chosen.
    chosen : mapping
        Setting to value.
    run : str
        The run that has all that was chosen.
    valid : float
        Its validation metric, by which it was chosen: it flatters.
    normalised : str, optional
        As of `SearchSummary`.
    emocli : str, optional
        Version that wrote it.
    versions : mapping, optional
        `network_versions`.
    """

    split: str = "valid"
    study: str
    fusion: str
    monitor: str
    trials: tuple[TriedValue, ...]
    chosen: Mapping[str, str]
    run: str
    valid: Number
    normalised: str | None = field(default=None, metadata=OPTIONAL)
    emocli: str | None = field(default=None, metadata=OPTIONAL)
    versions: Mapping[str, str] | None = field(default=None, metadata=OPTIONAL)
