"""Clips with what was said about them, from their plain values: frames and captions; a table."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from emocli.report.canvas import COLOURS, GREY, canvas, render, style
from emocli.report.tables import Table

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

Data = Mapping[str, Any]
Pictures = Mapping[str, "Sequence[NDArray[np.uint8]]"]

ROW = 1.25
"""Inches of a clip's row."""

LETTERS = 34
"""Letters in a line of a caption."""

LINES = 5
"""Lines of a clip's text that are shown."""


def draw(data: Data, pictures: Pictures) -> dict[str, bytes]:
    """Draw the clips that have pictures; return the ends of the files' names to their content.

    Parameters
    ----------
    data : mapping
        Plain values of the analysis.
    pictures : mapping
        Clip to its frames, arrays of uint8, shape (height, width, 3).
    """
    seen = [entry for entry in data["examples"] if pictures.get(entry["clip"])]
    drawings = {}
    with style():
        for name, right in (("-right", True), ("-errors", False)):
            entries = [entry for entry in seen if entry["right"] is right]
            if entries:
                drawings[name] = examples(data, entries, pictures)
        return render(drawings)


def tabulate(data: Data) -> tuple[Table, ...]:
    """Return the right answers and the errors, a row per clip."""
    columns = ("shown", "predicted", "confidence", "clip", "text")
    title = f"{data['run']} · {data['dataset']}, {data['split']}"
    found = []
    for name, right in (("right", True), ("errors", False)):
        rows = tuple(
            (e["shown"], e["predicted"], e["confidence"], e["clip"], e["text"])
            for e in data["examples"]
            if e["right"] is right
        )
        most = f"{len(rows)} of {data['right' if right else 'wrong']}"
        found.append(Table(f"{title}: {name}, most confident ({most})", columns, rows))
    return tuple(found)


def examples(data: Data, entries: Sequence[Data], pictures: Pictures) -> Figure:
    """Draw a row per clip: what was said of it, and some of its frames."""
    columns = 1 + max(len(pictures[entry["clip"]]) for entry in entries)
    drawing, panels = canvas(
        2.9 + 1.65 * (columns - 1),
        ROW * len(entries) + 0.6,
        columns,
        len(entries),
        width_ratios=[2.9, *[1.65] * (columns - 1)],
    )
    for row, entry in enumerate(entries):
        caption, *places = panels[row * columns : (row + 1) * columns]
        _write(caption, entry)
        for axes in (caption, *places):
            axes.set_axis_off()
        for axes, picture in zip(places, pictures[entry["clip"]], strict=False):
            # What it would be clipped by differs in the last bit from one time to the next.
            axes.imshow(picture, clip_on=False)
    condition = " + ".join(data["corruption"])
    title = " · ".join(filter(None, [data["run"], data["dataset"], data["split"], condition]))
    drawing.suptitle(textwrap.fill(title, 12 * columns + 20), fontsize=11)
    return drawing


def _write(axes: Any, entry: Data) -> None:
    colour = COLOURS[2] if entry["right"] else COLOURS[1]
    head = entry["shown"] if entry["right"] else f"{entry['shown']} → {entry['predicted']}"
    axes.text(0, 1, f"{head}  {entry['confidence']:.2f}", va="top", weight="bold", color=colour)
    text = textwrap.wrap(entry["text"], LETTERS, max_lines=LINES, placeholder=" …")
    body = "\n".join([entry["clip"], *text])
    axes.text(0, 0.8, body, va="top", fontsize=8, color=GREY, linespacing=1.15)
