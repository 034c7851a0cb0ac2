"""The report of the analysis of examples drawn: clips with their frames and words."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from emocli.analysis.examples._report import ExampleClip, ExamplesReport
from emocli.plugin.analysis.drawing import COLOURS, GREY, SCREEN, Drawing, Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from emocli.data.media.stills import Picture

    Pictures = Mapping[str, Sequence[Picture]]

ROW = 1.25
"""Inches of a clip's row."""

LETTERS = 34
"""Letters in a line of a caption."""

LINES = 5
"""Lines of a clip's text that are shown."""


def draw(report: ExamplesReport, pictures: Pictures, style: Style = SCREEN) -> dict[str, Drawing]:
    """Draw the clips that have pictures, the right answers and the errors.

    Parameters
    ----------
    report : Report
        The clips.
    pictures : mapping
        Clip to its frames, arrays of uint8, shape (height, width, 3).
    style : Style
        The figures' look.
    """
    seen = [entry for entry in report.examples if pictures.get(entry.clip)]
    sides = {
        "-right": [entry for entry in seen if entry.right],
        "-errors": [entry for entry in seen if not entry.right],
    }
    return {
        name: _drawing(report, entries, pictures, style)
        for name, entries in sides.items()
        if entries
    }


def _drawing(
    report: ExamplesReport, entries: Sequence[ExampleClip], pictures: Pictures, style: Style
) -> Drawing:
    """Draw a row per clip: its classes, its text and some of its frames."""
    columns = 1 + max(len(pictures[entry.clip]) for entry in entries)
    drawing, panels = style.canvas(
        2.9 + 1.65 * (columns - 1),
        ROW * len(entries) + 0.6,
        columns,
        len(entries),
        width_ratios=[2.9, *[1.65] * (columns - 1)],
    )
    for row, entry in enumerate(entries):
        caption, *places = panels[row * columns : (row + 1) * columns]
        _describe(caption, entry, style)
        for axes in (caption, *places):
            axes.set_axis_off()
        for axes, picture in zip(places, pictures[entry.clip], strict=False):
            # What it would be clipped by differs in the last bit from one time to the next.
            axes.imshow(picture, clip_on=False)
    condition = " + ".join(report.corruption)
    what = "right" if entries[0].right else "errors"
    parts = [report.run, report.dataset, report.split, condition, f"{what}, most confident"]
    return style.drawing(drawing, " · ".join(filter(None, parts)), _caption(report, what))


def _caption(report: ExamplesReport, what: str) -> str:
    rule = (
        "The right answers of highest confidence, class by class"
        if what == "right"
        else "The errors of highest confidence: shown class → predicted class"
    )
    return (
        f"{rule}. Beside each clip's name and words the number is its confidence, the "
        f"{'intensity' if report.task == 'intensity' else 'probability'} of the predicted class, "
        f"mean over {len(report.seeds)} seed{'s' * (len(report.seeds) > 1)}; frames are evenly "
        f"spread over the clip. Run {report.run}, {report.n} clips of {report.dataset} "
        f"({report.split}), of which {report.right} are right and {report.wrong} wrong; clips "
        "without pictures are in the table alone."
    )


def _describe(axes: Axes, entry: ExampleClip, style: Style) -> None:
    colour = COLOURS[2] if entry.right else COLOURS[1]
    head = entry.shown if entry.right else f"{entry.shown} → {entry.predicted}"
    axes.text(0, 1, f"{head}  {entry.confidence:.2f}", va="top", weight="bold", color=colour)
    text = textwrap.wrap(entry.text, LETTERS, max_lines=LINES, placeholder=" …")
    body = "\n".join([entry.clip, *text])
    axes.text(0, 0.8, body, va="top", fontsize=style.small, color=GREY, linespacing=1.15)
