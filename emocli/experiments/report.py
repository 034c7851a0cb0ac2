"""The report of an experiment: the dataclass behind its JSON file, tables and drawings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from emocli.config import Tree
from emocli.data.json_io import EXTRA, OPTIONAL, key
from emocli.data.record import Bounds, Number, Record, Report
from emocli.evaluation.comparison import Comparison, Recovery
from emocli.metrics.summary import SeedMetrics
from emocli.plugin.experiment import Sweep
from emocli.report.tables import ReportTable


@dataclass(frozen=True, kw_only=True)
class RowCondition(Record):
    """The report of a row under a condition.

    Attributes
    ----------
    name : str
        Of the condition.
    corrupt : tuple of str, optional
        What was done to the clips; encoders are tested on clips as they are.
    repair : str, optional
        What was done about it; empty for nothing.
    metrics : mapping
        As of `Summary`; an encoder has one, and the rest of this is of other rows only.
    accuracy_ci, accuracy_ci_clips, per_class, confusion, by_seed, undefined
        As of `Summary`.
    corrupted, flagged, regenerated : mapping, optional
        Modality to clips in which it was corrupted, not trusted, replaced; of rows with a repair.
    """

    name: str
    corrupt: tuple[str, ...] | None = field(default=None, metadata=OPTIONAL)
    repair: str | None = field(default=None, metadata=OPTIONAL)
    metrics: Mapping[str, Number] = field(metadata=EXTRA)
    accuracy_ci: Bounds | None = field(default=None, metadata=OPTIONAL)
    accuracy_ci_clips: Bounds | None = field(default=None, metadata=OPTIONAL)
    per_class: Mapping[str, Mapping[str, Number]] | None = field(default=None, metadata=OPTIONAL)
    confusion: tuple[tuple[int, ...], ...] | None = field(default=None, metadata=OPTIONAL)
    by_seed: tuple[SeedMetrics, ...] | None = field(default=None, metadata=OPTIONAL)
    undefined: Mapping[str, tuple[str, ...]] | None = field(default=None, metadata=OPTIONAL)
    corrupted: Mapping[str, int] | None = field(default=None, metadata=OPTIONAL)
    flagged: Mapping[str, int] | None = field(default=None, metadata=OPTIONAL)
    regenerated: Mapping[str, int] | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True, kw_only=True)
class RowReport(Record):
    """The report of a row.

    Attributes
    ----------
    row, slug, system : str
        Its name, the name of its files, and what was tested.
    features : tuple of str
        What it was given.
    lacking : str
        Why it cannot be run; empty if it can.
    printed : mapping
        Condition to metric to the number in the paper.
    printed_by_class : mapping
        Metric to class to the number in the paper, under the first condition.
    state : {'done', 'not yet run', 'lacking', 'cited'}
        How far it is; what is only quoted is not run.
    conditions : tuple of RowCondition
        What it was tested under.
    preset, settings, training, parameters, best_epochs, valid, seconds
        How it was trained, if something was.
    C : tuple of float
        What was chosen for a classical one, fold by fold.
    cited : str
        Where the values of a row stand that is only quoted.
    """

    row: str
    slug: str
    system: str
    features: tuple[str, ...]
    lacking: str
    printed: Mapping[str, Mapping[str, Number]]
    state: str
    conditions: tuple[RowCondition, ...] = ()
    preset: str | None = field(default=None, metadata=OPTIONAL)
    settings: Tree | None = field(default=None, metadata=OPTIONAL)
    training: Tree | None = field(default=None, metadata=OPTIONAL)
    parameters: int | None = field(default=None, metadata=OPTIONAL)
    best_epochs: tuple[int, ...] | None = field(default=None, metadata=OPTIONAL)
    valid: Mapping[str, Number] | None = field(default=None, metadata=OPTIONAL)
    seconds: float | None = field(default=None, metadata=OPTIONAL)
    C: tuple[float, ...] | None = field(default=None, metadata=OPTIONAL)
    printed_by_class: Mapping[str, Mapping[str, Number]] = field(default_factory=dict)
    cited: str | None = field(default=None, metadata=OPTIONAL)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the conditions it has values of: its own, or if it is quoted, the printed."""
        return tuple(self.printed) if self.cited else tuple(c.name for c in self.conditions)


