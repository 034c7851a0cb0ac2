"""The cost of corruptions: every one that a run was tested under, all runs in one figure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from emocli.evaluation.report import ConditionReport, EvaluationReport, SweepPoint
from emocli.metrics.intervals import NONE, MetricInterval
from emocli.pages import texts
from emocli.pages.gains import TestedRun, gains_table
from emocli.pages.records import RunRecords
from emocli.pages.section import Contents, Section, Suggestion
from emocli.report.chart import Chart, ChartLine, legend_of
from emocli.report.document import Paragraph, Part
from emocli.report.parts import Panels, Span, SpanTable
from emocli.report.tables import number

APART = 10.0
"""Right of the weakest noise, in dB: where the clean clips are drawn."""

MOST_BANDS = 3
"""Lines up to which the bands of their intervals are drawn."""


@dataclass(frozen=True)
class Curve:
    """The points of one run and repair, and the clean condition."""

    name: str
    clean: ConditionReport
    points: Sequence[SweepPoint]

    @property
    def metric(self) -> str:
        """The metric that it shows."""
        return self.clean.shown[0]


def parts(contents: Contents) -> Iterator[Part]:
    """Yield the curves over the level of each corruption, and a table of all conditions."""
    curves = _curves(contents)
    panels = {(p.name, p.modality): None for curve in curves for p in curve.points}
    if panels:
        ends = _ends(curves)
        charts = tuple(_chart(name, modality, curves, ends) for name, modality in panels)
        yield Panels(charts)
        yield legend_of(charts)
        banded = len(curves) <= MOST_BANDS and curves[0].metric == "accuracy"
        shaded = "; shaded: 95 % intervals" if banded else ""
        yield Paragraph(
            f"One modality is corrupted at a time, the others are as they were{shaded}."
        )
    conditions = list(_conditions(contents))
    if conditions:
        several = len(contents.runs) > 1
        yield _table(conditions, several)
        corrupted = [each for each in conditions if each.side.corruption]
        if table := gains_table(corrupted, several):
            yield table


def _curves(contents: Contents) -> list[Curve]:
    """Return a curve of each run and repair; of equal points of several reports the first."""
    points: dict[str, dict[tuple[str, str, str], SweepPoint]] = {}
    clean: dict[str, ConditionReport] = {}
    for run in contents.runs:
        for report in run.own:
            name = _named(contents, run, report)
            for point in report.sweep:
                own = points.setdefault(name, {})
                own.setdefault((point.name, point.modality, point.level), point)
                clean.setdefault(name, report.clean)
    return [Curve(name, clean[name], [*own.values()]) for name, own in points.items()]


def _named(contents: Contents, run: RunRecords, report: EvaluationReport) -> str:
    """Name a run and its repair, as far as they tell lines apart."""
    own = [run.name] if len(contents.runs) > 1 or not report.repair else []
    return ", ".join([*own, *([report.repair] if report.repair else [])])


def _ends(curves: Sequence[Curve]) -> tuple[float, float]:
    """Return ends of the upright axis that hold all that is drawn, alike in all charts."""
    sides = [side for curve in curves for side in (curve.clean, *curve.points)]
    metric = curves[0].metric
    values = [side.metrics[metric] for side in sides]
    if len(curves) <= MOST_BANDS:
        values += [end for side in sides for end in _interval(side, metric).shown]
    known = [value for value in values if math.isfinite(value)]
    return math.floor(min(known) * 10) / 10, math.ceil(max(known) * 10) / 10


def _chart(name: str, modality: str, curves: Sequence[Curve], ends: tuple[float, float]) -> Chart:
    every = [p for c in curves for p in c.points if (p.name, p.modality) == (name, modality)]
    ratios = all(point.snr_db is not None for point in every)
    places, ticks = _places(every) if ratios else _steps(every)
    lines = tuple(
        _line(curve, look, [p for p in curve.points if p in every], places, len(curves))
        for look, curve in enumerate(curves)
    )
    label = "signal-to-noise ratio (dB)" if ratios else f"level of {name}"
    return Chart(
        *(f"{modality}: {name}", label, texts.title(curves[0].metric)),
        tuple(line for line in lines if line.x),
        x_ticks=ticks,
        y_range=ends,
    )


def _places(points: Sequence[SweepPoint]) -> tuple[Mapping[str, float], dict[float, str]]:
    """Place levels by their ratio, and the clean clips (level "") right of them."""
    places = {p.level: p.snr_db for p in points if p.snr_db is not None}
    values = sorted(set(places.values()))
    end = values[-1] + APART
    every = -(-len(values) // 5)
    ticks = {value: f"{value:g}" for value in values[::-1][::every]}
    return {**places, "": end}, {**ticks, end: "clean"}


def _steps(points: Sequence[SweepPoint]) -> tuple[Mapping[str, float], dict[float, str]]:
    """Place levels one after the other, the clean clips first."""
    levels = ["", *dict.fromkeys(point.level for point in points)]
    places = {level: float(k) for k, level in enumerate(levels)}
    return places, {place: level or "clean" for level, place in places.items()}


def _interval(side: ConditionReport, metric: str) -> MetricInterval:
    """Return a metric with its interval, which points of a sweep have of the accuracy alone."""
    return side.interval_of(metric) or MetricInterval.of(side.metrics[metric], NONE)


def _line(
    curve: Curve,
    look: int,
    points: Sequence[SweepPoint],
    places: Mapping[str, float],
    lines: int,
) -> ChartLine:
    if not points:
        return ChartLine(curve.name, (), (), look)
    placed: list[tuple[float, ConditionReport]] = [(places[p.level], p) for p in points]
    placed = sorted([*placed, (places[""], curve.clean)], key=lambda each: each[0])
    each = [_interval(side, curve.metric) for _, side in placed]
    banded = lines <= MOST_BANDS
    return ChartLine(
        curve.name,
        tuple(x for x, _ in placed),
        tuple(own.value for own in each),
        look,
        tuple(own.shown[0] for own in each) if banded else (),
        tuple(own.shown[1] for own in each) if banded else (),
    )


def _conditions(contents: Contents) -> Iterator[TestedRun]:
    """Yield the corrupted conditions of every run, those of a repair below the clean one with it.

    The clean one of the page's own evaluation comes first.
    """
    for run in contents.runs:
        corrupted = [(report, report.corrupted) for report in run.own if report.corrupted]
        if not corrupted or run.main is None:
            continue
        clean = {run.main.repair: run.main}
        for report, _ in corrupted:
            clean.setdefault(report.repair, report)
        for repair, main in clean.items():
            yield TestedRun(run.name, main, main.clean)
            yield from (TestedRun(run.name, r, side) for r, side in corrupted if r.repair == repair)


def _table(conditions: Sequence[TestedRun], several: bool) -> SpanTable:
    """Return all conditions; the run is named if there are several."""
    metric = conditions[0].side.shown[0]
    intervals = [_interval(each.side, metric) for each in conditions]
    rows = tuple(
        (
            *([each.run] if several else []),
            *(each.side.label, each.report.repair or "-"),
            texts.metric(each.side.metrics, metric),
            texts.interval(own.ci, own.ci_clips),
            *_change(each),
        )
        for each, own in zip(conditions, intervals, strict=True)
    )
    spans = tuple(Span(own.value, own.shown) for own in intervals)
    run = ("run",) if several else ()
    columns = (*run, "condition", "repair", texts.title(metric), "95 %", "change", "95 % of it")
    left = tuple(range(2 + several))
    return SpanTable(columns, rows, spans, left, f"Conditions; drawn: {texts.title(metric)}")


def _change(each: TestedRun) -> tuple[str, str]:
    change = each.report.difference
    if change is None or not each.side.corruption:
        return "", ""
    return (
        number(change.accuracy, signed=True),
        texts.interval(change.accuracy_ci, change.accuracy_ci_clips),
    )


def absent(contents: Contents) -> Iterator[Suggestion]:
    """Yield the commands for runs that were tested on clean clips alone."""
    for run in contents.runs:
        if not any(report.sweep for report in run.own):
            command = texts.command("emocli evaluate RUN --sweep", run)
            yield Suggestion(f"{run.name}: accuracy over the level of noise", command)
        if not any(report.corrupted for report in run.own):
            modality = next(iter(run.config.features))
            command = texts.command(f"emocli evaluate RUN --corrupt {modality}", run)
            yield Suggestion(f"{run.name}: one corrupted modality, against clean clips", command)


SECTION = Section(60, "Robustness", parts, absent)
