"""The report of `emocli compare`: the dataclasses behind its JSON file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from emocli.data.clip import Split
from emocli.data.json_io import OPTIONAL
from emocli.data.manifest import Task
from emocli.data.record import Bounds, Number, Record, Report


@dataclass(frozen=True, kw_only=True)
class MetricDifference(Record):
    """A difference between two runs: the first minus the second.

    Attributes
    ----------
    runs : (str, str)
        Their names.
    difference : float
        Of the metric, paired by clip.
    ci, ci_clips : (float, float)
        Its 95 % interval over groups of clips; of too few of these it is NaN, and the other one is
        over clips.
    p : float
        Two-sided, by exchange of the runs group by group; NaN of too few groups.
    p_holm : float
        The same, adjusted for all pairs of the report.
    p_mcnemar : float, optional
        Of McNemar's exact test, which takes clips for independent: for the accuracy of runs of one
        class per clip and one seed each.
    """

    runs: tuple[str, str]
    difference: Number
    ci: Bounds
    ci_clips: Bounds | None = field(default=None, metadata=OPTIONAL)
    p: Number
    p_holm: Number
    p_mcnemar: Number | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True, kw_only=True)
class ComparedRun(Record):
    """A run and its metric.

    Attributes
    ----------
    run, fusion, preset, seeds, features, repair
        What it is, and what it does about modalities that are not trusted.
    networks : int
        How many networks' predictions are averaged; 1 if none are.
    value, std : float
        The metric's mean over the seeds, and its standard deviation, NaN of one seed.
    ci, ci_clips : (float, float)
        Its interval, as in `MetricDifference`.
    change : MetricDifference, optional
        What it is better or worse by than the run of reference.
    models : mapping
        Seed to the digest of its model.
    """

    run: str
    fusion: str
    preset: str
    seeds: tuple[int, ...]
    networks: int
    features: tuple[str, ...]
    repair: str
    value: Number
    std: Number
    ci: Bounds
    ci_clips: Bounds | None = field(default=None, metadata=OPTIONAL)
    change: MetricDifference | None = field(default=None, metadata=OPTIONAL)
    models: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class ComparisonReport(Report):
    """A comparison of runs on the same clips.

    Attributes
    ----------
    emocli : str
        Version that wrote it.
    metric, definition : str
        What is compared.
    dataset, split, n, task, classes
        The clips.
    corruption : tuple of str
        What was done to them; nothing if empty.
    corruption_seed : int
        Seed of it.
    reference : str
        The run the others are compared with in the table.
    interval : str
        What the intervals are: unit and number.
    warnings : tuple of str
        What a reader should know.
    runs : tuple of ComparedRun
        In the order they were named.
    pairs : tuple of MetricDifference
        Every run against every later one.
    versions : mapping, optional
        Of emocli, Python and the packages that add a network or a corruption.
    """

    emocli: str
    metric: str
    definition: str
    dataset: str
    split: Split
    n: int
    task: Task
    classes: tuple[str, ...]
    corruption: tuple[str, ...]
    corruption_seed: int
    reference: str
    interval: str
    warnings: tuple[str, ...]
    runs: tuple[ComparedRun, ...]
    pairs: tuple[MetricDifference, ...]
    versions: Mapping[str, str] | None = field(default=None, metadata=OPTIONAL)
