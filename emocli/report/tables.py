"""The table: what commands print of reports and analyses."""

from __future__ import annotations

from dataclasses import dataclass

Cell = str | float | int


@dataclass(frozen=True)
class Table:
    """A title, column names, and rows of text and numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
