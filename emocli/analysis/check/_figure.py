"""The report of the modality check's analysis drawn: curves over the noise, and confusions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from emocli.analysis.check._report import CheckReport, Point
from emocli.plugin.analysis.drawing import (
    COLOURS,
    DASHES,
    GREY,
    MARKERS,
    SCREEN,
    SHADES,
    Cell,
    Drawing,
    ReportTable,
    Style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL = 3.1
"""Inches."""

RATES = (("tpr", "TPR"), ("fpr", "FPR"))
"""Rate that is drawn, and its label."""

WIDTHS = (4.6, 2.6, 1.1)
"""Points of the lines of the settings: where they coincide the first ones are seen below."""

ASIDE = 9
"""Left of the strongest noise, in dB: where another clip's features are drawn."""

MOST_CURVES = 5
"""Levels whose ROC curves are drawn: more could not be told apart."""


def draw(report: CheckReport, style: Style = SCREEN) -> dict[str, Drawing]:
    """Draw curves over the noise, ROC curves and confusions; name a figure by its file's end."""
    return {
        "": curves(report, style),
        "-roc": rocs(report, style),
        "-confusion": confusions(report, style),
    }


def about(report: CheckReport) -> str:
    """Title of the figures: whose check, and which clips."""
    return f"modality check of {report.of} · {report.dataset}, {report.split} ({report.n} clips)"


def tabulate(report: CheckReport) -> tuple[ReportTable, ...]:
    """Return true and false positive rates at each level, and confusion matrices."""
    names = list(report.settings)
    rows: list[tuple[Cell, ...]] = [
        (
            point.modality,
            point.label,
            *(
                round(100 * share)
                for name in names
                for share in (point.rates[name].tpr, point.rates[name].fpr)
            ),
            point.roc.area,
        )
        for point in report.points
    ]
    columns = [f"{name} {label} %" for name in names for _, label in RATES]
    title = f"modality check on {report.n} clips of {report.dataset} ({report.split})"
    detection = ReportTable(title, ("modality", "noise", *columns, "ROC area"), tuple(rows))
    return detection, *(_confusion(report, name) for name in names)


def curves(report: CheckReport, style: Style = SCREEN) -> Drawing:
    """Draw true positive rates against the level of the noise, a panel per modality.

    Hollow, dashed: false positive rates, of the other modalities.
    """
    names = report.modalities
    drawing, panels = style.panels(len(names), PANEL, PANEL, sharey=True)
    for axes, modality in zip(panels, names, strict=True):
        points = [point for point in report.points if point.modality == modality]
        levels = {p.snr_db: p for p in points if p.snr_db is not None}
        other = [point for point in points if point.snr_db is None]
        for index, name in enumerate(report.settings):
            for rate, label in RATES:
                look = _look(index, hollow=rate == "fpr")
                shares = [getattr(p.rates[name], rate) for p in levels.values()]
                axes.plot(list(levels), shares, label=f"{name}: {label}", **look)
                for point in other:
                    share = getattr(point.rates[name], rate)
                    axes.plot(min(levels) - ASIDE, share, **look)
        _label(axes, list(levels), modality)
    drawing.supxlabel("signal-to-noise ratio of the corrupted modality (dB)", fontsize=style.size)
    drawing.supylabel("share of the clips", fontsize=style.size)
    style.legend(drawing)
    caption = (
        f"The modality check on {report.n} clips of {report.dataset} ({report.split}). One "
        "modality (title of the panel) has Gaussian noise at the level on the horizontal axis, "
        "or at the far left the features of another clip. Solid: true positive rate (TPR), the "
        "share of these clips in which it is not trusted. Dashed, hollow: false positive rate "
        "(FPR), the share in which another, clean modality is not. `fitted` are the check's own "
        "settings, `literal` and `paper` the readings of the paper, fitted on the same clips."
    )
    return style.drawing(drawing, about(report), caption)


def _look(index: int, hollow: bool) -> dict[str, Any]:
    colour = COLOURS[index % len(COLOURS)]
    return {
        "color": colour,
        "marker": MARKERS[index % len(MARKERS)],
        "markersize": 7 - 1.5 * index,
        "markerfacecolor": "white" if hollow else colour,
        "linestyle": DASHES[1] if hollow else DASHES[0],
        "linewidth": WIDTHS[index % len(WIDTHS)],
    }


