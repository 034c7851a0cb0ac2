"""The presentation of an experiment's report: Markdown tables and drawings."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from emocli.display import printable
from emocli.experiments.report import AnalysisReport, Data, ExperimentReport, RowReport
from emocli.report.canvas import COLOURS, MARKERS, canvas, legend, render, style
from emocli.report.tables import Cell

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROOM = 0.5
"""Height of a row of the drawing, in inches."""

PANELS = 4
"""Classes drawn side by side."""


def markdown(report: ExperimentReport) -> str:
    """Write the rows under their conditions, metric by metric, comparisons and trainings."""
    parts = [f"# {report.title}", _lead(report)]
    for index, metric in enumerate(report.metrics):
        what = report.protocols.get(metric, "")
        parts += [f"## {metric} ({what})", _table(report, metric)]
        if index == 0:
            parts += [*_chosen(report), *_compared(report), *_recovered(report)]
    for metric in report.by_class:
        parts += [f"## {metric} of each class, {_starts(report)}", _classes(report, metric)]
    if report.sweeps:
        parts += [f"## {report.metrics[0]} over settings", "![sweeps](figure-sweeps.png)"]
    for analysis in report.analyses:
        parts += [f"## {printable(analysis.name)}", *_analysed(analysis)]
    parts += ["## Cost", _trainings(report)]
    absent = [f"- {row.row}: {row.lacking}" for row in report.rows if row.lacking]
    if absent:
        parts += ["## Not run", "\n".join(absent)]
    notes = [*report.warnings, *report.notes]
    if notes:
        parts += ["## Notes", "\n".join(f"- {note}" for note in notes)]
    return "\n\n".join(parts) + "\n"


def conditions(report: ExperimentReport) -> list[str]:
    """Return the names of all conditions, in the order they first appear."""
    return list(dict.fromkeys(c["name"] for row in report.rows for c in row.conditions))


def cells(report: ExperimentReport, metric: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each row's name and its text for each condition; empty where it was not tested."""
    names = conditions(report)
    for row in report.rows:
        tested = {c["name"]: c for c in row.conditions}
        yield row.row, [value(tested[name], metric) if name in tested else "" for name in names]


