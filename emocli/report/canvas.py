"""Colours, canvas and files of all drawings.

The same values give the same bytes: no dates, no random ids.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from emocli.display import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe and Ito 2008: told apart by colour-blind readers too."""

MARKERS = "osD^vP*"
GREY = "#666666"
DPI = 150

STYLE: Any = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "emocli",
    "svg.fonttype": "none",
    "text.parse_math": False,  # a label may hold dollars
}


def style() -> AbstractContextManager[None]:
    """Draw in the style of all figures while the context lasts."""
    import matplotlib as mpl

    return mpl.rc_context(STYLE)


def canvas(
    width: float, height: float, columns: int = 1, rows: int = 1, **sharing: Any
) -> tuple[Figure, list[Axes]]:
    """Make a figure of so many inches and its panels, row by row.

    It is a figure of its own, without pyplot: nothing global, nothing to close, never a window.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(drawing)
    return drawing, list(drawing.subplots(rows, columns, squeeze=False, **sharing).flat)


def legend(axes: Axes, place: float = 1.01, **options: Any) -> None:
    """Put a panel's legend to its right, ``place`` widths of the panel from its left."""
    axes.legend(
        loc="upper left", bbox_to_anchor=(place, 1), frameon=False, borderaxespad=0, **options
    )


def render(drawings: Mapping[str, Figure]) -> dict[str, bytes]:
    """Turn drawings into files: ``name.png`` and ``name.svg`` of each, to their content."""
    return {
        f"{name}.{kind}": _file(drawing, kind)
        for name, drawing in drawings.items()
        for kind in ("png", "svg")
    }


def _file(drawing: Figure, kind: str) -> bytes:
    file = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else None
    with style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a box is drawn
        _make_printable(drawing)
        drawing.savefig(file, format=kind, dpi=DPI, metadata=metadata)
    return file.getvalue()


def _make_printable(drawing: Figure) -> None:
    """Take control characters, which XML does not know, out of all texts and tick labels."""
    from matplotlib.text import Text

    for text in drawing.findobj(Text):
        if isinstance(text, Text):
            text.set_text(printable(text.get_text(), keep="\n"))
    for axis in (axis for axes in drawing.axes for axis in (axes.xaxis, axes.yaxis)):
        labels = [text.get_text() for text in axis.get_ticklabels()]
        shown = [printable(label, keep="\n") for label in labels]
        if shown != labels:
            axis.set_ticks(axis.get_ticklocs(), shown)
