"""An experiment's report to be read: Markdown tables, and the rows drawn side by side."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from emocli.display import printable
from emocli.experiments.report import AnalysisReport, Data, ExperimentReport
from emocli.report.canvas import COLOURS, MARKERS, canvas, legend, render, style
from emocli.report.tables import Cell

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOM = 0.5
"""Height of a row of the drawing, in inches."""

PANELS = 4
"""Classes drawn side by side."""


def markdown(report: ExperimentReport) -> str:
    """Write the rows under their conditions, a table per figure, the comparisons and the costs."""
    parts = [f"# {report.title}", _lead(report)]
    for index, figure in enumerate(report.figures):
        what = report.protocols.get(figure, "")
        parts += [f"## {figure} ({what})", _table(report, figure, printed=True)]
        if index == 0:
            parts += [*_chosen(report), *_compared(report), *_recovered(report)]
    for figure in report.by_class:
        parts += [f"## {figure} of each class, {_starts(report)}", _classes(report, figure)]
    if report.sweeps:
        parts += [f"## {report.figures[0]} over settings", "![sweeps](figure-sweeps.png)"]
    for analysis in report.analyses:
        parts += [f"## {printable(analysis.name)}", *_analysed(analysis)]
    parts += ["## Cost", _costs(report)]
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


def cells(report: ExperimentReport, figure: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each row's name and its text for each condition; empty where it was not tested."""
    names = conditions(report)
    for row in report.rows:
        tested = {c["name"]: c for c in row.conditions}
        yield row.row, [value(tested[name], figure) if name in tested else "" for name in names]


def value(condition: Data, figure: str) -> str:
    """Write a figure; of several seeds, with its spread."""
    mean, std = condition.get(figure), condition.get(f"{figure}_std")
    if mean is None:
        return "-"
    return f"{mean:.3f}" if std is None else f"{mean:.3f} ± {std:.3f}"


def draw(report: ExperimentReport) -> dict[str, bytes]:
    """Draw the first figure of merit of every row.

    Returns
    -------
    dict
        ``.png`` and ``.svg`` to the drawing; with a figure that is shown class by class, also
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
    figure, names = report.figures[0], conditions(report)
    done = [row for row in report.rows if row.conditions]
    drawing, (axes,) = canvas(7.6, 1.2 + ROOM * len(done))
    for index, name in enumerate(names):
        shift = 0.5 * ((index + 1) / (len(names) + 1) - 0.5)
        points = [
            (place + shift, c)
            for place, row in enumerate(done)
            for c in row.conditions
            if c["name"] == name and c[figure] is not None
        ]
        colour = COLOURS[index % len(COLOURS)]
        axes.errorbar(
            [c[figure] for _, c in points],
            [y for y, _ in points],
            xerr=[c.get(f"{figure}_std") or 0.0 for _, c in points],
            linestyle="none",
            markersize=5,
            label=name,
            color=colour,
            marker=MARKERS[index % len(MARKERS)],
        )
        printed = [
            (row.printed[name][figure], place + shift)
            for place, row in enumerate(done)
            if figure in row.printed.get(name, {})
        ]
        label = f"{name}, printed"
        if printed:
            axes.scatter(*zip(*printed, strict=True), marker="x", color=colour, label=label)
    axes.set_yticks(range(len(done)), [row.row for row in done])
    axes.invert_yaxis()
    axes.set_xlabel(figure.replace("_", " "))
    title = f"{report.title} · {report.dataset}, {report.n} clips"
    axes.set_title(textwrap.fill(title, 60))
    axes.grid(axis="x", alpha=0.3)
    legend(axes)
    return drawing


def classes(report: ExperimentReport) -> Figure:
    """Draw a panel per class and in it a line per row; bars are the spread over the seeds."""
    figure, names = report.by_class[0], report.classes
    done = [row for row in report.rows if row.conditions]
    columns = min(len(names), PANELS)
    lines = -(-len(names) // columns)
    size = (2.6 + 1.9 * columns, 1.1 + lines * (0.6 + ROOM * len(done) / 2))
    drawing, panels = canvas(*size, columns, lines, sharex=True, sharey=True)
    for axes, name in zip(panels, names, strict=False):
        scores = [row.conditions[0]["per_class"][name] for row in done]
        axes.errorbar(
            [math.nan if one[figure] is None else one[figure] for one in scores],
            range(len(done)),
            xerr=[one.get(f"{figure}_std") or 0.0 for one in scores],
            linestyle="none",
            marker="o",
            markersize=4,
            color=COLOURS[0],
        )
        axes.set_title(name)
        axes.grid(axis="x", alpha=0.3)
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    panels[0].set_yticks(range(len(done)), [row.row for row in done])
    panels[0].invert_yaxis()
    drawing.suptitle(textwrap.fill(f"{report.title} · {report.dataset}", 60))
    drawing.supxlabel(f"{figure.replace('_', ' ')}, {_starts(report)}")
    return drawing


def sweeps(report: ExperimentReport) -> Figure:
    """Draw the first figure of merit over each swept setting; bars are the seeds' spread."""
    figure = report.figures[0]
    tested = {(row.row, c["name"]): c for row in report.rows for c in row.conditions}
    count = len(report.sweeps)
    drawing, panels = canvas(1.2 + 3.6 * count, 4.0, columns=count, sharey=True)
    for axes, sweep in zip(panels, report.sweeps, strict=True):
        for index, line in enumerate(sweep.lines):
            known = [(p.value, tested.get((p.row, p.condition), {})) for p in line.points]
            points = [(x, c[figure], c.get(f"{figure}_std") or 0.0) for x, c in known if c]
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
    panels[0].set_ylabel(figure.replace("_", " "))
    title = f"{report.title} · {report.dataset}, {report.n} clips"
    drawing.suptitle(textwrap.fill(title, 14 + 40 * count))
    return drawing


