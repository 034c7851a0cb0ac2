"""Gates by hop, from their plain values: drawn, a panel per view, a line per condition; a table."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from emocli.report.canvas import COLOURS, GREY, MARKERS, canvas, legend, render, style
from emocli.report.tables import Table, titled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Data = Mapping[str, Any]

PANEL = 2.9
"""Inches."""

APART = 0.08
"""Hops between one condition and the next, so that their bars can be told apart."""


def draw(data: Data) -> dict[str, bytes]:
    """Draw an analysis of gates; return the ends of the files' names to their content."""
    with style():
        return render({"": gates(data)})


def tabulate(data: Data) -> Table:
    """Return a row per view and hop, a column per condition; means over the seeds."""
    conditions = data["gates"]
    means = {
        condition: {
            view: np.mean(np.array(rows, float), axis=0).tolist() for view, rows in found.items()
        }
        for condition, found in conditions.items()
    }
    rows = tuple(
        (view, hop + 1, *(found[view][hop] for found in means.values()))
        for view, hops in next(iter(means.values())).items()
        for hop in range(len(hops))
    )
    return Table(titled(data), ("view", "hop", *means), rows)


def gates(data: Data) -> Figure:
    """Draw how far each view passes in each hop: mean over the seeds, bars their spread."""
    conditions = data["gates"]
    views = list(next(iter(conditions.values())))
    drawing, panels = canvas(PANEL * len(views) + 2.2, 3.4, columns=len(views), sharey=True)
    for axes, view in zip(panels, views, strict=True):
        for index, (condition, found) in enumerate(conditions.items()):
            shift = APART * (index - (len(conditions) - 1) / 2)
            _line(axes, np.array(found[view], float), condition, index, shift)
        axes.set_title(view)
        axes.set_xlabel("hop")
        axes.grid(axis="y", alpha=0.3)
    panels[0].set_ylabel("passes the gate\n(mean over clips)")
    legend(panels[-1], 1.02)
    drawing.suptitle(textwrap.fill(titled(data), 30 * len(views) + 20), fontsize=11)
    return drawing


def _line(axes: Axes, values: Any, condition: str, index: int, shift: float) -> None:
    """Draw one condition, values (seed, hop), a little aside; the first one is the clean one."""
    hops = np.arange(1, values.shape[1] + 1)
    axes.errorbar(
        hops + shift,
        values.mean(axis=0),
        yerr=values.std(axis=0, ddof=1) if len(values) > 1 else None,
        color=COLOURS[(index - 1) % len(COLOURS)] if index else GREY,
        marker=MARKERS[index % len(MARKERS)],
        markersize=5,
        capsize=3,
        linestyle="-" if index else "--",
        label=condition,
    )
    axes.set_xticks(hops)
