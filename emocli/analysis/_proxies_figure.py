"""Proxies beside what they stand for, from plain values: curves of clips, and relative errors."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from emocli.report.canvas import COLOURS, canvas, legend, render, style
from emocli.report.tables import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Data = Mapping[str, Any]

PANEL = (3.4, 2.0)
"""Inches."""

LINES = {"noisy": "#d55e00", "original": "#0072b2", "regenerated": "#009e73"}

WORST = 2.5
"""Relative error at which bars are cut; how long they would be stands on them."""


def draw(data: Data) -> dict[str, bytes]:
    """Draw an analysis of proxies; return the ends of the files' names to their content."""
    with style():
        return render({"": curves(data), "-errors": errors(data)})


def tabulate(data: Data) -> Table:
    """Return a row per kind, modality and source."""
    rows = tuple(
        (
            row["kind"],
            row["modality"],
            row["from"],
            *("-" if row[name] is None else row[name] for name in data["n"]),
        )
        for row in data["errors"]
    )
    counts = ", ".join(f"{count} {name}" for name, count in data["n"].items())
    title = f"relative error of proxies on {data['dataset']} ({counts})"
    return Table(title, ("kind", "of", "from", *data["n"]), rows)


def curves(data: Data) -> Figure:
    """Draw clips as Figure 7 of the paper does: a row per modality, a column per clip."""
    modalities = list(dict.fromkeys(curve["modality"] for curve in data["curves"]))
    clips = list(dict.fromkeys(curve["clip"] for curve in data["curves"]))
    size = (PANEL[0] * len(clips) + 1.2, PANEL[1] * len(modalities) + 0.4)
    drawing, panels = canvas(*size, columns=max(len(clips), 1), rows=max(len(modalities), 1))
    for curve in data["curves"]:
        row, column = modalities.index(curve["modality"]), clips.index(curve["clip"])
        axes = panels[row * len(clips) + column]
        for name, colour in LINES.items():
            width = 0.5 if name == "noisy" else 1.0
            axes.plot(curve[name], color=colour, linewidth=width, label=name)
        highest = 1.5 * max(map(abs, [*curve["original"], *curve["regenerated"], 1e-6]))
        axes.set_ylim(-highest, highest)  # the noise goes far beyond
        if row == 0:
            axes.set_title(textwrap.shorten(curve["clip"], 28))
        if row == len(modalities) - 1:
            axes.set_xlabel("dimension")
        if column == 0:
            axes.set_ylabel(f"{curve['modality']}\n(mean over steps)")
    if data["curves"]:
        legend(panels[len(clips) - 1])
    return drawing


def errors(data: Data) -> Figure:
    """Draw relative errors, a panel per modality: of clips that were learnt, and held out."""
    modalities = list(dict.fromkeys(row["modality"] for row in data["errors"]))
    kinds = list(dict.fromkeys(row["kind"] for row in data["errors"]))
    drawing, panels = canvas(PANEL[0] * len(modalities) + 1.5, 3.4, len(modalities), sharey=True)
    for axes, modality in zip(panels, modalities, strict=True):
        rows = [row for row in data["errors"] if row["modality"] == modality]
        sources = list(dict.fromkeys(row["from"] for row in rows))
        width = 0.8 / (2 * len(kinds))
        for row in rows:
            place = sources.index(row["from"])
            for side, name in enumerate(data["n"]):
                slot, error = 2 * kinds.index(row["kind"]) + side, row[name] or 0.0
                x = place - 0.4 + (slot + 0.5) * width
                if error > WORST:
                    axes.text(x, WORST, f"{error:.1f}", fontsize=6, ha="center", va="bottom")
                axes.bar(
                    x,
                    min(error, WORST),
                    width,
                    color=COLOURS[kinds.index(row["kind"]) % len(COLOURS)],
                    alpha=0.45 if side == 0 else 1.0,
                    label=f"{row['kind']}, {name}" if place == 0 else None,
                )
        axes.axhline(1, color="#666666", linestyle="--", linewidth=1)
        axes.set_xticks(range(len(sources)), [s.replace(" + ", "\n+ ") for s in sources])
        axes.set_xlabel("from")
        axes.set_title(modality)
    panels[0].set_ylabel("relative error")
    legend(panels[-1], fontsize=8)
    return drawing