def _analysed(analysis: AnalysisReport) -> Iterator[str]:
    """Write what an analysis says, and show what it draws."""
    for table in analysis.tables:
        yield table.title
        lines = [_line(table.columns), _line(["---"] * len(table.columns))]
        lines += [_line([_text(cell) for cell in row]) for row in table.rows]
        yield "\n".join(lines)
    yield from (f"![{analysis.row}]({name})" for name in analysis.figures if name.endswith("png"))


def _text(cell: Cell) -> str:
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)


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


def _table(report: ExperimentReport, figure: str, printed: bool) -> str:
    names = conditions(report)
    lines = [_line(["system", *names]), _line(["---", *["---:"] * len(names)])]
    claims = {row.row: row.printed for row in report.rows}
    for row, texts in cells(report, figure):
        shown = [
            _with_claim(text, claims[row].get(name, {}).get(figure) if printed else None)
            for name, text in zip(names, texts, strict=True)
        ]
        lines.append(_line([row, *shown]))
    return "\n".join(lines)


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


def _classes(report: ExperimentReport, figure: str) -> str:
    """Write a figure class by class."""
    names = report.classes
    lines = [_line(["system", *names]), _line(["---", *["---:"] * len(names)])]
    for row in report.rows:
        if row.conditions:
            scores = row.conditions[0]["per_class"]
            lines.append(_line([row.row, *(value(scores[name], figure) for name in names)]))
    return "\n".join(lines)


def _compared(report: ExperimentReport) -> Iterator[str]:
    """Say how rows compare: the difference, and how much less the first loses by a condition."""
    if not report.comparisons:
        return
    lines = [
        _line(
            ["first - second", "condition", "difference", "p", "of what the condition costs", "p"]
        ),
        _line(["---", "---", "---:", "---:", "---:", "---:"]),
    ]
    for pair in report.comparisons:
        loss = pair.get("loss")
        lines.append(
            _line(
                [
                    " - ".join(pair["rows"]),
                    pair["condition"],
                    *_interval(pair["difference"]),
                    *(_interval(loss) if loss else ("", "")),
                ]
            )
        )
    figure = report.comparisons[0]["figure"]
    yield (
        f"Paired by clip, {figure}; {report.interval}. A loss is what a condition costs a "
        "system: where its difference is negative the first one loses less."
    )
    yield "\n".join(lines)


def _recovered(report: ExperimentReport) -> Iterator[str]:
    """Say how much of what lies between two rows others make up for."""
    if not report.recoveries:
        return
    lines = [_line(["system", "from", "to", "share"]), _line(["---", "---", "---", "---:"])]
    lines += [_line([*each["rows"], _interval(each["share"])[0]]) for each in report.recoveries]
    yield (
        f"How much of the {report.recoveries[0]['figure']} between two rows a system makes up "
        f"for, each under its first condition; {report.interval}."
    )
    yield "\n".join(lines)


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


def _costs(report: ExperimentReport) -> str:
    lines = [
        _line(["system", "is", "parameters", "best epochs", "training"]),
        _line(["---", "---", "---:", "---:", "---:"]),
    ]
    for row in report.rows:
        if not row.conditions:
            continue
        epochs, seconds = row.best_epochs, row.seconds
        chosen = ", ".join(f"{value:g}" for value in row.C or ())
        lines.append(
            _line(
                [
                    row.row,
                    f"{row.system}{f', C = {chosen}' if chosen else ''}",
                    "" if row.parameters is None else f"{row.parameters:,}",
                    f"{min(epochs)} to {max(epochs)}" if epochs else "",
                    f"{seconds:,.0f} s" if seconds else "",
                ]
            )
        )
    return "\n".join(lines)


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(map(_shown, texts))} |"


def _shown(text: str) -> str:
    """Write a cell: names of classes are the corpus's own, and may be anything."""
    return re.sub(r"[<\[`]", r"\\\g<0>", printable(text).replace("|", "/"))
