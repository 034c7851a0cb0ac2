"""The report of the modality check's analysis drawn: curves over the noise, and confusions."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from emocli.analysis.check._report import CheckReport
from emocli.report.canvas import COLOURS, GREY, MARKERS, canvas, legend
from emocli.report.tables import Cell, ReportTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL = 3.1
"""Inches."""

STYLES = (("detected", "found", "-"), ("blamed", "others blamed", "--"))
"""Share that is drawn, its label and its line."""

ASIDE = 9
"""Left of the strongest noise, in dB: where another clip's features are drawn."""


def draw(report: CheckReport) -> dict[str, Figure]:
    """Draw curves over the noise, ROC curves and confusions; name a figure by its file's end."""
    return {"": curves(report), "-roc": rocs(report), "-confusion": confusions(report)}


def tabulate(report: CheckReport) -> tuple[ReportTable, ...]:
    """Return the shares that are flagged at each level, and flagged against corrupted clips."""
    names = list(report.settings)
    rows: list[tuple[Cell, ...]] = [
        (
            point.modality,
            point.label,
            *(
                round(100 * share)
                for name in names
                for share in (point.rates[name].detected, point.rates[name].blamed)
            ),
            point.roc.area,
        )
        for point in report.points
    ]
    columns = [f"{name} {which} %" for name in names for which in ("found", "false")]
    title = f"modality check on {report.n} clips of {report.dataset} ({report.split})"
    detection = ReportTable(title, ("modality", "noise", *columns, "ROC area"), tuple(rows))
    return detection, *(_confusion(report, name) for name in names)


def curves(report: CheckReport) -> Figure:
    """Draw the share that is flagged against the level of the noise, a panel per modality.

    Dashed: the share of the other modalities that are blamed.
    """
    names = report.modalities
    drawing, panels = canvas(PANEL * len(names) + 1.2, PANEL, len(names), sharey=True)
    for axes, modality in zip(panels, names, strict=True):
        points = [point for point in report.points if point.modality == modality]
        levels = {p.snr_db: p for p in points if p.snr_db is not None}
        other = [point for point in points if point.snr_db is None]
        place = min(levels) - ASIDE
        for index, name in enumerate(report.settings):
            colour = COLOURS[index]
            for field, label, line in STYLES:
                values = [getattr(point.rates[name], field) for point in levels.values()]
                axes.plot(list(levels), values, line, color=colour, label=f"{name}: {label}")
                filled = colour if line == "-" else "none"
                for point in other:
                    value = getattr(point.rates[name], field)
                    axes.plot(place, value, MARKERS[index], color=colour, markerfacecolor=filled)
        _label(axes, list(levels), modality)
    panels[0].set_ylabel("share of the clips")
    legend(panels[-1])
    title = f"{report.of} \u00b7 {report.dataset}, {report.split}"
    drawing.suptitle(textwrap.fill(title, 60))
    return drawing


def rocs(report: CheckReport) -> Figure:
    """Draw detected against blamed clips as the limits are moved, a panel per modality."""
    names = report.modalities
    drawing, panels = canvas(PANEL * len(names) + 1.4, PANEL, len(names), sharey=True)
    for axes, modality in zip(panels, names, strict=True):
        points = [point for point in report.points if point.modality == modality]
        shades = np.linspace(0.85, 0.0, len(points))
        for point, shade in zip(points, shades, strict=True):
            colour = COLOURS[1] if point.snr_db is None else str(shade)
            axes.plot(point.roc.blamed, point.roc.detected, color=colour, label=point.label)
        axes.plot([0, 1], [0, 1], ":", color=GREY, linewidth=1)
        axes.set_xlabel("clean clips flagged")
        axes.set_title(modality)
    panels[0].set_ylabel("corrupted clips flagged")
    legend(panels[-1], fontsize=8)
    return drawing


def confusions(report: CheckReport) -> Figure:
    """Draw what is flagged (columns) against what is corrupted (rows), a panel per setting."""
    names = list(report.confusion)
    drawing, panels = canvas(PANEL * len(names) + 0.6, PANEL, len(names))
    for axes, name in zip(panels, names, strict=True):
        table = report.confusion[name]
        columns = list(next(iter(table.values())))
        counts = np.array([list(row.values()) for row in table.values()], float)
        shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
        for row, column in np.ndindex(*shares.shape):
            colour = "white" if shares[row, column] > 55 else "black"
            text = f"{counts[row, column]:.0f}"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
        axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right")
        axes.set_yticks(range(len(table)), list(table))
        axes.set_title(name)
        axes.set_xlabel("flagged")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    panels[0].set_ylabel(f"corrupted ({report.protocol})")
    return drawing


def _label(axes: Axes, levels: Sequence[float], modality: str) -> None:
    ticks = [level for level in levels if level % 10 == 0]
    place = min(levels) - ASIDE
    axes.set_xticks([*ticks, place], [*(f"{tick:g}" for tick in ticks), "other\nclip"])
    axes.set_xlabel("SNR (dB)")
    axes.set_ylim(-0.03, 1.03)
    axes.grid(axis="y", alpha=0.3)
    axes.set_title(modality)


def _confusion(report: CheckReport, name: str) -> ReportTable:
    table = report.confusion[name]
    columns = ("corrupted", *next(iter(table.values())))
    rows: Iterator[tuple[Cell, ...]] = (
        (truth, *counts.values()) for truth, counts in table.items()
    )
    return ReportTable(f"flagged under {report.protocol}, {name}", columns, tuple(rows))
