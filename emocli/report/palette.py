"""Looks of lines and bars: told apart by colour-blind readers, and in print without colour.

Colours alone tell nothing: each line has a marker and dashes of its own, each kind of bar a hatch.
"""

from __future__ import annotations

from typing import Any

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe and Ito 2008: told apart by colour-blind readers too."""

MARKERS = "osD^vP*"

DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1, 1.2)),
    (0, (6, 1.5, 1, 1.5)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (8, 3)),
    (0, (1, 3)),
)

HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "----", "++++")

SHADES = "Blues"
"""Colour map of shares: the more, the darker."""


def line(index: int, count: int = 1) -> dict[str, Any]:
    """Look of one of several lines.

    The first ones are thicker, so that where lines coincide all of them are seen.
    """
    below = max(0, min(count, 6) - 1 - index)
    return {
        "color": COLOURS[index % len(COLOURS)],
        "marker": MARKERS[index % len(MARKERS)],
        "markersize": 4 + 0.9 * below,
        "markerfacecolor": "white" if below else COLOURS[index % len(COLOURS)],
        "linestyle": DASHES[index % len(DASHES)],
        "linewidth": 1.2 + 0.7 * below,
    }


def bar(index: int) -> dict[str, Any]:
    """Look of one of several kinds of bars."""
    return {
        "facecolor": COLOURS[index % len(COLOURS)],
        "edgecolor": "white",
        "hatch": HATCHES[index % len(HATCHES)],
        "linewidth": 0,
    }
