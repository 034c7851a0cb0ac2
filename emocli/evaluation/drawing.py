"""The report of an evaluation drawn, as PNG and SVG: sweeps and confusion matrices."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from emocli.evaluation.report import EvaluationReport, SweepPoint
from emocli.evaluation.tables import Confusions, counts
from emocli.report.canvas import COLOURS, GREY, MARKERS, canvas, legend, render, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

MOST_TICKS = 9


def draw(report: EvaluationReport, metric: str = "accuracy") -> dict[str, bytes]:
    """Draw a report.

    Parameters
    ----------
    report : EvaluationReport
        Its content.
    metric : str
        Which metric a sweep shows.

    Returns
    -------
    dict
        End of a file's name (``-confusion.png``, ``-gaussian.svg``) to its content.
    """
    with style():
        drawings = {"confusion": confusion(report.classes, counts(report))}
        for name in dict.fromkeys(point.name for point in report.sweep):
            drawings[name] = sweep(report, name, metric)
        return {f"-{name}": content for name, content in render(drawings).items()}


def sweep(report: EvaluationReport, corruption: str, metric: str) -> Figure:
    """Draw a metric against the level of a corruption, a line per modality.

    The dashed line is the clean condition; bands are the standard deviation over the seeds.
    """
    drawing, (axes,) = canvas(7.2, 4.0)
    points = [point for point in report.sweep if point.name == corruption]
    levels = list(dict.fromkeys(point.level for point in points))
    ratios = all(point.snr_db is not None for point in points)

    def place(point: SweepPoint) -> float:
        return levels.index(point.level) if point.snr_db is None or not ratios else point.snr_db

    _clean_line(axes, report.clean.metrics, metric)
    for index, modality in enumerate(dict.fromkeys(point.modality for point in points)):
        line = sorted((p for p in points if p.modality == modality), key=place)
        _curve(axes, [place(p) for p in line], line, metric, modality, index)
    if ratios:
        ticks = sorted({place(point) for point in points})
        if len(ticks) <= MOST_TICKS:
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xlabel("signal-to-noise ratio of the corrupted modality (dB)")
    else:
        axes.set_xticks(range(len(levels)), levels)
        axes.set_xlabel(f"{corruption} of the corrupted modality")
    axes.set_ylabel(metric.replace("_", " "))
    title = f"{report.run} · {report.dataset}, {report.split} ({report.n} clips)"
    axes.set_title(textwrap.fill(title, 50))
    axes.grid(axis="y", alpha=0.3)
    legend(axes)
    return drawing


def confusion(classes: Sequence[str], confusions: Confusions) -> Figure:
    """Draw the confusion matrices of the conditions side by side, in % of each row."""
    side = max(2.6, 0.55 * len(classes) + 0.6)
    label = 0.09 * max(len(name) for name in classes) + 0.4
    titles = [
        "\n".join(textwrap.fill(part, 24) for part in label.split(" + ")) for label in confusions
    ]
    lines = max(title.count("\n") for title in titles)
    width = label + len(confusions) * (side + 0.1) + 1.0
    drawing, panels = canvas(width, side + 0.7 * label + 0.2 * lines + 0.5, len(confusions))
    images = []
    sides = zip(panels, titles, confusions.values(), strict=True)
    for index, (axes, title, matrix) in enumerate(sides):
        shares = _shares(matrix)
        images.append(axes.imshow(shares, cmap="Blues", vmin=0, vmax=100))
        _write_numbers(axes, shares)
        axes.set_xticks(
            range(len(classes)), classes, rotation=45, ha="right", rotation_mode="anchor"
        )
        axes.set_yticks(range(len(classes)), classes if index == 0 else [""] * len(classes))
        axes.set_xlabel("predicted")
        axes.set_title(title)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    panels[0].set_ylabel("shown")
    drawing.colorbar(images[0], ax=panels, label="% of the row", shrink=0.8)
    return drawing


def _clean_line(axes: Axes, metrics: Mapping[str, float], metric: str) -> None:
    mean, std = metrics[metric], _spread(metrics, metric)
    axes.axhline(mean, color=GREY, linestyle="--", linewidth=1.2, label="clean")
    if std:
        axes.axhspan(mean - std, mean + std, color=GREY, alpha=0.1, linewidth=0)


def _spread(metrics: Mapping[str, float], metric: str) -> float:
    """Return the standard deviation over the seeds; 0 where it is not defined."""
    std = metrics.get(f"{metric}_std", math.nan)
    return 0.0 if math.isnan(std) else std


def _curve(
    axes: Axes, x: Sequence[float], line: Sequence[SweepPoint], metric: str, name: str, index: int
) -> None:
    values = np.array([point.metrics[metric] for point in line])
    spread = np.array([_spread(point.metrics, metric) for point in line])
    colour = COLOURS[index % len(COLOURS)]
    marker = MARKERS[index % len(MARKERS)]
    axes.plot(x, values, color=colour, marker=marker, markersize=5, label=f"{name} corrupted")
    if spread.any():
        axes.fill_between(
            x, values - spread, values + spread, color=colour, alpha=0.15, linewidth=0
        )


def _shares(counts: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """Per cent of each row; a class nobody showed is blank."""
    matrix = np.array(counts, float)
    totals = matrix.sum(axis=1, keepdims=True)
    shares: NDArray[np.float64] = np.divide(
        100 * matrix, totals, out=np.full_like(matrix, np.nan), where=totals > 0
    )
    return shares


def _write_numbers(axes: Axes, shares: NDArray[np.float64]) -> None:
    for row, column in np.ndindex(*shares.shape):
        value = shares[row, column]
        if not np.isnan(value):
            colour = "white" if value > 55 else "black"
            axes.text(
                column, row, f"{value:.0f}", ha="center", va="center", color=colour, fontsize=9
            )
