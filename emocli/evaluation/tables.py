"""The report of an evaluation as tables: what `emocli evaluate` prints."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from emocli.display import number_of
from emocli.evaluation.groups import group_notes, group_tables
from emocli.evaluation.report import BaselineReport, EvaluationReport
from emocli.metrics.intervals import NONE, MetricInterval, remarks
from emocli.metrics.shown import shown_of_classes
from emocli.metrics.sums import WITHOUT_INTERVAL
from emocli.report.tables import NO_NUMBER, Cell, ReportTable, bounds, number, spread

Confusions = Mapping[str, Sequence[Sequence[int]]]
"""Name of a condition to its counts, a row per reference, a column per prediction."""


def tables(report: EvaluationReport) -> tuple[ReportTable, ...]:
    """Return the conditions side by side, then folds, classes, confusion, check and sweep."""
    return (
        _conditions(report),
        *([_baselines(report)] if report.classical else []),
        *([_folds(report)] if report.folds else []),
        _classes(report),
        *group_tables(report.by or (), report.clean.shown),
        *(confusions(report.classes, counts(report)) if report.has_confusion else ()),
        *([_repair(report)] if report.repair else []),
        *([_sweep(report)] if report.sweep else []),
    )


def notes(report: EvaluationReport) -> tuple[str, ...]:
    """Say what the numbers are, a line each."""
    seeds = 1 if report.ensemble else len(report.seeds)
    return (
        f"intervals: {report.interval}",
        *dict.fromkeys([*interval_notes([report]), *group_notes(report.by or ())]),
        *([f"±: standard deviation over {seeds} seeds, no interval over clips"] * (seeds > 1)),
    )


def interval_notes(reports: Iterable[EvaluationReport]) -> tuple[str, ...]:
    """Say of which metrics there is no interval, and which are no bootstrap, each once."""
    return tuple(dict.fromkeys(note for report in reports for note in _interval_notes(report)))


def _interval_notes(report: EvaluationReport) -> Iterator[str]:
    yield from (f"{n}: {why}" for n, why in WITHOUT_INTERVAL.items() if n in report.metrics)
    yield from remarks(_every(report), report.n, _change(report))


def _every(report: EvaluationReport) -> Iterator[MetricInterval]:
    """Yield the intervals of all metrics under both conditions."""
    for side in report.conditions:
        each = map(side.interval_of, report.definitions)
        yield from (interval for interval in each if interval)


def _change(report: EvaluationReport) -> Iterator[MetricInterval]:
    if change := report.difference:
        yield MetricInterval.of(change.accuracy, change.accuracy_ci, change.accuracy_ci_clips)


def counts(report: EvaluationReport) -> Confusions:
    """Return the confusion matrix of each condition by its label."""
    return {side.label: side.confusion for side in report.conditions}


def _conditions(report: EvaluationReport) -> ReportTable:
    sides, baselines = report.conditions, report.baselines
    blank = [""] * len(baselines)
    rows: list[tuple[Cell, ...]] = []
    for name in report.definitions:
        others = (_number(metrics[name]) for metrics in baselines.values())
        rows.append((_title(name), *(_cell(side.metrics, name) for side in sides), *others))
        each = [side.interval_of(name) for side in sides]
        rows += [(*row, *blank) for row in _intervals(each)]
    change = report.difference
    if change and "accuracy" in report.clean.shown:
        rows.append(("change of accuracy", "", number(change.accuracy, signed=True), *blank))
        rows += [(*row, *blank) for row in _intervals([None, *_change(report)])]
    networks = f" (mean of {report.ensemble} networks)" if report.ensemble else ""
    if report.clean.agreement:
        rows += _agreement(report, blank)
    clips = f"{number_of(report.n, 'clips')} of {report.dataset} ({report.split})"
    features = f", features {report.normalised}" if report.normalised else ""
    title = f"{report.run}{networks} on {clips}{features}"
    return ReportTable(title, ("metric", *(side.label for side in sides), *baselines), tuple(rows))


def _intervals(each: Sequence[MetricInterval | None]) -> Iterator[tuple[Cell, ...]]:
    """Yield a row with intervals, and where groups are too few one over clips; none without any."""
    groups = [bounds(own.ci) if own else "" for own in each]
    clips = [bounds(own.ci_clips or NONE) if own else "" for own in each]
    for title, cells in (("  95 % interval", groups), ("  95 %, over clips", clips)):
        if {*cells} - {"", NO_NUMBER}:
            yield (title, *cells)


def _baselines(report: EvaluationReport) -> ReportTable:
    """Return the classical baselines under the same conditions, and the gain of the network."""
    sides, shown = report.conditions, report.gained
    columns = [f"{_title(metric)} {name}" for name in _sides(report) for metric in shown]
    network = (_cell(side.metrics, metric) for side in sides for metric in shown)
    rows: list[tuple[Cell, ...]] = [(report.fusion, *network)]
    for name in report.classical or {}:
        models = [(side.classical or {})[name] for side in sides]
        rows.append((name, *(_cell(each.metrics, m) for each in models for m in shown)))
        rows.append(("  gain over it", *(_gain(each, m) for each in models for m in shown)))
    title = "classical baselines: the network's gain over each, with the 95 % interval"
    return ReportTable(title, ("system", *columns), tuple(rows))


def _gain(baseline: BaselineReport, metric: str) -> str:
    gain = baseline.gain_in(metric)
    return f"{number(gain.mean, signed=True)} ({bounds(gain.ci_clips or gain.ci)})" if gain else "-"


def _sides(report: EvaluationReport) -> tuple[str, ...]:
    return ("clean", "corrupted")[: len(report.conditions)]


def _agreement(report: EvaluationReport, blank: Sequence[Cell]) -> list[tuple[Cell, ...]]:
    """Return the raters' alpha, and that with the network as one more rater."""
    each = [side.agreement for side in report.conditions]
    raters = (_number(a.alpha if a else math.nan) for a in each)
    joined = (_number(a.alpha_with_network if a else math.nan) for a in each)
    return [
        ("alpha of raters", *raters, *blank),
        ("  with the network", *joined, *blank),
    ]