@dataclass(frozen=True, kw_only=True)
class AnalysisReport(Record):
    """The report of an analysis of a row.

    Attributes
    ----------
    name, row, analysis : str
        What the table calls it, and what of which row it is.
    tables : tuple of ReportTable
        What it says.
    figures : tuple of str
        Files of its figures beside the report.
    data_file : str
        File of all its numbers, from the folder of the report.
    notes : tuple of str
        What was asked for and there is none of.
    captions : mapping
        PNG file to what it shows.
    """

    name: str
    row: str
    analysis: str
    tables: tuple[ReportTable, ...]
    figures: tuple[str, ...]
    data_file: str = field(metadata=key("data"))
    notes: tuple[str, ...] = ()
    captions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BestAlternative(Record):
    """The best of a table's alternatives by a metric of the valid clips; nothing if it has none.

    ``valid`` is that metric of each alternative's ``row``.
    """

    row: str | None = field(default=None, metadata=OPTIONAL)
    metric: str | None = field(default=None, metadata=OPTIONAL)
    valid: Mapping[str, Number] | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True, kw_only=True)
class ExperimentInputs(Record):
    """Fingerprints of the manifest, and of each feature that a row is given."""

    manifest: str
    features: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ExperimentReport(Report):
    """The report of an experiment so far.

    Attributes
    ----------
    emocli : str
        The version.
    versions : mapping, optional
        Those of emocli, Python, and packages that add the experiment, networks or corruptions.
    experiment, title : str
        The table.
    dataset, task, classes
        The corpus.
    n : int
        Clips that were tested.
    settings : mapping
        All sections of settings.
    metrics : tuple of str
        Those the table shows.
    rows : tuple of RowReport
        The rows.
    comparisons : tuple of Comparison
        Pairs of rows.
    recoveries : tuple of Recovery
        Shares of what lies between two rows.
    chosen : BestAlternative
        The best of the alternatives on the valid clips.
    by_class : tuple of str
        Metrics that are shown class by class.
    notes, warnings : tuple of str
        What a reader should know.
    interval : str
        What the intervals are.
    definitions, rules : mapping
        What the metrics are.
    seconds : float
        What all trainings took.
    inputs : ExperimentInputs
        Fingerprints of what it was computed from.
    sweeps : tuple of Sweep
        Settings over which the first metric is drawn.
    analyses : tuple of AnalysisReport
        What trained rows look like inside.
    folds, seeds, preset, check_preset, features, corruption_seed, only
        How it was run, as in `emocli.experiments.config.ReproduceConfig`.
    """

    FORMAT: ClassVar[int] = 2
    RENAMED: ClassVar[Mapping[str, str] | None] = {
        "figures": "metrics",
        "protocols": "definitions",
        "chosen.figure": "metric",
        "comparisons.*.figure": "metric",
        "recoveries.*.figure": "metric",
    }

    emocli: str
    experiment: str
    title: str
    dataset: str
    task: str
    classes: tuple[str, ...]
    n: int
    settings: Tree
    metrics: tuple[str, ...]
    rows: tuple[RowReport, ...]
    comparisons: tuple[Comparison, ...]
    recoveries: tuple[Recovery, ...]
    chosen: BestAlternative
    by_class: tuple[str, ...]
    notes: tuple[str, ...]
    interval: str
    warnings: tuple[str, ...]
    definitions: Mapping[str, str]
    rules: Mapping[str, str]
    seconds: float
    inputs: ExperimentInputs
    sweeps: tuple[Sweep, ...] = ()
    analyses: tuple[AnalysisReport, ...] = ()
    folds: int
    seeds: int
    preset: str
    check_preset: str
    features: tuple[str, ...]
    corruption_seed: int
    only: tuple[str, ...]
    versions: Mapping[str, str] | None = field(default=None, metadata=OPTIONAL)
