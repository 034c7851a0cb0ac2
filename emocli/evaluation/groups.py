"""Metrics of each group of clips: of women and men, of each speaker, and how far they are apart."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emocli.data.clip import Clip
from emocli.data.columns import csv_rows, group_names
from emocli.data.json_io import OPTIONAL
from emocli.data.record import Bounds, Number, Record
from emocli.errors import ConfigError, choice
from emocli.evaluation.predictions import Predictions
from emocli.metrics.metrics import COMMON
from emocli.metrics.statistics import cluster_bootstrap, clustered, interval_over
from emocli.metrics.summary import mean_hits, means
from emocli.report.tables import Cell, ReportTable

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
        ``accuracy``, ``uar``, ``weighted_f1``, ``macro_f1`` and, of several seeds, their ``_std``.
    accuracy_ci, accuracy_ci_clips : (float, float)
        95 % interval of the accuracy over the dialogues or speakers of the group; of fewer than
        eight of them it is NaN, and the other one is over its clips.
    interval : str
        What it is.
    """

    group: str
    n: int
    metrics: Mapping[str, Number]
    accuracy_ci: Bounds
    accuracy_ci_clips: Bounds | None = field(default=None, metadata=OPTIONAL)
    interval: str


@dataclass(frozen=True, kw_only=True)
class Gap(Record):
    """How far the groups of highest and of lowest accuracy are apart.

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
class GroupedCondition(Record):
    """The groups under a condition, and their gap; there is none of one group."""

    condition: str
    groups: tuple[GroupMetrics, ...]
    gap: Gap | None = field(default=None, metadata=OPTIONAL)


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
    return GroupedCondition(condition=name, groups=groups, gap=_gap(groups, held, predictions))


def _group(name: str, clips: Sequence[Clip], predictions: Predictions) -> GroupMetrics:
    own = predictions.only(clips)
    by_id = {clip.id: clip for clip in clips}
    interval = cluster_bootstrap(mean_hits(own.scores), clustered([by_id[i] for i in own.ids]))
    values = means([{name: s.overall[name] for name in COMMON} for s in own.scores])
    return GroupMetrics(
        group=name,
        n=len(clips),
        metrics=values,
        accuracy_ci=interval.bounds,
        accuracy_ci_clips=interval.clips,
        interval=interval_over(clips),
    )


def _gap(
    groups: Sequence[GroupMetrics], held: Mapping[str, Sequence[Clip]], predictions: Predictions
) -> Gap | None:
    if len(groups) < 2:
        return None
    ordered = sorted(groups, key=lambda group: group.metrics["accuracy"])
    high, low = ordered[-1].group, ordered[0].group
    own = predictions.only([*held[high], *held[low]])
    by_id = {clip.id: clip for name in (high, low) for clip in held[name]}
    clips = [by_id[clip_id] for clip_id in own.ids]
    above = {clip.id for clip in held[high]}
    interval = gap_interval(
        mean_hits(own.scores), np.array([c.id in above for c in clips]), clustered(clips)
    )
    return Gap(
        groups=(high, low),
        accuracy=interval.value,
        ci=interval.ci,
        ci_clips=interval.ci_clips,
        interval=interval_over(clips),
    )


@dataclass(frozen=True)
class GapInterval:
    """A difference of two means, and its interval over groups of clips, or over clips."""

    value: float
    ci: Bounds
    ci_clips: Bounds | None


def gap_interval(
    hits: NDArray[np.float64], above: NDArray[np.bool_], drawn_with: Sequence[str]
) -> GapInterval:
    """Return the mean of some clips minus that of the others, with its interval.

    Whole speakers or dialogues are drawn, whichever of the two sides their clips are on.
    """
    from emocli.metrics.paired import Paired, PairedSystem
    from emocli.metrics.sums import SumMetric

    columns = np.stack([above, above * hits, ~above, ~above * hits], axis=1).astype(np.float64)

    def difference(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(sums[..., 1] / sums[..., 0] - sums[..., 3] / sums[..., 2])

    system = PairedSystem(SumMetric(lambda targets, predicted: predicted, difference), (columns,))
    gap = Paired((system,), tuple(drawn_with)).interval(0)
    return GapInterval(gap.mean, gap.bounds, gap.clips)


def group_tables(reports: Sequence[GroupedReport]) -> Iterator[ReportTable]:
    """Return a table for each property: its groups, and their gap."""
    for report in reports:
        first = report.conditions[0]
        columns = [column for c in report.conditions for column in _columns(c.condition)]
        rows: list[tuple[Cell, ...]] = []
        for k, group in enumerate(first.groups):
            cells = [cell for c in report.conditions for cell in _cells(c.groups[k])]
            rows.append((group.group, group.n, *cells))
        rows += [_gap_row(report)] if first.gap else []
        yield ReportTable(f"by {report.by}", (report.by, "clips", *columns), tuple(rows))


def _columns(condition: str) -> tuple[str, ...]:
    return f"accuracy {condition}", "95 %", "uar", "weighted f1"


def _cells(group: GroupMetrics) -> tuple[Cell, ...]:
    metrics, clips = group.metrics, group.accuracy_ci_clips
    interval = _bounds(clips or group.accuracy_ci) + (" (clips)" if clips else "")
    return metrics["accuracy"], interval, metrics["uar"], metrics["weighted_f1"]


def _gap_row(report: GroupedReport) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for condition in report.conditions:
        gap = condition.gap
        if gap is None:
            continue
        interval = _bounds(gap.ci_clips or gap.ci) + (" (clips)" if gap.ci_clips else "")
        cells += [f"{gap.accuracy:.3f} {gap.groups[0]} - {gap.groups[1]}", interval, "", ""]
    return ("gap", "", *cells)


def _bounds(interval: Bounds) -> str:
    low, high = interval
    return "-" if math.isnan(low + high) else f"{low:.3f} to {high:.3f}"


def groups_csv(reports: Sequence[GroupedReport]) -> str:
    """Return a row for each group under each condition, and for each gap."""
    header = ("by", "group", "condition", "clips", *COMMON, "accuracy_low", "accuracy_high")
    rows: list[tuple[object, ...]] = [(*header, "interval")]
    for report in reports:
        for condition in report.conditions:
            head = report.by, condition.condition
            rows += [_csv_row(*head, group) for group in condition.groups]
            if condition.gap:
                rows.append(_csv_gap(*head, condition.gap))
    return csv_rows(rows)


def _csv_row(by: str, condition: str, group: GroupMetrics) -> tuple[object, ...]:
    metrics = (_known(group.metrics[name]) for name in COMMON)
    ends = map(_known, group.accuracy_ci_clips or group.accuracy_ci)
    return by, group.group, condition, group.n, *metrics, *ends, group.interval


def _csv_gap(by: str, condition: str, gap: Gap) -> tuple[object, ...]:
    ends = map(_known, gap.ci_clips or gap.ci)
    blank = [None] * (len(COMMON) - 1)
    name = f"gap: {gap.groups[0]} - {gap.groups[1]}"
    return by, name, condition, None, gap.accuracy, *blank, *ends, gap.interval


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
