"""Metrics of groups of clips, such as genders or speakers, and the gaps between them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from emocli.data.clip import Clip
from emocli.data.columns import csv_rows, group_names
from emocli.data.json_io import OPTIONAL
from emocli.data.record import Bounds, Number, Record
from emocli.errors import ConfigError, choice
from emocli.evaluation.predictions import Predictions
from emocli.metrics.intervals import NONE, MetricInterval, gap_intervals, metric_intervals, remarks
from emocli.metrics.statistics import FEWEST, clustered, drawn_of, interval_over
from emocli.metrics.summary import means
from emocli.report.tables import NO_NUMBER, Cell, ReportTable, bounds, number

OWN = ("speaker", "dialogue")
"""What clips can be grouped by besides the manifest's ``group.<name>``."""

UNKNOWN = "(unknown)"
"""The group of clips of which the manifest does not say it."""


@dataclass(frozen=True, kw_only=True)
class GroupMetrics(Record):
    """The metrics of a group under a condition, means over the seeds.

    Attributes
    ----------
    group : str
        Its name.
    n : int
        Its clips.
    metrics : mapping
        Every metric that has an interval; of several seeds also their spread, ``_std``, which is
        no interval.
    accuracy_ci, accuracy_ci_clips : (float, float)
        95 % interval of the accuracy over the dialogues or speakers of the group; of fewer than
        eight of them it is NaN, and the other one is over its clips.
    interval : str
        What the intervals are.
    drawn : str
        How many of what they draw; nothing if there are none.
    intervals : mapping
        Metric to its interval.
    """

    group: str
    n: int
    metrics: Mapping[str, Number]
    accuracy_ci: Bounds
    accuracy_ci_clips: Bounds | None = field(default=None, metadata=OPTIONAL)
    interval: str
    drawn: str = ""
    intervals: Mapping[str, MetricInterval] = field(default_factory=dict)

    def interval_of(self, metric: str) -> MetricInterval:
        """Return a metric with its interval, which older reports have of the accuracy alone."""
        if metric in self.intervals:
            return self.intervals[metric]
        known = (self.accuracy_ci, self.accuracy_ci_clips) if metric == "accuracy" else (NONE,)
        return MetricInterval.of(self.metrics[metric], *known)


@dataclass(frozen=True, kw_only=True)
class Gap(Record):
    """The distance between the groups of highest and of lowest accuracy.

    Attributes
    ----------
    groups : (str, str)
        The two, the highest first. They were chosen by what was seen: of many groups of equal
        accuracy some will seem to differ.
    accuracy : float
        The difference.
    ci, ci_clips : (float, float)
        Its interval, as in `GroupMetrics`.
    interval : str
        What it is.
    """

    groups: tuple[str, str]
    accuracy: Number
    ci: Bounds
    ci_clips: Bounds | None = field(default=None, metadata=OPTIONAL)
    interval: str


@dataclass(frozen=True, kw_only=True)
class MetricGap(MetricInterval):
    """The same of any metric: the difference with its interval, the two groups, what is drawn."""

    groups: tuple[str, str]
    interval: str
    drawn: str = ""


@dataclass(frozen=True, kw_only=True)
class GroupedCondition(Record):
    """The groups under a condition, and their gaps.

    Attributes
    ----------
    condition : str
        Its name.
    groups : tuple of GroupMetrics
        The groups.
    gap : Gap, optional
        That of the accuracy; there is none of one group.
    gaps : mapping
        Metric to its gap; which groups are the farthest apart may differ by metric.
    """

    condition: str
    groups: tuple[GroupMetrics, ...]
    gap: Gap | None = field(default=None, metadata=OPTIONAL)
    gaps: Mapping[str, MetricGap] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GroupedReport(Record):
    """The metrics of the groups that one property of the clips makes.

    Attributes
    ----------
    by : str
        ``speaker``, ``dialogue``, or the manifest's ``group.<by>``.
    conditions : tuple of GroupedCondition
        The clean one and, if there is one, the corrupted one.
    """

    by: str
    conditions: tuple[GroupedCondition, ...]


