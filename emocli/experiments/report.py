"""The report of an experiment: the dataclass behind its JSON file, tables and drawings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from emocli import __version__
from emocli.config import Tree
from emocli.data.json_io import plain
from emocli.experiments.config import ReproduceConfig
from emocli.plugin.experiment import Sweep
from emocli.report.tables import ReportTable

Data = Mapping[str, Any]
"""Plain values whose names are open: those of metrics."""

FORMAT = 1
"""Of the report's JSON file."""


@dataclass(frozen=True)
class RowReport:
    """What came of a row.

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
    conditions : tuple of mapping
        Of each its ``name``, what was done to the clips, and the metrics, whose names are open.
    preset, settings, training, parameters, best_epochs, valid, seconds
        How it was trained, if something was.
    C : tuple of float
        What was chosen for a classical one, fold by fold.
    cited : str
        Where the figures of a row stand that is only quoted.
    """

    row: str
    slug: str
    system: str
    features: tuple[str, ...]
    lacking: str
    printed: Mapping[str, Mapping[str, float]]
    state: str
    conditions: tuple[Data, ...] = ()
    preset: str | None = None
    settings: Tree | None = None
    training: Tree | None = None
    parameters: int | None = None
    best_epochs: tuple[int, ...] | None = None
    valid: Mapping[str, float] | None = None
    seconds: float | None = None
    C: tuple[float, ...] | None = None
    printed_by_class: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    cited: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the conditions it has figures of: its own, or if it is quoted, the printed."""
        return tuple(self.printed) if self.cited else tuple(c["name"] for c in self.conditions)


@dataclass(frozen=True)
class AnalysisReport:
    """What came of an analysis of a row.

    Attributes
    ----------
    name, row, analysis : str
        What the table calls it, and what of which row it is.
    tables : tuple of ReportTable
        What it says.
    figures : tuple of str
        Files of its figures beside the report.
    data : str
        File of all its numbers, from the folder of the report.
    notes : tuple of str
        What was asked for and there is none of.
    """

    name: str
    row: str
    analysis: str
    tables: tuple[ReportTable, ...]
    figures: tuple[str, ...]
    data: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExperimentReport:
    """What came of an experiment so far.

    Attributes
    ----------
    experiment, title : str
        The table.
    dataset, task, classes
        The corpus.
    n : int
        Clips that were tested.
    config : ReproduceConfig
        How it was run.
    settings : mapping
        All sections of settings.
    metrics : tuple of str
        Those the table shows; ``figures`` in the JSON file.
    rows : tuple of RowReport
        The rows.
    comparisons, recoveries : tuple of mapping
        As `emocli.evaluation.comparison` tells them.
    chosen : mapping
        The best of the alternatives on the valid clips; empty if there are none.
    by_class : tuple of str
        Metrics that are shown class by class.
    notes, warnings : tuple of str
        What a reader should know.
    interval : str
        What the intervals are.
    protocols, rules : mapping
        What the metrics are.
    seconds : float
        What all trainings took.
    inputs : mapping
        Fingerprints of what it was computed from.
    sweeps : tuple of Sweep
        Settings over which the first metric is drawn.
    analyses : tuple of AnalysisReport
        What trained rows look like inside.
    """

    experiment: str
    title: str
    dataset: str
    task: str
    classes: tuple[str, ...]
    n: int
    config: ReproduceConfig
    settings: Tree
    metrics: tuple[str, ...]
    rows: tuple[RowReport, ...]
    comparisons: tuple[Data, ...]
    recoveries: tuple[Data, ...]
    chosen: Data
    by_class: tuple[str, ...]
    notes: tuple[str, ...]
    interval: str
    warnings: tuple[str, ...]
    protocols: Mapping[str, str]
    rules: Mapping[str, str]
    seconds: float
    inputs: Data
    sweeps: tuple[Sweep, ...] = ()
    analyses: tuple[AnalysisReport, ...] = ()

    def data(self) -> Tree:
        """Return the content of the JSON file; what a row has not is left out."""
        names = {"metrics": "figures"}
        values = {
            names.get(f.name, f.name): getattr(self, f.name)
            for f in fields(self)
            if f.name != "config"
        }
        rows = [{k: v for k, v in asdict(row).items() if v is not None} for row in self.rows]
        head = {"format": FORMAT, "emocli": __version__}
        data: Tree = plain({**head, **values, **self.config.model_dump(), "rows": rows})
        return data
