"""Calibration: reliability diagrams and risk-coverage curves."""

from __future__ import annotations

from collections.abc import Iterator

from emocli.evaluation.report import ConditionReport
from emocli.pages.section import Contents, Section
from emocli.report.chart import Chart, ChartLine, legend_of
from emocli.report.document import Grid, Paragraph, Part
from emocli.report.parts import Panels
from emocli.report.tables import number

Sides = dict[str, ConditionReport]
"""Name of a line to the condition that it shows."""


def parts(contents: Contents) -> Iterator[Part]:
    """Yield the errors before and after calibration, and two charts of all runs."""
    sides = _sides(contents)
    errors = [(name, side) for name, side in sides.items() if side.calibration]
    drawn = {name: side for name, side in sides.items() if side.reliability}
    if not errors and not drawn:
        return
    if errors:
        rows = [
            (name, number(c.before), number(c.after))
            for name, side in errors
            for c in [side.calibration]
            if c
        ]
        title = "Expected calibration error (ECE)"
        columns = ("run and condition", "without temperature", "with it")
        yield Grid(columns, rows, title=title)
        yield Paragraph(
            "The temperature was fitted to the validation clips when training ended; these errors "
            "are of the test clips."
        )
    if drawn:
        charts = (_reliability(drawn), _coverage(drawn))
        yield Panels(charts)
        yield legend_of(charts)


def _sides(contents: Contents) -> Sides:
    """Return the clean condition of each run; of one run the corrupted ones, too."""
    if len(contents.runs) > 1:
        return {run.name: run.main.clean for run in contents.runs if run.main}
    return {
        side.label + (f", {each.repair}" if each.repair else ""): side
        for run in contents.runs
        for each in run.own
        for side in each.conditions
    }


def _reliability(sides: Sides) -> Chart:
    lines = []
    for look, (name, side) in enumerate(sides.items()):
        bins = [b for b in (side.reliability.bins if side.reliability else ()) if b.n > 0]
        x, y = (tuple(getattr(b, key) for b in bins) for key in ("confidence", "accuracy"))
        lines.append(ChartLine(name, x, y, look))
    return Chart(
        "Reliability: on the dashed line a probability is what it says",
        *("probability of the predicted class", "share that was right"),
        tuple(lines),
        x_ticks={k / 5: f"{k / 5:.1f}" for k in range(6)},
        y_range=(0.0, 1.0),
        diagonal=True,
    )


def _coverage(sides: Sides) -> Chart:
    lines = [
        ChartLine(name, curve.coverage, tuple(curve.risk), look)
        for look, (name, side) in enumerate(sides.items())
        for curve in [side.reliability]
        if curve
    ]
    return Chart(
        "Risk over coverage: errors among the surest clips",
        *("share of the clips that are answered", "share of errors"),
        tuple(lines),
    )


SECTION = Section(50, "Calibration", parts)