def grouped(
    by: Sequence[str], clips: Sequence[Clip], conditions: Sequence[tuple[str, Predictions]]
) -> tuple[GroupedReport, ...]:
    """Take the metrics of each group.

    Parameters
    ----------
    by : sequence of str
        What to group by.
    clips : sequence of Clip
        Those that were predicted.
    conditions : sequence of (str, Predictions)
        Their names, and what was predicted.

    Raises
    ------
    ConfigError
        If no clip has such a property.
    """
    require_known(by, clips)
    return tuple(
        GroupedReport(
            by=name,
            conditions=tuple(_condition(name, clips, *condition) for condition in conditions),
        )
        for name in by
    )


def require_known(by: Sequence[str], clips: Sequence[Clip]) -> None:
    """Refuse properties that no clip has.

    Raises
    ------
    ConfigError
        If there is one, or one is named twice.
    """
    known = [*(name for name in OWN if any(getattr(c, name) for c in clips)), *group_names(clips)]
    for name in by:
        if name not in known:
            hint = choice(name, known) if known else "name columns of the manifest group.<name>"
            raise ConfigError(f"no clip says its '{name}'", where="--by", hint=hint)
        if by.count(name) > 1:
            raise ConfigError(f"'{name}' is named twice", where="--by", hint="name it once")


def group_of(clip: Clip, by: str) -> str:
    """Name the group of a clip."""
    own = getattr(clip, by) if by in OWN else clip.groups.get(by, "")
    return own or UNKNOWN


def _condition(
    by: str, clips: Sequence[Clip], name: str, predictions: Predictions
) -> GroupedCondition:
    held: dict[str, list[Clip]] = {}
    for clip in clips:
        held.setdefault(group_of(clip, by), []).append(clip)
    groups = tuple(_group(group, held[group], predictions) for group in sorted(held))
    gaps = _gaps(groups, held, predictions)
    return GroupedCondition(condition=name, groups=groups, gap=_of_accuracy(gaps), gaps=gaps)


def _of_accuracy(gaps: Mapping[str, MetricGap]) -> Gap | None:
    own = gaps.get("accuracy")
    if own is None:
        return None
    return Gap(
        groups=own.groups,
        accuracy=own.value,
        ci=own.ci,
        ci_clips=own.ci_clips,
        interval=own.interval,
    )


def _group(name: str, clips: Sequence[Clip], predictions: Predictions) -> GroupMetrics:
    own = predictions.only(clips)
    by_id = {clip.id: clip for clip in clips}
    drawn_with = clustered([by_id[i] for i in own.ids])
    intervals = metric_intervals(own.sum_metrics, own.targets, own.values, drawn_with)
    accuracy = intervals["accuracy"]
    return GroupMetrics(
        group=name,
        n=len(clips),
        metrics=means([{name: s.overall[name] for name in intervals} for s in own.scores]),
        accuracy_ci=accuracy.ci,
        accuracy_ci_clips=accuracy.ci_clips,
        interval=interval_over(clips),
        drawn=drawn_of(clips),
        intervals=intervals,
    )


def _gaps(
    groups: Sequence[GroupMetrics], held: Mapping[str, Sequence[Clip]], predictions: Predictions
) -> dict[str, MetricGap]:
    """Return the gap of every metric, each of the two groups that are farthest apart in it."""
    of_pair: dict[tuple[str, str], dict[str, MetricGap]] = {}
    gaps: dict[str, MetricGap] = {}
    for metric in groups[0].intervals:
        known = [group for group in groups if not math.isnan(group.metrics[metric])]
        if len(known) < 2:
            continue
        ordered = sorted(known, key=lambda group: group.metrics[metric])
        pair = ordered[-1].group, ordered[0].group
        if pair not in of_pair:
            of_pair[pair] = _pair_gaps(pair, held, predictions)
        gaps[metric] = of_pair[pair][metric]
    return gaps


def _pair_gaps(
    pair: tuple[str, str], held: Mapping[str, Sequence[Clip]], predictions: Predictions
) -> dict[str, MetricGap]:
    own = predictions.only([clip for name in pair for clip in held[name]])
    by_id = {clip.id: clip for name in pair for clip in held[name]}
    clips = [by_id[clip_id] for clip_id in own.ids]
    first = {clip.id for clip in held[pair[0]]}
    above = np.array([clip.id in first for clip in clips])
    gaps = gap_intervals(own.sum_metrics, own.targets, own.values, clustered(clips), above)
    interval, drawn = interval_over(clips), drawn_of(clips)
    return {
        name: MetricGap(**vars(each), groups=pair, interval=interval, drawn=drawn)
        for name, each in gaps.items()
    }