def value(condition: Data, metric: str) -> str:
    """Write a metric; of several seeds, with its spread."""
    mean, std = condition.get(metric), condition.get(f"{metric}_std")
    if mean is None:
        return "-"
    return f"{mean:.3f}" if std is None else f"{mean:.3f} ± {std:.3f}"


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

    Bars are the standard deviation over the seeds; crosses are what the paper printed.
    """
    metric, names = report.metrics[0], conditions(report)
    done = [row for row in report.rows if row.conditions]
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
    """Draw a panel per class and in it a line per row; bars are the spread over the seeds."""
    metric, names = report.by_class[0], report.classes
    done = [row for row in report.rows if row.conditions]
    columns = min(len(names), PANELS)
    lines = -(-len(names) // columns)
    size = (2.6 + 1.9 * columns, 1.1 + lines * (0.6 + ROOM * len(done) / 2))
    drawing, panels = canvas(*size, columns, lines, sharex=True, sharey=True)
    for axes, name in zip(panels, names, strict=False):
        points = list(enumerate(row.conditions[0]["per_class"][name] for row in done))
        _points(axes, metric, points, marker="o", markersize=4, color=COLOURS[0])
        axes.set_title(name)
        axes.grid(axis="x", alpha=0.3)
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    panels[0].set_yticks(range(len(done)), [row.row for row in done])
    panels[0].invert_yaxis()
    drawing.suptitle(textwrap.fill(f"{report.title} · {report.dataset}", 60))
    drawing.supxlabel(f"{metric.replace('_', ' ')}, {_starts(report)}")
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


def _analysed(analysis: AnalysisReport) -> Iterator[str]:
    """Write what an analysis says, and show what it draws."""
    for table in analysis.tables:
        yield printable(" ".join(table.title.split()))
        lines = [_line(table.columns), _line(["---"] * len(table.columns))]
        lines += [_line([_text(cell) for cell in row]) for row in table.rows]
        yield "\n".join(lines)
    yield from (f"![{analysis.row}]({name})" for name in analysis.figures if name.endswith("png"))


def _text(cell: Cell) -> str:
    if not isinstance(cell, float):
        return str(cell)
    return f"{cell:.3f}" if math.isfinite(cell) else "-"


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


def _lead(report: ExperimentReport) -> str:
    features = dict.fromkeys(name for row in report.rows for name in row.features)
    folds = (
        f"{report.config.folds} folds, pooled"
        if report.config.folds
        else "the manifest's test split"
    )
    return (
        f"`emocli reproduce {report.experiment}` on {report.dataset}: {report.n} test "
        f"clips ({folds}), {report.config.seeds} seeds, preset `{report.config.preset}`, features "
        f"{', '.join(features)}. Mean ± standard deviation over the seeds; in "
        "brackets what the paper printed."
    )


def _table(report: ExperimentReport, metric: str) -> str:
    """Write a metric of every row under every condition, what the paper printed in brackets."""
    names = conditions(report)
    claims = {row.row: row.printed for row in report.rows}
    rows = [
        [
            row,
            *(
                _with_claim(text, claims[row].get(name, {}).get(metric))
                for name, text in zip(names, texts, strict=True)
            ),
        ]
        for row, texts in cells(report, metric)
    ]
    return _grid(["system", *names], rows)


def _with_claim(text: str, claim: float | None) -> str:
    return text if claim is None else f"{text} ({claim:.3f})".strip()


def _chosen(report: ExperimentReport) -> Iterator[str]:
    """Say which of the alternatives is best on the valid clips."""
    chosen = report.chosen
    if chosen:
        rest = ", ".join(f"{name} {valid:.3f}" for name, valid in chosen["valid"].items())
        yield f"On the validation clips **{chosen['row']}** is best ({chosen['figure']}: {rest})."


def _starts(report: ExperimentReport) -> str:
    """Name the condition that comes first in every row that was tested, or say that they differ."""
    names = {row.conditions[0]["name"] for row in report.rows if row.conditions}
    return names.pop() if len(names) == 1 else "each system under its first condition"


def _classes(report: ExperimentReport, metric: str) -> str:
    """Write a metric class by class."""
    names, done = report.classes, [row for row in report.rows if row.conditions]
    scores = [(row.row, row.conditions[0]["per_class"]) for row in done]
    rows = [[row, *(value(of[name], metric) for name in names)] for row, of in scores]
    return _grid(["system", *names], rows)


def _compared(report: ExperimentReport) -> Iterator[str]:
    """Say how rows compare: the difference, and how much less the first loses by a condition."""
    if not report.comparisons:
        return
    columns = ["first - second", "condition", "difference", "p", "of what the condition costs", "p"]
    rows = [
        [
            " - ".join(pair["rows"]),
            pair["condition"],
            *_interval(pair["difference"]),
            *(_interval(pair["loss"]) if pair.get("loss") else ("", "")),
        ]
        for pair in report.comparisons
    ]
    metric = report.comparisons[0]["figure"]
    yield (
        f"Paired by clip, {metric}; {report.interval}. A loss is what a condition costs a "
        "system: where its difference is negative the first one loses less."
    )
    yield _grid(columns, rows, left=2)


def _recovered(report: ExperimentReport) -> Iterator[str]:
    """Say how much of what lies between two rows others make up for."""
    if not report.recoveries:
        return
    rows = [[*each["rows"], _interval(each["share"])[0]] for each in report.recoveries]
    yield (
        f"How much of the {report.recoveries[0]['figure']} between two rows a system makes up "
        f"for, each under its first condition; {report.interval}."
    )
    yield _grid(["system", "from", "to", "share"], rows, left=3)


def _interval(interval: Data) -> tuple[str, str]:
    if interval["mean"] is None:
        return "-", "-"
    bounds = ""
    for key, over in (("ci", ""), ("ci_clips", " over clips")):
        low, high = interval.get(key, (None, None))
        if low is not None and not bounds:
            bounds = f" ({low:+.3f} to {high:+.3f}{over})"
    return f"{interval['mean']:+.3f}{bounds}", _p(interval["p"])


def _p(value: float | None) -> str:
    """Write a p, which is never 0."""
    if value is None:
        return "-"
    return f"{value:.3f}" if value >= 0.0005 else "< 0.001"


def _trainings(report: ExperimentReport) -> str:
    rows = [_training(row) for row in report.rows if row.conditions]
    return _grid(["system", "is", "parameters", "best epochs", "training"], rows, left=2)


def _training(row: RowReport) -> list[str]:
    epochs, seconds = row.best_epochs, row.seconds
    chosen = ", ".join(f"{value:g}" for value in row.C or ())
    return [
        row.row,
        f"{row.system}{f', C = {chosen}' if chosen else ''}",
        "" if row.parameters is None else f"{row.parameters:,}",
        f"{min(epochs)} to {max(epochs)}" if epochs else "",
        f"{seconds:,.0f} s" if seconds else "",
    ]


def _grid(columns: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Write a Markdown table; all columns but the first ``left`` are aligned to the right."""
    marks = ["---"] * left + ["---:"] * (len(columns) - left)
    return "\n".join(map(_line, (columns, marks, *rows)))


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(map(_shown, texts))} |"


def _shown(text: str) -> str:
    """Write a cell: names of classes are the corpus's own, and may be anything."""
    return re.sub(r"[<\[`]", r"\\\g<0>", printable(text).replace("|", "/"))
