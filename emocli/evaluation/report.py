"""The report of an evaluation: frozen dataclasses, whose fields are the keys of its JSON file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from emocli.data.clip import Split
from emocli.data.json_io import OPTIONAL
from emocli.data.manifest import Task
from emocli.data.record import Number, Record, Report
from emocli.evaluation.agreement import RaterAgreement
from emocli.evaluation.groups import GroupedReport
from emocli.metrics.calibration import CalibrationCurves
from emocli.metrics.intervals import MetricInterval
from emocli.metrics.shown import has_confusion, shown_metrics
from emocli.metrics.summary import Difference, Estimate, Summary
from emocli.parsing import Tree

GAINED: Mapping[Task, tuple[str, ...]] = {
    "single": ("accuracy", "weighted_f1"),
    "multi": ("accuracy", "weighted_f1"),
    "intensity": ("accuracy", "weighted_f1", "mae", "ccc"),
}
"""Metrics by which networks and the classical baselines are compared."""


@dataclass(frozen=True, kw_only=True)
class FlagCounts(Record):
    """Numbers of clips in which a modality was corrupted, not trusted, regenerated.

    Attributes
    ----------
    clips, corrupted, flagged : int
        Clips that have the modality; in which it was corrupted; in which it was not trusted.
    detected : int
        Clips in which it was corrupted and not trusted.
    regenerated : int
        Clips in which a proxy stands for it.
    """

    clips: int
    corrupted: int
    flagged: int
    detected: int
    regenerated: int


@dataclass(frozen=True, kw_only=True)
class CalibrationErrors(Record):
    """Expected calibration errors (`emocli.metrics.calibration`), means over the seeds.

    Attributes
    ----------
    before, after : float
        Without the temperature of the run, and with it.
    """

    before: Number
    after: Number


@dataclass(frozen=True, kw_only=True)
class BaselineReport(Record):
    """The metrics of a classical baseline, and what they gain over it.

    Attributes
    ----------
    metrics : mapping
        On the same clips, corrupted and repaired in the same way.
    gain : Difference
        The networks' accuracy less its own, paired by clip.
    gains : mapping, optional
        The same of the other metrics of `GAINED`, and by how much an error is smaller; not of the
        points of a sweep.
    """

    metrics: Mapping[str, Number]
    gain: Difference
    gains: Mapping[str, Estimate] | None = field(default=None, metadata=OPTIONAL)

    def gain_in(self, metric: str) -> Estimate | None:
        """Return the networks' gain in a metric; None where it was not computed."""
        if metric == "accuracy":
            own, clips = self.gain, self.gain.accuracy_ci_clips
            return Estimate(mean=own.accuracy, ci=own.accuracy_ci, ci_clips=clips, p=own.p)
        return (self.gains or {}).get(metric)


@dataclass(frozen=True, kw_only=True)
class ConditionReport(Summary):
    """The scores under a condition, its corruptions, and modalities that were not trusted.

    ``classical`` has the classical baselines, of runs that have some; calibration
    is that of tasks of one class per clip, agreement that with the votes of raters. ``intervals``
    has those of metrics beyond accuracy, of conditions that are no point of a sweep.
    """

    corruption: tuple[str, ...]
    calibration: CalibrationErrors | None = field(default=None, metadata=OPTIONAL)
    flagged: Mapping[str, FlagCounts] | None = field(default=None, metadata=OPTIONAL)
    classical: Mapping[str, BaselineReport] | None = field(default=None, metadata=OPTIONAL)
    reliability: CalibrationCurves | None = field(default=None, metadata=OPTIONAL)
    agreement: RaterAgreement | None = field(default=None, metadata=OPTIONAL)
    intervals: Mapping[str, MetricInterval] | None = field(default=None, metadata=OPTIONAL)

    @property
    def label(self) -> str:
        """Its name in tables and figures."""
        return " + ".join(self.corruption) or "clean"

    @property
    def shown(self) -> tuple[str, ...]:
        """The metrics to be shown where there is room for a few."""
        return shown_metrics(self.metrics)

    def interval_of(self, metric: str) -> MetricInterval | None:
        """Return a metric with its interval; None where it was not asked."""
        if metric == "accuracy":
            value = self.metrics[metric]
            return MetricInterval.of(value, self.accuracy_ci, self.accuracy_ci_clips)
        return (self.intervals or {}).get(metric)


@dataclass(frozen=True, kw_only=True)
class SweepPoint(ConditionReport):
    """The scores of one corruption of one modality at one level.

    Attributes
    ----------
    modality, name, level : str
        What was corrupted, by which corruption, how much.
    snr_db : float, optional
        The level as a signal-to-noise ratio, if it is one.
    """

    modality: str
    name: str
    level: str
    snr_db: float | None


@dataclass(frozen=True, kw_only=True)
class FoldReport(Record):
    """The metrics of one fold of a cross-validation and its clips, means over the seeds."""

    fold: int
    n: int
    clean: Mapping[str, Number]
    corrupted: Mapping[str, Number] | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True, kw_only=True)
