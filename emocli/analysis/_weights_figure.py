"""Weights of modalities, from their plain values: bars by modality and condition; a table."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from emocli.report.canvas import COLOURS, GREY, canvas, legend, render, style
from emocli.report.tables import Cell, Table, titled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Data = Mapping[str, Any]

KINDS = {"weights": "as the network weighs", "oracle": "if it knew the labels"}

UNUSED = "the prediction does not use these weights ({})"


def draw(data: Data) -> dict[str, bytes]:
    """Draw an analysis of weights; return the ends of the files' names to their content."""
    with style():
        return render({"": weights(data)})


def tabulate(data: Data) -> Table:
    """Return a row per condition and modality: clean, corrupted and the change; seeds' means."""
    rows: list[tuple[Cell, ...]] = []
    for condition, kinds in data["change"].items():
        for kind, own in kinds.items():
            for modality, change in own.items():
                clean, corrupted = (
                    float(np.mean(data["conditions"][label][kind][modality]))
                    for label in ("clean", condition)
                )
                rows.append(
                    (
                        condition,
                        kind,
                        modality,
                        *(clean, corrupted, f"{change['points']:+.1f}", _bounds(change)),
                        "-" if change["percent"] is None else f"{change['percent']:+.1f}",
                    )
                )
    columns = ("condition", "kind", "modality", "clean", "corrupted", "points", "95 %", "per cent")
    return Table(_title(data), columns, tuple(rows))


def weights(data: Data) -> Figure:
    """Draw the mean weight of each modality under each condition; bars are the seeds' spread."""
    conditions = data["conditions"]
    kinds = list(conditions["clean"])
    modalities = list(conditions["clean"]["weights"])
    width = max(3.2, 0.28 * len(modalities) * len(conditions) + 1.2)
    drawing, panels = canvas(width * len(kinds) + 2.2, 3.6, columns=len(kinds), sharey=True)
    for axes, kind in zip(panels, kinds, strict=True):
        _bars(axes, {label: own[kind] for label, own in conditions.items()}, modalities)
        axes.set_title(KINDS[kind])
    panels[0].set_ylabel("weight (mean over clips)")
    legend(panels[-1], 1.02)
    wide = int(14 * (width * len(kinds) + 2.2))
    drawing.suptitle(textwrap.fill(_title(data), wide), fontsize=11)
    return drawing


def _title(data: Data) -> str:
    """Say of which run and clips they are, and if the prediction does without them."""
    unused = UNUSED.format(data["unused"]) if data["unused"] else ""
    return " · ".join(filter(None, [titled(data), unused]))


def _bars(axes: Axes, conditions: Data, modalities: list[str]) -> None:
    each = 0.8 / len(conditions)
    for index, (label, found) in enumerate(conditions.items()):
        values = np.array([found[modality] for modality in modalities], float)
        places = np.arange(len(modalities)) + each * (index - (len(conditions) - 1) / 2)
        axes.bar(
            places,
            values.mean(axis=1),
            width=0.9 * each,
            yerr=values.std(axis=1, ddof=1) if values.shape[1] > 1 else None,
            capsize=2,
            color=COLOURS[(index - 1) % len(COLOURS)] if index else GREY,
            label=textwrap.fill(label, 28),
        )
    axes.axhline(1 / len(modalities), color="black", linewidth=0.8, linestyle=":")
    axes.set_xticks(range(len(modalities)), modalities)
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)


def _bounds(change: Data) -> str:
    for key, over in (("points_ci", ""), ("points_ci_clips", " over clips")):
        low, high = change.get(key, (None, None))
        if low is not None and high is not None:
            return f"{low:+.1f} to {high:+.1f}{over}"
    return "-"
