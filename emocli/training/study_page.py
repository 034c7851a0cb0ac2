"""The page of a search: how it went, what matters, and the trials side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from emocli.report.canvas import canvas, render, style
from emocli.report.document import Block, Grid, Heading, Listing, Paragraph, Picture
from emocli.space import Value
from emocli.training.search import Trial
from emocli.training.study_summary import SearchSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 20
"""Trials in the table, the best ones."""


def blocks(summary: SearchSummary, files: Mapping[str, bytes]) -> list[Block]:
    """Return the page's parts; ``files`` are the drawings there are."""
    budget, best = summary.budget, summary.best
    spent = (
        f"{budget.complete} trials complete, {budget.pruned} pruned, {budget.failed} failed; "
        f"{budget.epochs} epochs, {budget.seconds:.0f} s of computing. Drawn by {summary.sampler}."
    )
    chosen = [f"`{name} = {value}`" for name, value in best.settings.items()]
    captions = {
        "history.png": "each trial, and the best so far",
        "parallel.png": "settings of the trials that came to their end; the best is drawn thick",
        "importances.png": "share of the metric's variance over trials that a setting explains",
    }
    return [
        Heading(f"{summary.fusion}: {len(summary.trials)} trials", 1),
        Paragraph(
            f"Trial {best.number} validates best: {summary.monitor} {best.valid or 0:.4f}. It was "
            "chosen by that metric, which flatters; the test split has had no part in it."
        ),
        Listing(tuple(chosen)),
        Paragraph(spent),
        *(Picture(name, caption) for name, caption in captions.items() if name in files),
        Heading("Space"),
        Grid(("setting", "range"), list(summary.space.items()), left=(0, 1)),
        Heading("The best trials"),
        _table(summary),
    ]


def _table(summary: SearchSummary) -> Grid:
    names = list(summary.space)
    done = [trial for trial in summary.trials if trial.valid is not None]
    nearest = sorted(done, key=lambda t: abs((t.valid or 0) - (summary.best.valid or 0)))
    rows = [
        (
            str(trial.number),
            f"{trial.valid:.4f}",
            str(trial.epochs),
            *(_text(trial.settings.get(name)) for name in names),
        )
        for trial in nearest[:SHOWN]
    ]
    return Grid(("trial", f"valid {summary.monitor}", "epochs", *names), rows)


def _text(value: Value) -> str:
    return f"{value:.4g}" if type(value) is float else str(value)


def drawings(
    trials: Sequence[Trial], importances: Mapping[str, float], monitor: str, lower: bool
) -> dict[str, bytes]:
    """Return the drawings as files, PNG and SVG: of trials that came to their end."""
    done = [trial for trial in trials if trial.valid is not None]
    with style():
        figures = {"history": _history(done, monitor, lower)}
        if len(done) > 1:
            figures["parallel"] = _parallel(done, monitor, lower)
        if importances:
            figures["importances"] = _importances(importances)
        return render(figures)


def _history(done: Sequence[Trial], monitor: str, lower: bool) -> Figure:
    drawing, (axes,) = canvas(7, 3)
    values = np.array([trial.valid for trial in done], float)
    best = np.minimum.accumulate(values) if lower else np.maximum.accumulate(values)
    numbers = [trial.number for trial in done]
    axes.plot(numbers, values, "o", markersize=4)
    axes.step(numbers, best, where="post")
    axes.set_xlabel("trial")
    axes.set_ylabel(f"validation {monitor}")
    return drawing


def _importances(importances: Mapping[str, float]) -> Figure:
    drawing, (axes,) = canvas(7, 0.8 + 0.35 * len(importances))
    names = sorted(importances, key=lambda name: importances[name])
    axes.barh(names, [importances[name] for name in names])
    axes.set_xlabel("importance")
    return drawing


def _parallel(done: Sequence[Trial], monitor: str, lower: bool) -> Figure:
    """Draw the trials as lines over their settings and the metric, a scale each."""
    import matplotlib as mpl

    names = list(done[0].settings)
    drawing, (axes,) = canvas(1.4 * (len(names) + 1) + 1, 4)
    columns = [_scaled(axes, k, [t.settings.get(n) for t in done]) for k, n in enumerate(names)]
    columns.append(_scaled(axes, len(names), [t.valid for t in done]))
    worst_first = np.argsort([-float(t.valid or 0) if lower else float(t.valid or 0) for t in done])
    shades = mpl.colormaps["viridis"](np.linspace(0.95, 0.05, len(done)))
    for rank, row in enumerate(worst_first):
        heights = [column[row] for column in columns]
        best = rank == len(done) - 1
        axes.plot(heights, color=shades[rank], linewidth=2.5 if best else 0.8)
    axes.set_xticks(range(len(columns)), [*names, monitor], rotation=20, ha="right")
    axes.set_yticks([])
    return drawing


def _scaled(axes: Axes, place: int, values: Sequence[Value]) -> list[float]:
    """Return heights from 0 to 1 for the values of a setting, and write the ends beside them."""
    numbers = [v for v in values if type(v) in (int, float)]
    if len(numbers) == len(values):
        heights = np.array(numbers, float)
        if (heights > 0).all() and heights.max() > 50 * heights.min():
            heights = np.log(heights)
        shown = {float(h): _text(v) for h, v in zip(heights, values, strict=True)}
    else:
        texts = sorted({str(v) for v in values})
        heights = np.array([texts.index(str(v)) for v in values], float)
        shown = {float(k): text for k, text in enumerate(texts)}
    low, high = heights.min(), heights.max()
    spread = (high - low) or 1.0
    axes.axvline(place, color="#bbb", linewidth=0.8, zorder=0)
    for end, below in ((low, True), (high, False)):
        height, align = (end - low) / spread, "top" if below else "bottom"
        axes.text(place, height + (-0.03 if below else 0.03), shown[end], ha="center", va=align)
    return [float(h) for h in (heights - low) / spread]