def _folds(report: EvaluationReport) -> ReportTable:
    """Each fold by itself, mean over the seeds."""
    names, shown = (
        ["clean", *(["corrupted"] if report.folds[0].corrupted else [])],
        report.clean.shown,
    )
    columns = [f"{_title(metric)} {name}" for name in names for metric in shown]
    rows = (
        (fold.fold, fold.n, *(_cell(side, metric) for side in sides for metric in shown))
        for fold in report.folds
        for sides in [filter(None, (fold.clean, fold.corrupted))]
    )
    return ReportTable("folds", ("fold", "clips", *columns), tuple(rows))


def _classes(report: EvaluationReport) -> ReportTable:
    """Return two metrics of each class, means over the seeds; pages have more."""
    shown = shown_of_classes(report.task, report.clean.per_class)
    keys = tuple(dict.fromkeys((shown[0], shown[-1])))
    columns = [f"{_title(key)} {name}" for name in _sides(report) for key in keys]
    rows = (
        (
            name,
            int(metrics["n"]),
            *(_number(side.per_class[name][key]) for side in report.conditions for key in keys),
        )
        for name, metrics in report.clean.per_class.items()
    )
    return ReportTable("classes", ("class", "clips", *columns), tuple(rows))


def confusions(classes: Sequence[str], confusion: Confusions) -> Iterator[ReportTable]:
    """Return the confusion matrix of each condition, in per cent of each row."""
    for label, matrix in confusion.items():
        rows = (
            (name, *(_percent(count, sum(row)) for count in row))
            for name, row in zip(classes, matrix, strict=True)
        )
        yield ReportTable(f"confusion in % of each row, {label}", ("shown", *classes), tuple(rows))


def _repair(report: EvaluationReport) -> ReportTable:
    rows = (
        (
            condition.label,
            modality,
            flags.clips,
            flags.corrupted,
            _percent(flags.detected, flags.corrupted),
            _percent(flags.flagged - flags.detected, flags.clips - flags.corrupted),
            flags.regenerated,
        )
        for condition in (*report.conditions, *report.sweep)
        for modality, flags in (condition.flagged or {}).items()
    )
    columns = ("condition", "modality", "clips", "corrupted", "TPR %", "FPR %", "regenerated")
    return ReportTable(f"repair: {report.repair}", columns, tuple(rows))


def _sweep(report: EvaluationReport) -> ReportTable:
    shown = report.clean.shown
    rows = (
        (condition.label, *(_cell(condition.metrics, name) for name in shown))
        for condition in (report.clean, *report.sweep)
    )
    return ReportTable("sweep", ("condition", *map(_title, shown)), tuple(rows))


def _title(name: str) -> str:
    return name.replace("_", " ")


def _cell(metrics: Mapping[str, float], name: str) -> Cell:
    """Return a metric; of several seeds, with its spread."""
    value, std = metrics[name], metrics.get(f"{name}_std", math.nan)
    return _number(value) if math.isnan(value + std) else spread(value, std)


def _number(value: float) -> Cell:
    return NO_NUMBER if math.isnan(value) else float(value)


def _percent(part: float, whole: float) -> Cell:
    return round(100 * part / whole) if whole else "-"