def rocs(report: CheckReport, style: Style = SCREEN) -> Drawing:
    """Draw the ROC curves over the limits of the check, a panel per modality."""
    import matplotlib as mpl

    names = report.modalities
    drawing, panels = style.panels(len(names), PANEL, PANEL, sharey=True)
    for axes, modality in zip(panels, names, strict=True):
        points = _spaced([point for point in report.points if point.modality == modality])
        shades = mpl.colormaps["viridis"](np.linspace(0.85, 0.0, len(points)))
        for index, (point, shade) in enumerate(zip(points, shades, strict=True)):
            look: dict[str, Any] = {"color": shade, "linestyle": DASHES[index % len(DASHES)]}
            if point.snr_db is None:
                look = {"color": COLOURS[1], "linestyle": "-", "linewidth": 2.2}
            axes.plot(point.roc.fpr, point.roc.tpr, label=point.label, **look)
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8)
        areas = "\n".join(f"{point.label}: {point.roc.area:.2f}" for point in points)
        corner: dict[str, Any] = {"ha": "right", "va": "bottom", "fontsize": style.small}
        axes.text(0.98, 0.03, f"area\n{areas}", color="#333333", **corner)
        axes.set_title(modality)
        axes.set_box_aspect(1)
    drawing.supxlabel("false positive rate", fontsize=style.size)
    drawing.supylabel("true positive rate", fontsize=style.size)
    style.legend(drawing, title="corrupted by")
    caption = (
        f"ROC of the modality check on {report.n} clips of {report.dataset} ({report.split}), as "
        "its limits are moved. True positives: clips whose modality (title of the panel) is "
        "corrupted by noise at that signal-to-noise ratio, or replaced by another clip's, and not "
        "trusted; false positives: clean clips in which it is not trusted. Numbers are areas under "
        "the curves; the thin line is chance."
    )
    return style.drawing(drawing, about(report), caption)


def _spaced(points: Sequence[Point]) -> list[Point]:
    """Return some of the levels, evenly spaced, the first and the last among them."""
    levels = [point for point in points if point.snr_db is not None]
    picks = np.unique(np.linspace(0, len(levels) - 1, min(MOST_CURVES, len(levels))).round())
    return [*(levels[int(k)] for k in picks), *(p for p in points if p.snr_db is None)]


def confusions(report: CheckReport, style: Style = SCREEN) -> Drawing:
    """Draw confusion matrices, corrupted (rows) and not trusted (columns), a panel per setting."""
    names = list(report.confusion)
    side = max(PANEL, 0.5 * len(report.modalities) + 1.6)
    drawing, panels = style.panels(len(names), side, side)
    for axes, name in zip(panels, names, strict=True):
        table = report.confusion[name]
        columns = list(next(iter(table.values())))
        counts = np.array([list(row.values()) for row in table.values()], float)
        shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap=SHADES, vmin=0, vmax=100)
        for row, column in np.ndindex(*shares.shape):
            colour = "white" if shares[row, column] > 55 else "black"
            look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": style.small}
            axes.text(column, row, f"{counts[row, column]:.0f}", color=colour, **look)
        axes.set_xticks(
            range(len(columns)), columns, rotation=45, ha="right", rotation_mode="anchor"
        )
        axes.set_yticks(range(len(table)), list(table))
        axes.set_title(name)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    drawing.supxlabel("not trusted", fontsize=style.size)
    drawing.supylabel("corrupted", fontsize=style.size)
    caption = (
        "The modality that the check does not trust (columns) against the corrupted one (rows), "
        f"numbers of the {report.n} clips of {report.dataset} ({report.split}) under the protocol "
        f"{report.protocol}; the darker, the greater the share of the row. `several`: more than "
        "one modality."
    )
    return style.drawing(drawing, about(report), caption)


def _label(axes: Axes, levels: Sequence[float], modality: str) -> None:
    ticks = [level for level in levels if level % 10 == 0]
    place = min(levels) - ASIDE
    axes.set_xticks([*ticks, place], [*(f"{tick:g}" for tick in ticks), "other\nclip"])
    axes.set_ylim(-0.03, 1.03)
    axes.grid(axis="y", alpha=0.3)
    axes.set_title(modality)


def _confusion(report: CheckReport, name: str) -> ReportTable:
    table = report.confusion[name]
    columns = ("corrupted", *next(iter(table.values())))
    rows: Iterator[tuple[Cell, ...]] = (
        (truth, *counts.values()) for truth, counts in table.items()
    )
    return ReportTable(f"not trusted under {report.protocol}, {name}", columns, tuple(rows))
