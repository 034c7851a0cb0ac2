"""The report of an evaluation drawn: sweeps and confusion matrices."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from emocli.evaluation.report import EvaluationReport, SweepPoint
from emocli.evaluation.tables import Confusions, counts
from emocli.report.canvas import GREY, SCREEN, Drawing, Style, render
from emocli.report.palette import SHADES, line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

MOST_TICKS = 9

BAND = "SD over seeds"


def draw(
    report: EvaluationReport, metric: str | None = None, style: Style = SCREEN
) -> dict[str, bytes]:
    """Draw a report.

    Parameters
    ----------
    report : EvaluationReport
        Its content.
    metric : str, optional
        Which metric a sweep shows; by default the first of those to be shown.
    style : Style
        The figures' look.

    Returns
    -------
    dict
        End of a file's name (``-confusion.png``, ``-gaussian.svg``) to its content, and those of
        the captions (``-confusion.txt``).
    """
    with style.active():
        matrices = counts(report)
        rule = report.rules.get("confusion", "rows: label; column: prediction")
        drawings = {}
        if report.has_confusion:
            title = about(report)
            drawings["confusion"] = confusion(report.classes, matrices, title, rule, style)
        for name in dict.fromkeys(point.name for point in report.sweep):
            drawings[name] = sweep(report, name, metric or report.clean.shown[0], style)
        return {f"-{name}": content for name, content in render(drawings, style).items()}


def about(report: EvaluationReport) -> str:
    """Title of the figures: the run and its clips."""
    repair = f" · {report.repair}" if report.repair else ""
    return f"{report.run} · {report.dataset}, {report.split} ({report.n} clips){repair}"


def sweep(report: EvaluationReport, corruption: str, metric: str, style: Style = SCREEN) -> Drawing:
    """Draw a metric against the level of a corruption, a line per modality.

    The dashed line is the clean condition; bands are the standard deviation over the seeds.
    """
    from matplotlib.patches import Patch

    drawing, (axes,) = style.canvas(6.0, 4.0)
    points = [point for point in report.sweep if point.name == corruption]
    levels = list(dict.fromkeys(point.level for point in points))
    ratios = all(point.snr_db is not None for point in points)

    def place(point: SweepPoint) -> float:
        return levels.index(point.level) if point.snr_db is None or not ratios else point.snr_db

    _clean_line(axes, report.clean.metrics, metric)
    modalities = list(dict.fromkeys(point.modality for point in points))
    for index, modality in enumerate(modalities):
        own = sorted((p for p in points if p.modality == modality), key=place)
        look = line(index, len(modalities))
        _curve(axes, [place(p) for p in own], own, metric, f"{modality} corrupted", look)
    if ratios:
        ticks = sorted({place(point) for point in points})
        if len(ticks) <= MOST_TICKS:
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xlabel("signal-to-noise ratio of the corrupted modality (dB)")
    else:
        axes.set_xticks(range(len(levels)), levels)
        axes.set_xlabel(f"{corruption} of the corrupted modality")
    axes.set_ylabel(metric.replace("_", " "))
    axes.grid(axis="y", alpha=0.3)
    banded = any(_spread(each.metrics, metric) for each in (report.clean, *points))
    style.legend(drawing, *([Patch(color=GREY, alpha=0.25, label=BAND)] if banded else []))
    return style.drawing(drawing, about(report), _sweep_caption(report, corruption, metric, banded))


def _sweep_caption(report: EvaluationReport, corruption: str, metric: str, banded: bool) -> str:
    seeds = len(report.seeds)
    mean = f", mean over {seeds} seeds" if seeds > 1 else ""
    band = (
        f" Bands: plus and minus one standard deviation over the {seeds} seeds, which is no "
        "interval over clips or speakers."
        if banded
        else ""
    )
    return (
        f"{metric.replace('_', ' ').capitalize()}{mean} of {report.run} on {report.n} clips of "
        f"{report.dataset} ({report.split}), one modality corrupted by {corruption} at the level "
        "on the horizontal axis, the others as they are. Dashed line without markers: nothing "
        f"corrupted.{band}"
    )


def confusion(
    classes: Sequence[str],
    confusions: Confusions,
    title: str,
    rule: str,
    style: Style = SCREEN,
) -> Drawing:
    """Draw the confusion matrices of the conditions side by side, in % of each row.

    ``title`` names the run and the clips; ``rule`` says what rows and columns count.
    """
    side = max(2.6, 0.55 * len(classes) + 0.6)
    label = 0.09 * max(len(name) for name in classes) + 0.4
    titles = [
        "\n".join(textwrap.fill(part, 24) for part in label.split(" + ")) for label in confusions
    ]
    lines = max(title.count("\n") for title in titles)
    width = label + len(confusions) * (side + 0.1) + 1.0
    height = side + 0.7 * label + 0.2 * lines + 0.9
    drawing, panels = style.canvas(width, height, len(confusions))
    images = []
    sides = zip(panels, titles, confusions.values(), strict=True)
    for index, (axes, name, matrix) in enumerate(sides):
        shares = _shares(matrix)
        images.append(axes.imshow(shares, cmap=SHADES, vmin=0, vmax=100))
        _write_numbers(axes, shares, style)
        axes.set_xticks(
            range(len(classes)), classes, rotation=45, ha="right", rotation_mode="anchor"
        )
        axes.set_yticks(range(len(classes)), classes if index == 0 else [""] * len(classes))
        axes.set_xlabel("predicted")
        axes.set_title(name)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    panels[0].set_ylabel("shown")
    drawing.colorbar(images[0], ax=panels, label="% of the row", shrink=0.8)
    return style.drawing(drawing, title, _confusion_caption(title, confusions, rule))


def _confusion_caption(title: str, confusions: Confusions, rule: str) -> str:
    conditions = " and ".join(confusions)
    return (
        f"Confusion of {title}: {conditions}. Numbers are per cent of the row, of counts over all "
        f"seeds ({rule}); a row without numbers is a class that no clip shows."
    )


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
    axes: Axes,
    x: Sequence[float],
    points: Sequence[SweepPoint],
    metric: str,
    name: str,
    look: Mapping[str, Any],
) -> None:
    values = np.array([point.metrics[metric] for point in points])
    spread = np.array([_spread(point.metrics, metric) for point in points])
    axes.plot(x, values, label=name, **look)
    if spread.any():
        band = (values - spread, values + spread)
        axes.fill_between(x, *band, color=look["color"], alpha=0.15, linewidth=0)


def _shares(counts: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """Per cent of each row; a class nobody showed is blank."""
    matrix = np.array(counts, float)
    totals = matrix.sum(axis=1, keepdims=True)
    shares: NDArray[np.float64] = np.divide(
        100 * matrix, totals, out=np.full_like(matrix, np.nan), where=totals > 0
    )
    return shares


def _write_numbers(axes: Axes, shares: NDArray[np.float64], style: Style) -> None:
    for row, column in np.ndindex(*shares.shape):
        value = shares[row, column]
        if not np.isnan(value):
            colour = "white" if value > 55 else "black"
            look: dict[str, Any] = {
                "ha": "center",
                "va": "center",
                "color": colour,
                "fontsize": style.small,
            }
            axes.text(column, row, f"{value:.0f}", **look)
