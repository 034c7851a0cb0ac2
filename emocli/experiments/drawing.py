"""The drawings of an experiment's report."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from emocli.experiments.report import Data, ExperimentReport
from emocli.report.canvas import COLOURS, MARKERS, canvas, legend, render, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROOM = 0.5
"""Height of a row of the drawing, in inches."""

PANELS = 4
"""Classes drawn side by side."""


def conditions(report: ExperimentReport) -> list[str]:
    """Return the names of all conditions, in the order they first appear."""
    return list(dict.fromkeys(name for row in report.rows for name in row.columns))


def draw(report: ExperimentReport) -> dict[str, bytes]:
    """Draw the first metric of every row.

    Returns
    -------
    dict
        ``.png`` and ``.svg`` to the drawing; with a metric that is shown class by class, also
        ``-classes.png`` and ``-classes.svg``, and with sweeps ``-sweeps.png`` and ``-sweeps.svg``.
    """
    with style():
        more = {"-classes": classes(report)} if report.by_class else {}
        if report.sweeps:
            more["-sweeps"] = sweeps(report)
        return render({"": rows(report), **more})


def rows(report: ExperimentReport) -> Figure:
    """Draw a line per row and a marker per condition.

    Bars are the standard deviation over the seeds; crosses are what was printed, of the row or of
    one that is only quoted.
    """
    metric, names = report.metrics[0], conditions(report)
    done = [row for row in report.rows if row.columns]
    drawing, (axes,) = canvas(7.6, 1.2 + ROOM * len(done))
    for index, name in enumerate(names):
        shift = 0.5 * ((index + 1) / (len(names) + 1) - 0.5)
        points = [
            (place + shift, c)
            for place, row in enumerate(done)
            for c in row.conditions
            if c["name"] == name and c[metric] is not None
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
    title = f"{report.title} · {report.dataset}, {report.n} clips"
    axes.set_title(textwrap.fill(title, 60))
    axes.grid(axis="x", alpha=0.3)
    legend(axes)
    return drawing


def classes(report: ExperimentReport) -> Figure:
    """Draw a panel per class and in it a line per row; bars are the spread over the seeds.

    Crosses are what was printed.
    """
    metric, names = report.by_class[0], report.classes
    done = [row for row in report.rows if row.conditions]
    columns = min(len(names), PANELS)
    lines = -(-len(names) // columns)
    size = (2.6 + 1.9 * columns, 1.1 + lines * (0.6 + ROOM * len(done) / 2))
    drawing, panels = canvas(*size, columns, lines, sharex=True, sharey=True)
    for axes, name in zip(panels, names, strict=False):
        points = list(enumerate(row.conditions[0]["per_class"][name] for row in done))
        _points(axes, metric, points, marker="o", markersize=4, color=COLOURS[0])
        claims = ((row.printed_by_class.get(metric, {}), k) for k, row in enumerate(done))
        printed = [(own[name], place) for own, place in claims if name in own]
        if printed:
            axes.scatter(*zip(*printed, strict=True), marker="x", color=COLOURS[1])
        axes.set_title(name)
        axes.grid(axis="x", alpha=0.3)
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    panels[0].set_yticks(range(len(done)), [row.row for row in done])
    panels[0].invert_yaxis()
    drawing.suptitle(textwrap.fill(f"{report.title} · {report.dataset}", 60))
    crosses = "; crosses: printed" if any(metric in row.printed_by_class for row in done) else ""
    drawing.supxlabel(f"{metric.replace('_', ' ')}, {starts(report)}{crosses}")
    return drawing


def sweeps(report: ExperimentReport) -> Figure:
    """Draw the first metric over each swept setting; bars are the seeds' spread."""
    metric = report.metrics[0]
    tested = {(row.row, c["name"]): c for row in report.rows for c in row.conditions}
    count = len(report.sweeps)
    drawing, panels = canvas(1.2 + 3.6 * count, 4.0, columns=count, sharey=True)
    for axes, sweep in zip(panels, report.sweeps, strict=True):
        for index, line in enumerate(sweep.lines):
            known = [(p.value, tested.get((p.row, p.condition), {})) for p in line.points]
            points = [(x, c[metric], c.get(f"{metric}_std") or 0.0) for x, c in known if c]
            if points:
                x, y, spread = zip(*points, strict=True)
                axes.errorbar(
                    x,
                    [math.nan if value is None else value for value in y],
                    yerr=spread,
                    marker=MARKERS[index % len(MARKERS)],
                    markersize=5,
                    capsize=2,
                    color=COLOURS[index % len(COLOURS)],
                    label=line.name,
                )
        axes.set_xscale("log" if sweep.log else "linear")
        ticks = sorted({point.value for line in sweep.lines for point in line.points})
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel(sweep.setting)
        axes.grid(alpha=0.3)
        if axes.has_data():
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False)
    panels[0].set_ylabel(metric.replace("_", " "))
    title = f"{report.title} · {report.dataset}, {report.n} clips"
    drawing.suptitle(textwrap.fill(title, 14 + 40 * count))
    return drawing


def _points(axes: Axes, metric: str, points: Sequence[tuple[float, Data]], **look: Any) -> None:
    """Draw scores by their place on the y axis, with bars for the spread over the seeds."""
    scores = [score for _, score in points]
    axes.errorbar(
        [math.nan if score[metric] is None else score[metric] for score in scores],
        [place for place, _ in points],
        xerr=[score.get(f"{metric}_std") or 0.0 for score in scores],
        linestyle="none",
        **look,
    )


def starts(report: ExperimentReport) -> str:
    """Name the condition that comes first in every row that was tested, or say that they differ."""
    names = {row.conditions[0]["name"] for row in report.rows if row.conditions}
    return names.pop() if len(names) == 1 else "each system under its first condition"
