"""Systems: rows of a table with their settings resolved, and the interface of every kind of row."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from emocli.config import Tree, merge, subsection
from emocli.data.manifest import Manifest
from emocli.data.pool import Pool, Say
from emocli.errors import EmocliError
from emocli.evaluation.comparison import PerClip
from emocli.experiments.config import ReproduceConfig
from emocli.experiments.plan import PlannedRow
from emocli.experiments.report import RowCondition, RowReport
from emocli.models import rundir
from emocli.plugin.experiment import Row
from emocli.report.canvas import SCREEN, Style


def slug(name: str) -> str:
    """Write a name with nothing but small letters, digits, dots and hyphens."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")


@dataclass(frozen=True)
class Inputs:
    """The inputs of rows: what they are trained and tested on.

    Attributes
    ----------
    config : ReproduceConfig
        How often, and with which features.
    corpora : tuple of Manifest
        The corpus, folded; or as it is.
    store : Path
        Folder of the features.
    """

    config: ReproduceConfig
    corpora: tuple[Manifest, ...]
    store: Path

    def folders(self, parent: Path, name: str) -> list[Path]:
        """Return the folder of each fold, of a row."""
        row = parent / name
        return rundir.fold_folders(row, self.config.folds) if self.config.folds else [row]


@dataclass(frozen=True)
class RowContext:
    """The context that the rows of an experiment share while they are trained and tested.

    Attributes
    ----------
    inputs : Inputs
        Corpus, features and settings of the experiment.
    out : Path
        Folder of the results.
    metric : str
        The metric that rows are compared by.
    pool : Pool
        Processes that compute.
    overwrite : bool
        Whether rows are trained again whose settings or inputs have changed.
    say : callable
        Told the name of each step.
    style : Style
        The figures' look.
    """

    inputs: Inputs
    out: Path
    metric: str
    pool: Pool
    overwrite: bool
    say: Say
    style: Style = SCREEN

    @property
    def runs(self) -> Path:
        """Folder of all that is trained."""
        return self.out / "runs"


@dataclass(frozen=True)
class ConditionResult:
    """The result of a row under a condition.

    Attributes
    ----------
    report : RowCondition
        What the report says of it.
    clips : PerClip, optional
        What each clip adds, if rows are compared under it.
    """

    report: RowCondition
    clips: PerClip | None = None

    @property
    def name(self) -> str:
        """Name of the condition."""
        return self.report.name


@dataclass(frozen=True)
class Trained:
    """The trainings of a row, over all folds and seeds.

    Attributes
    ----------
    parameters : int
        Numbers learned, of one.
    best_epochs : tuple of int
        The epoch that was kept, of each.
    seconds : float
        What they took, if it is known.
    valid : mapping
        Metrics of the valid clips, means over seeds and folds; none if they are a condition.
    conditions : tuple of ConditionResult
        What is known from the training alone.
    """

    parameters: int
    best_epochs: tuple[int, ...]
    seconds: float | None
    valid: Mapping[str, float] = field(default_factory=dict)
    conditions: tuple[ConditionResult, ...] = ()


@dataclass(frozen=True)
class Tested:
    """The results of a row: each condition, and the C chosen in each fold for a classical one."""

    conditions: tuple[ConditionResult, ...]
    C: tuple[float, ...] = ()