OVER = "over: how many of what a group's intervals draw; clips are taken for independent"

FEW = f"groups of fewer than {FEWEST} clips have no intervals"


def group_notes(reports: Sequence[GroupedReport]) -> tuple[str, ...]:
    """Say what the intervals of groups are, and why some are missing, each once."""
    return tuple(dict.fromkeys(note for report in reports for note in _notes(report)))


def _notes(report: GroupedReport) -> Iterator[str]:
    yield OVER
    for condition in report.conditions:
        for group in condition.groups:
            yield from remarks(group.intervals.values(), group.n)
            yield from [FEW] if group.n < FEWEST else []


def group_tables(reports: Sequence[GroupedReport], metrics: Sequence[str]) -> Iterator[ReportTable]:
    """Return a table for each property and condition: its groups, and their gaps.

    It has two metrics, the first, which a terminal holds; the CSV file and the report have all.
    """
    shown = metrics[:2]
    for report in reports:
        several = len(report.conditions) > 1
        for condition in report.conditions:
            rows = [_row(group, shown) for group in condition.groups]
            rows += [_gap_row(condition.gaps, shown)] if condition.gaps else []
            title = f"by {report.by}{f', {condition.condition}' if several else ''}"
            names = (name.replace("_", " ") for name in shown)
            columns = (report.by, "clips", *names, "over")
            yield ReportTable(f"{title} (95 % interval)", columns, tuple(rows))


def _row(group: GroupMetrics, shown: Sequence[str]) -> tuple[Cell, ...]:
    cells = (_cell(group.interval_of(name)) for name in shown)
    return group.group, group.n, *cells, group.drawn or NO_NUMBER


def _gap_row(gaps: Mapping[str, MetricGap], shown: Sequence[str]) -> tuple[Cell, ...]:
    cells = (_gap_cell(gaps[name]) if name in gaps else NO_NUMBER for name in shown)
    drawn = dict.fromkeys(gaps[name].drawn or NO_NUMBER for name in shown if name in gaps)
    return "gap", "", *cells, ", ".join(drawn)


def _gap_cell(gap: MetricGap) -> str:
    return f"{_cell(gap)} {gap.groups[0]} - {gap.groups[1]}"


def _cell(each: MetricInterval) -> str:
    interval = bounds(each.shown)
    return number(each.value) + (f" ({interval})" if interval != NO_NUMBER else "")


def groups_csv(reports: Sequence[GroupedReport]) -> str:
    """Return a row for each group under each condition, and for each gap."""
    names = [name for report in reports[:1] for name in report.conditions[0].groups[0].intervals]
    ends = [f"{name}_{end}" for name in names for end in ("low", "high")]
    rows: list[tuple[object, ...]] = [
        ("by", "group", "condition", "clips", *names, *ends, "interval")
    ]
    for report in reports:
        for condition in report.conditions:
            head = report.by, condition.condition
            rows += [_csv_row(*head, group) for group in condition.groups]
            rows += [_csv_gap(*head, name, gap, names) for name, gap in condition.gaps.items()]
    return csv_rows(rows)


def _csv_row(by: str, condition: str, group: GroupMetrics) -> tuple[object, ...]:
    metrics = (group.metrics[name] for name in group.intervals)
    ends = (end for each in group.intervals.values() for end in each.shown)
    return by, group.group, condition, group.n, *metrics, *ends, group.interval


def _csv_gap(
    by: str, condition: str, metric: str, gap: MetricGap, names: Sequence[str]
) -> tuple[object, ...]:
    """Return the row of a gap: its metric alone, for others may have other groups."""
    values = (gap.value if name == metric else None for name in names)
    ends = (end if name == metric else None for name in names for end in gap.shown)
    group = f"gap: {gap.groups[0]} - {gap.groups[1]}"
    return by, group, condition, None, *values, *ends, gap.interval
