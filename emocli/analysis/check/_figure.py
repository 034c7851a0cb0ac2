"""What the modality check finds, from its plain values: curves over the noise, and confusions."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from emocli.report.canvas import COLOURS, GREY, MARKERS, canvas, legend
from emocli.report.tables import Cell, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Data = Mapping[str, Any]

PANEL = 3.1
"""Inches."""

ASIDE = 9
"""Left of the strongest noise, in dB: where another clip's features are drawn."""


def draw(data: Data) -> dict[str, Figure]:
    """Draw curves over the noise, ROC curves and confusions; name a figure by its file's end."""
    return {"": curves(data), "-roc": rocs(data), "-confusion": confusions(data)}


def tabulate(data: Data) -> tuple[Table, ...]:
    """Return what is found at each level, and what is flagged against what is corrupted."""
    names = list(data["settings"])
    rows: list[tuple[Cell, ...]] = [
        (
            point["modality"],
            _level(point),
            *(
                round(100 * point["rates"][name][which])
                for name in names
                for which in ("found", "false")
            ),
            point["roc"]["area"],
        )
        for point in data["points"]
    ]
    columns = [f"{name} {which} %" for name in names for which in ("found", "false")]
    title = f"modality check on {data['n']} clips of {data['dataset']} ({data['split']})"
    detection = Table(title, ("modality", "noise", *columns, "ROC area"), tuple(rows))
    return detection, *(_confusion(data, name) for name in names)


def curves(data: Data) -> Figure:
    """Draw the share that is found against the level of the noise, a panel per modality.

    Dashed: the share of the other modalities that are blamed.
    """
    names = data["modalities"]
    drawing, panels = canvas(PANEL * len(names) + 1.2, PANEL, len(names), sharey=True)
    for axes, modality in zip(panels, names, strict=True):
        points = [p for p in data["points"] if p["modality"] == modality]
        levels = [p for p in points if p["snr_db"] is not None]
        other = [p for p in points if p["snr_db"] is None]
        for index, name in enumerate(data["settings"]):
            colour = COLOURS[index]
            for which, line in (("found", "-"), ("false", "--")):
                values = [p["rates"][name][which] for p in levels]
                label = f"{name}: {'found' if which == 'found' else 'others blamed'}"
                axes.plot([p["snr_db"] for p in levels], values, line, color=colour, label=label)
                for point in other:
                    place = min(p["snr_db"] for p in levels) - ASIDE
                    filled = colour if which == "found" else "none"
                    marker = MARKERS[index]
                    value = point["rates"][name][which]
                    axes.plot(place, value, marker, color=colour, markerfacecolor=filled)
        _label(axes, levels, modality)
    panels[0].set_ylabel("share of the clips")
    legend(panels[-1])
    drawing.suptitle(textwrap.fill(f"{data['of']} \u00b7 {data['dataset']}, {data['split']}", 60))
    return drawing


def rocs(data: Data) -> Figure:
    """Draw what is found against what is blamed as the limits are moved, a panel per modality."""
    names = data["modalities"]
    drawing, panels = canvas(PANEL * len(names) + 1.4, PANEL, len(names), sharey=True)
    for axes, modality in zip(panels, names, strict=True):
        points = [p for p in data["points"] if p["modality"] == modality]
        shades = np.linspace(0.85, 0.0, len(points))
        for point, shade in zip(points, shades, strict=True):
            roc = point["roc"]
            own = point["snr_db"] is None
            colour = COLOURS[1] if own else str(shade)
            axes.plot(roc["false"], roc["found"], color=colour, label=_level(point))
        axes.plot([0, 1], [0, 1], ":", color=GREY, linewidth=1)
        axes.set_xlabel("clean clips flagged")
        axes.set_title(modality)
    panels[0].set_ylabel("corrupted clips flagged")
    legend(panels[-1], fontsize=8)
    return drawing


def confusions(data: Data) -> Figure:
    """Draw what is flagged (columns) against what is corrupted (rows), a panel per setting."""
    names = list(data["confusion"])
    drawing, panels = canvas(PANEL * len(names) + 0.6, PANEL, len(names))
    for axes, name in zip(panels, names, strict=True):
        table = data["confusion"][name]
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
    panels[0].set_ylabel(f"corrupted ({data['protocol']})")
    return drawing


def _label(axes: Axes, levels: list[Data], modality: str) -> None:
    ticks = [p["snr_db"] for p in levels if p["snr_db"] % 10 == 0]
    place = min(p["snr_db"] for p in levels) - ASIDE
    axes.set_xticks([*ticks, place], [*(f"{tick:g}" for tick in ticks), "other\nclip"])
    axes.set_xlabel("SNR (dB)")
    axes.set_ylim(-0.03, 1.03)
    axes.grid(axis="y", alpha=0.3)
    axes.set_title(modality)


def _level(point: Data) -> str:
    return "another clip's" if point["snr_db"] is None else f"{point['snr_db']:g} dB"


def _confusion(data: Data, name: str) -> Table:
    table = data["confusion"][name]
    columns = ("corrupted", *next(iter(table.values())))
    rows = tuple((truth, *counts.values()) for truth, counts in table.items())
    return Table(f"flagged under {data['protocol']}, {name}", columns, rows)