@dataclass(frozen=True)
class System(ABC):
    """A row, ready to run.

    Attributes
    ----------
    row : Row
        What the table says; a row that is like another one has that one's network.
    preset : str
        Of what is trained; empty where nothing is.
    features : mapping
        What it is given: modality to feature.
    lacking : str
        Why it cannot run; empty if it can.
    settings : mapping
        Laid over the preset.
    """

    SHARED: ClassVar[tuple[str, ...]]
    """Sections of the command's settings that every row of the kind has; a row's own win."""
    SECTIONS: ClassVar[tuple[str, ...]]
    """All sections of settings that a table of such rows takes."""
    PRESET: ClassVar[bool] = True
    """Whether its settings start from a preset."""
    SETTLED: ClassVar[bool] = False
    """Whether its report has preset and settings without a training: they are final before it."""
    STORED: ClassVar[bool] = True
    """Whether its inputs are features of the store, so that ``--features`` may choose some."""
    RUNS: ClassVar[bool] = True
    """Whether it is trained or tested; not so a quoted row, which has printed values only."""

    row: Row
    preset: str
    features: Mapping[str, str] = field(default_factory=dict)
    lacking: str = ""
    settings: Tree = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """Its name, for files."""
        return slug(self.row.name)

    @property
    def trained(self) -> str:
        """The slug of the row whose networks are tested: its own, or of the one it is like."""
        return slug(self.row.like or self.row.name)

    @property
    @abstractmethod
    def title(self) -> str:
        """What is tested, in a word or two."""

    @property
    @abstractmethod
    def is_trainable(self) -> bool:
        """Whether it has parameters of its own to train."""

    @property
    def fit_on(self) -> str:
        """Which modality check it asks, where it asks one: ``clean`` or ``as_given``."""
        return str(subsection(self.settings, "robust").get("fit_on", "clean"))

    @property
    def conditions(self) -> tuple[str, ...]:
        """Names of what it is tested under."""
        return tuple(condition.name for condition in self.row.conditions)

    @property
    def sees(self) -> list[str]:
        """What it is given, for a reader."""
        return list(self.features.values())

    def shared(self, tree: Tree) -> Tree:
        """Return those settings of all rows that it has."""
        return {part: tree[part] for part in self.SHARED if part in tree}

    def with_settings(self, tree: Tree, own: Tree) -> Tree:
        """Lay the row's settings over the command's, and those the command has for it over both."""
        return merge(merge(self.shared(tree), self.row.settings), own)

    @abstractmethod
    def check(self, inputs: Inputs) -> None:
        """Refuse settings, features and conditions that do not fit.

        Raises
        ------
        EmocliError
            If there are some.
        """

    def defaults(self) -> Tree:
        """Return the settings it has by its preset alone."""
        return {}

    def prepare(self, inputs: Inputs, checked: bool) -> None:
        """Refuse a training that is going to fail, with the modality check or as if there was one.

        Raises
        ------
        EmocliError
            If it does; it says which row it is of.
        """
        self.check(inputs)

    def train(self, context: RowContext) -> Trained:
        """Train it, or what is left of it; only asked of a row that learns."""
        raise NotImplementedError

    @abstractmethod
    def evaluate(self, context: RowContext) -> Tested:
        """Test it under its conditions; the clips of all folds are pooled."""

    def plan(self, trainings: int) -> PlannedRow:
        """Return the plan of it, if so many trainings are made of each row that learns."""
        return PlannedRow(
            row=self.row.name,
            slug=self.slug,
            system=self.title,
            preset=self.preset,
            features=tuple(self.sees),
            settings=self.settings,
            conditions=self.conditions,
            trainings=trainings if self.is_trainable else 0,
            lacking=self.lacking,
        )

    def state(self) -> RowReport:
        """Return what is known of it before it is run."""
        return self.report("lacking" if self.lacking else "not yet run", (), None, ())

    def report(
        self,
        state: str,
        conditions: tuple[RowCondition, ...],
        trained: Trained | None,
        C: tuple[float, ...],
    ) -> RowReport:
        """Return what came of it, as far as it was run."""
        row = RowReport(
            row=self.row.name,
            slug=self.slug,
            system=self.title,
            features=tuple(self.sees),
            lacking=self.lacking,
            printed={name: dict(metrics) for name, metrics in self.row.printed.items()},
            state=state,
            conditions=conditions,
            printed_by_class={key: dict(own) for key, own in self.row.printed_by_class.items()},
        )
        if trained is not None or self.SETTLED:
            row = replace(row, preset=self.preset, settings=self.settings)
        if trained is None:
            return replace(row, C=C if state == "done" else None)
        return replace(
            row,
            training=self.row.training.stated(),
            parameters=trained.parameters,
            best_epochs=trained.best_epochs,
            valid=trained.valid,
            seconds=trained.seconds,
        )

    @contextmanager
    def named(self) -> Iterator[None]:
        """Say of an error which row it is of."""
        try:
            yield
        except EmocliError as error:
            what = f"row '{self.row.name}': {error.what}"
            raise type(error)(what, where=error.where, hint=error.hint) from None
