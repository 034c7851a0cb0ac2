"""Confusion of the classes by itself: the drawing and the tables that an evaluation has too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emocli.report.canvas import render, style
from emocli.report.figures import confusion
from emocli.report.tables import Table, confusions

Data = Mapping[str, Any]


def draw(data: Data) -> dict[str, bytes]:
    """Draw an analysis of confusion; return the ends of the files' names to their content."""
    with style():
        return render({"": confusion(data)})


def tabulate(data: Data) -> tuple[Table, ...]:
    """Return a table per condition, in per cent of each row."""
    return tuple(confusions(data))
