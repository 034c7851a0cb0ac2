"""The drawings of an experiment's report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from emocli.experiments.report import ExperimentReport
from emocli.report.canvas import SCREEN, Drawing, Style, render
from emocli.report.palette import COLOURS, MARKERS, line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOM = 0.5
"""Height of a row of the drawing, in inches."""

PANELS = 4
"""Classes drawn side by side."""


def conditions(report: ExperimentReport) -> list[str]:
    """Return the names of all conditions, in the order they first appear."""
    return list(dict.fromkeys(name for row in report.rows for name in row.columns))


def draw(report: ExperimentReport, style: Style = SCREEN) -> dict[str, bytes]:
    """Draw the first metric of every row.

    Returns
    -------
    dict
        ``.png`` and ``.svg`` to the drawing, ``.txt`` to its caption; with a metric that is shown
        class by class, also ``-classes.png`` and so on, and with sweeps ``-sweeps.png``.
    """
    with style.active():
        more = {"-classes": classes(report, style)} if report.by_class else {}
        if report.sweeps:
            more["-sweeps"] = sweeps(report, style)
        return render({"": rows(report, style), **more}, style)


def about(report: ExperimentReport) -> str:
    """Title of the figures: the table, and its clips."""
    return f"{report.title} \u00b7 {report.dataset}, {report.n} clips"


def rows(report: ExperimentReport, style: Style = SCREEN) -> Drawing:
    """Draw a line per row and a marker per condition.

    Bars are the standard deviation over the seeds; crosses are what was printed, of the row or of
    one that is only quoted.
    """
    metric, names = report.metrics[0], conditions(report)
    done = [row for row in report.rows if row.columns]
    drawing, (axes,) = style.canvas(6.4, 1.4 + ROOM * len(done))
    for index, name in enumerate(names):
        shift = 0.5 * ((index + 1) / (len(names) + 1) - 0.5)
        points = [
            (place + shift, c.metrics)
            for place, row in enumerate(done)
            for c in row.conditions
            if c.name == name and not math.isnan(c.metrics[metric])
        ]
        colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        if points:
            _points(axes, metric, points, markersize=5, label=name, color=colour, marker=marker)
        printed = [
            (row.printed[name][metric], place + shift)
            for place, row in enumerate(done)
            if metric in row.printed.get(name, {})
        ]
        label = f"{name}, printed"
        if printed:
            axes.scatter(*zip(*printed, strict=True), marker="x", color=colour, label=label)
    axes.set_yticks(range(len(done)), [row.row for row in done])
    axes.invert_yaxis()
    axes.set_xlabel(metric.replace("_", " "))
    axes.grid(axis="both", alpha=0.3)
    style.legend(drawing)
    return style.drawing(drawing, about(report), rows_caption(report))


def rows_caption(report: ExperimentReport) -> str:
    """Say what `rows` shows."""
    metric = report.metrics[0]
    return (
        f"{_capital(metric)} of every row on {report.n} clips of {report.dataset}, a marker per "
        f"condition{_spread(report)}. Crosses: what the paper printed, on its own test set and "
        "features. The distance of rows is tested clip by clip in the table, not by these bars."
    )


def classes(report: ExperimentReport, style: Style = SCREEN) -> Drawing:
    """Draw a panel per class and in it a line per row; bars are the spread over the seeds.

    Crosses are what was printed.
    """
    metric, names = report.by_class[0], report.classes
    done = [row for row in report.rows if row.conditions]
    size = (1.9, 0.6 + ROOM * len(done) / 2)
    drawing, panels = style.panels(len(names), *size, most=PANELS, sharex=True, sharey=True)
    for axes, name in zip(panels, names, strict=True):
        tested = [row.conditions[0].per_class or {} for row in done]
        points = list(enumerate(per_class[name] for per_class in tested))
        _points(axes, metric, points, marker="o", markersize=4, color=COLOURS[0])
        claims = ((row.printed_by_class.get(metric, {}), k) for k, row in enumerate(done))
        printed = [(own[name], place) for own, place in claims if name in own]
        if printed:
            axes.scatter(*zip(*printed, strict=True), marker="x", color=COLOURS[1])
        axes.set_title(name)
        axes.grid(axis="both", alpha=0.3)
    panels[0].set_yticks(range(len(done)), [row.row for row in done])
    panels[0].invert_yaxis()
    crosses = "; crosses: printed" if any(metric in row.printed_by_class for row in done) else ""
    what = f"{metric.replace('_', ' ')}, {starts(report)}{crosses}"
    drawing.supxlabel(style.wrap(what, drawing.get_figwidth()), fontsize=style.size)
    return style.drawing(drawing, about(report), classes_caption(report))


def classes_caption(report: ExperimentReport) -> str:
    """Say what `classes` shows."""
    return (
        f"{_capital(report.by_class[0])} of each class on {report.n} clips of {report.dataset}, "
        f"{starts(report)}{_spread(report)}. Crosses: what the paper printed."
    )


def sweeps(report: ExperimentReport, style: Style = SCREEN) -> Drawing:
    """Draw the first metric over each swept setting; bars are the seeds' spread."""
    metric = report.metrics[0]
    tested = {(row.row, c.name): c.metrics for row in report.rows for c in row.conditions}
    drawing, panels = style.panels(len(report.sweeps), 3.6, 3.6, sharey=True)
    for axes, sweep in zip(panels, report.sweeps, strict=True):
        for index, own in enumerate(sweep.lines):
            known = [(p.value, tested.get((p.row, p.condition), {})) for p in own.points]
            points = [(x, c[metric], _std(c, metric)) for x, c in known if c]
            if points:
                x, heights, spread = zip(*points, strict=True)
                look = line(index, len(sweep.lines))
                axes.errorbar(x, heights, yerr=spread, capsize=2, label=own.name, **look)
        axes.set_xscale("log" if sweep.log else "linear")
        ticks = sorted({point.value for own in sweep.lines for point in own.points})
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel(sweep.setting)
        axes.grid(alpha=0.3)
        if axes.has_data():
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False)
    panels[0].set_ylabel(metric.replace("_", " "))
    return style.drawing(drawing, about(report), sweeps_caption(report))