class InputFingerprints(Record):
    """Fingerprints of the manifest, of each feature, and of the files of models and checks."""

    manifest: str
    features: Mapping[str, str]
    models: Mapping[str, str]
    checks: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class EvaluationReport(Report, ConditionReport):
    """The evaluation of a run; its own scores are those of the condition asked for.

    Attributes
    ----------
    emocli : str
        Version that wrote it.
    versions : mapping, optional
        Those of emocli, Python, and packages that add its network or corruptions.
    run, fusion, preset, seeds, dataset, trained_on, task, classes
        The networks, the corpus they are tested on, and the one they were trained on.
    ensemble : int, optional
        So many networks are one, whose prediction is their mean; ``by_seed`` then has it under the
        first seed.
    split, n, unlabelled
        The clips, their number, and how many have no label and are left out.
    check, repair, remarks, trained_with
        What is done about modalities that are not trusted, here and in training.
    corruption_seed : int
        Seed of the corruptions.
    device : str
        Where the networks predicted.
    interval, warnings
        What the intervals are, and what a reader should know of them.
    definitions, rules : mapping
        Definition of each metric; how classes are counted.
    missing : mapping
        Modality to the number of clips that lack it.
    non_finite, clipped : mapping
        Feature to its numbers that are not finite, and to those beyond the training's limits.
    inputs : InputFingerprints
        What all was computed from.
    clean, corrupted, difference
        The conditions side by side, and the change of the accuracy.
    sweep : tuple of SweepPoint
        Each corruption by itself at each level.
    baselines : mapping
        Baseline to its metrics.
    folds : tuple of FoldReport
        Those of a cross-validation.
    normalised : str, optional
        What was used of the tested speakers to normalise features by speaker.
    by : tuple of GroupedReport, optional
        The metrics of groups of clips, of each property that was asked for.
    """

    FORMAT: ClassVar[int] = 2
    RENAMED: ClassVar[Mapping[str, str] | None] = {
        "protocols": "definitions",
        "flagged.*.found": "detected",
        "clean.flagged.*.found": "detected",
        "corrupted.flagged.*.found": "detected",
        "sweep.*.flagged.*.found": "detected",
    }

    emocli: str
    run: str
    fusion: str
    preset: str
    seeds: tuple[int, ...]
    dataset: str
    trained_on: str
    task: Task
    classes: tuple[str, ...]
    split: Split
    n: int
    check: bool
    repair: str
    remarks: tuple[str, ...]
    trained_with: Tree
    corruption_seed: int
    device: str
    interval: str
    warnings: tuple[str, ...]
    definitions: Mapping[str, str]
    rules: Mapping[str, str]
    unlabelled: int
    missing: Mapping[str, int]
    non_finite: Mapping[str, int]
    clipped: Mapping[str, int]
    inputs: InputFingerprints
    clean: ConditionReport
    corrupted: ConditionReport | None
    difference: Difference | None
    sweep: tuple[SweepPoint, ...]
    baselines: Mapping[str, Mapping[str, Number]]
    folds: tuple[FoldReport, ...]
    ensemble: int | None = field(default=None, metadata=OPTIONAL)
    normalised: str | None = field(default=None, metadata=OPTIONAL)
    by: tuple[GroupedReport, ...] | None = field(default=None, metadata=OPTIONAL)
    versions: Mapping[str, str] | None = field(default=None, metadata=OPTIONAL)

    def __post_init__(self) -> None:
        """Refuse metrics that are not those that are defined.

        Raises
        ------
        ValueError
            If there are some.
        """
        for metrics in self._metrics():
            if {name.removesuffix("_std") for name in metrics} != self.definitions.keys():
                raise ValueError("the metrics are not those that 'definitions' has")

    def _metrics(self) -> Iterator[Mapping[str, float]]:
        """Go through the metrics of all conditions, seeds, baselines and folds."""
        for condition in (self, *self.conditions, *self.sweep):
            yield condition.metrics
            yield from (seed.metrics for seed in condition.by_seed)
            yield from (baseline.metrics for baseline in (condition.classical or {}).values())
        yield from self.baselines.values()
        yield from (side for fold in self.folds for side in (fold.clean, fold.corrupted) if side)

    @property
    def has_confusion(self) -> bool:
        """Whether its confusion means something."""
        return has_confusion(self.classes, self.clean.metrics)

    @property
    def gained(self) -> tuple[str, ...]:
        """Those of `GAINED` that are defined."""
        return tuple(n for n in GAINED[self.task] if not math.isnan(self.clean.metrics[n]))

    @property
    def conditions(self) -> tuple[ConditionReport, ...]:
        """The clean condition and, if there is one, the corrupted one."""
        return (self.clean, self.corrupted) if self.corrupted else (self.clean,)
