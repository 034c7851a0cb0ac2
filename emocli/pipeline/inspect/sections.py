"""An inspection: the facts of what was looked into, and the tables that show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emocli.config import leaves

TableRow = tuple[object, ...]


@dataclass(frozen=True)
class InspectionTable:
    """One table: a title, column names and rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]


@dataclass(frozen=True)
class Inspection:
    """The result of looking into something: facts as JSON, sections as tables, and problems.

    ``facts`` are open-ended: JSON with other keys for each kind of thing that is looked into;
    ``details`` are sections for those who ask for more.
    """

    kind: str
    path: Path
    facts: Mapping[str, object]
    sections: tuple[InspectionTable, ...]
    problems: tuple[str, ...]
    details: tuple[InspectionTable, ...] = ()


def table_of(title: str, facts: Mapping[str, object]) -> InspectionTable:
    """Show facts as a table of two columns."""
    return InspectionTable(title, ("what", "value"), tuple(leaves(facts)))