def sweeps_caption(report: ExperimentReport) -> str:
    """Say what `sweeps` shows."""
    settings = ", ".join(sweep.setting for sweep in report.sweeps)
    return (
        f"{_capital(report.metrics[0])} on {report.n} clips of {report.dataset} over {settings}; "
        f"whatever is not swept keeps its setting{_spread(report)}."
    )


def _capital(metric: str) -> str:
    return metric.replace("_", " ").capitalize()


def _spread(report: ExperimentReport) -> str:
    if report.seeds < 2:
        return ""
    return (
        f", mean over {report.seeds} seeds; bars: plus and minus their standard deviation, which "
        "is no interval over clips"
    )


def _std(metrics: Mapping[str, float], metric: str) -> float:
    """Return the spread of a metric over the seeds; 0 where there is none."""
    std = metrics.get(f"{metric}_std", 0.0)
    return 0.0 if math.isnan(std) else std


def _points(
    axes: Axes, metric: str, points: Sequence[tuple[float, Mapping[str, float]]], **look: Any
) -> None:
    """Draw metrics by their place on the y axis, with bars for the spread over the seeds."""
    axes.errorbar(
        [metrics[metric] for _, metrics in points],
        [place for place, _ in points],
        xerr=[_std(metrics, metric) for _, metrics in points],
        linestyle="none",
        **look,
    )


def starts(report: ExperimentReport) -> str:
    """Name the condition that comes first in every row that was tested, or say that they differ."""
    names = {row.conditions[0].name for row in report.rows if row.conditions}
    return names.pop() if len(names) == 1 else "each system under its first condition"
