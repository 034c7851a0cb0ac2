"""The report of the analysis of attention as a table, and drawn over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from emocli.analysis.attention._report import AttentionReport, ViewAttention, WordTime
from emocli.plugin.analysis.drawing import GREY, SCREEN, Drawing, ReportTable, Style, line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 9.0

PANEL = 1.7
"""Inches."""

LETTERS = 90
"""So many letters fit side by side below a panel; longer texts are turned."""

FEW = 40
"""A curve of so few steps shows them as dots."""


def tabulate(report: AttentionReport) -> ReportTable:
    """Return a row per view: what was read of it, and the moment of the highest attention."""
    rows = tuple(
        (name, view.feature, len(view.times), report.state(name) or "as it is", _peak(view))
        for name, view in report.views.items()
    )
    return ReportTable(report.title, ("view", "feature", "steps", "read", "peak (s)"), rows)


def draw(report: AttentionReport, style: Style = SCREEN) -> dict[str, Drawing]:
    """Draw the attention to every step of every view, as a multiple of uniform attention.

    What a network reads in blocks is drawn by block: a step of a short last one, in whose weight
    fewer steps share, is no peak for that. The mean over the steps is 1.

    With hop ``all`` there is a line per hop, else one for the last; of several seeds the mean, and
    their standard deviation as a band. Views with words come first.
    """
    views = sorted(report.views.items(), key=lambda item: not item[1].words)
    every = report.hop == "all"
    drawing, panels = style.canvas(WIDTH, len(views) * PANEL + 1.0, rows=len(views))
    for axes, (name, view) in zip(panels, views, strict=True):
        _curves(axes, view, every)
        remarks = ("" if view.timed else "no times", report.state(name))
        axes.set_ylabel("\n".join([name, *(f"({remark})" for remark in remarks if remark)]))
        axes.tick_params(labelbottom=axes is panels[-1])
        if view.words:
            _write_words(axes, view.words, drawing.get_figwidth() / WIDTH, style)
    limits = [axes.get_xlim() for axes in panels]
    for axes in panels:
        axes.set_xlim(min(low for low, _ in limits), max(high for _, high in limits))
    timed = any(view.timed for _, view in views)
    panels[-1].set_xlabel("time (seconds)" if timed else "step")
    drawing.supylabel("attention (1: uniform)", fontsize=style.size)
    if every:
        style.legend(drawing)
    return {"": style.drawing(drawing, report.title, _caption(report))}


def _caption(report: AttentionReport) -> str:
    hops = "each hop" if report.hop == "all" else "the last hop"
    seeds = len(report.seeds)
    bands = (
        f" Lines are means over {seeds} seeds, bands plus and minus their standard deviation."
        if seeds > 1
        else ""
    )
    return (
        f"Attention of {report.run} ({report.fusion}) in {hops} to each view of clip {report.clip} "
        f"of {report.dataset} over time: weight per step by block over that of uniform attention, "
        f"which is the dotted line at 1; the mean over the steps is 1.{bands} Words stand in the "
        "middle of their time where it is known."
    )


def _peak(view: ViewAttention) -> float:
    """Return when the last hop attends most, mean over the seeds; NaN where times are unknown."""
    import numpy as np

    curve = np.mean(view.curve, axis=0)[-1]
    return view.times[int(curve.argmax())] if view.timed else float("nan")


def _curves(axes: Axes, view: ViewAttention, every: bool) -> None:
    import numpy as np

    weights = np.array(view.curve)  # seed, hop, step
    mean, dots = weights.mean(axis=0), "o" if weights.shape[2] < FEW else None
    hops = range(len(mean)) if every else [len(mean) - 1]
    for index, hop in enumerate(hops):
        look = line(index, len(hops)) | {"marker": dots, "markersize": 3}
        axes.plot(view.times, mean[hop], label=f"hop {hop + 1}", **look)
        if len(weights) > 1:
            spread = weights[:, hop].std(axis=0, ddof=1)
            band = (mean[hop] - spread, mean[hop] + spread)
            axes.fill_between(view.times, *band, color=look["color"], alpha=0.15, linewidth=0)
    axes.axhline(1, color=GREY, linestyle=":", linewidth=1)
    axes.set_ylim(bottom=0)


def _write_words(axes: Axes, words: Sequence[WordTime], share: float, style: Style) -> None:
    """Write words at their moments below a panel, turned where there are many.

    ``share`` is the width of the figure, in `WIDTH`.
    """
    turned = (
        sum(len(word.word) + 1 for word in words) > LETTERS * share * SCREEN.small / style.small
    )
    axes.set_xticks(
        [word.time for word in words],
        [word.word for word in words],
        rotation=90 if turned else 0,
        fontsize=style.small,
    )
    axes.tick_params(labelbottom=True)
