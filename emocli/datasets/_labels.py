"""The meaning of a column of labels: classes, numbers that are classes, or intensities.

A number is a number in every spelling: ``1``, ``01`` and ``1.0`` are one class. Where half of the
labels or more are numbers, all have to be.
"""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from emocli.data.clip import Clip
from emocli.data.manifest_rules import Task
from emocli.display import number_of
from emocli.errors import ManifestError

MOST = 20
"""Whole numbers are classes if there are at most so many; and so many names always are."""

FEW = 5
"""Clips that a class has at least, on average, where there are more than `MOST` classes."""

MISSING = ("", "nan")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


class LabelSettings(Protocol):
    """The settings by which labels are read."""

    @property
    def task(self) -> str:
        """``auto``, ``single`` or ``intensity``."""

    @property
    def edges(self) -> tuple[float, ...]:
        """Rising numbers between classes."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in their order."""


@dataclass(frozen=True)
class LabelColumn:
    """A column as it is written; ``lines`` are those of its cells in the file, for messages."""

    name: str
    cells: tuple[str, ...]
    lines: tuple[int, ...]
    path: Path

    def fault(self, what: str, row: int | None = None, hint: str = "") -> ManifestError:
        """Return what is wrong with the column, or with one of its cells."""
        place = f"{self.path}" if row is None else f"{self.path}, row {self.lines[row]}"
        return ManifestError(what, where=f"{place}, column '{self.name}'", hint=hint)


@dataclass(frozen=True)
class Labels:
    """A class or a number per row, None where it is empty; and what should be said of them."""

    task: Task
    classes: tuple[str, ...]
    cells: tuple[str | float | None, ...]
    notes: tuple[str, ...] = ()

    def on(self, clip: Clip, row: int) -> Clip:
        """Return a clip with the label of its row."""
        match self.cells[row]:
            case None:
                return clip
            case str() as name:
                return replace(clip, label=name)
            case intensity:
                return replace(clip, labels={self.classes[0]: intensity})


def composed(text: str) -> str:
    """Return a text in the form in which equal letters are equal (Unicode's NFC)."""
    return unicodedata.normalize("NFC", text)


def cleaned_label(cell: str) -> str:
    """Return a cell without blanks around or twice inside, composed; '' where it has no label."""
    text = " ".join(composed(cell).split())
    return "" if text.lower() in MISSING else text


def read_labels(column: LabelColumn, settings: LabelSettings) -> Labels:
    """Tell classes, numbers that are classes, and intensities apart.

    Raises
    ------
    ManifestError
        If there is no label, one that is no number is among numbers, or there are so many names
        that they can hardly be classes.
    """
    if column.cells and not any(column.cells):
        raise column.fault("holds no label")
    numbers, notes = _numbers(column, settings)
    if numbers is None:
        return _of_texts(column, settings)
    if settings.edges:
        names = settings.classes or _between(settings.edges)
        places = [None if v is None else bisect_right(settings.edges, v) for v in numbers]
        return _class_labels(column, names, places, len(settings.edges) + 1, notes)
    known = sorted({value for value in numbers if value is not None})
    few = len(known) <= MOST and all(value.is_integer() for value in known)
    if settings.task == "intensity" or (settings.task == "auto" and not few):
        return Labels("intensity", (column.name,), tuple(numbers), notes)
    names = settings.classes or tuple(map(_name, known))
    places = [None if value is None else known.index(value) for value in numbers]
    return _class_labels(column, names, places, len(known), notes)


def _numbers(
    column: LabelColumn, settings: LabelSettings
) -> tuple[list[float | None] | None, tuple[str, ...]]:
    """Return the labels as numbers, if they are numeric, and notes on their interpretation."""
    filled = [cell for cell in column.cells if cell]
    comma = any(map(DECIMAL_COMMA.fullmatch, filled)) and not any("." in cell for cell in filled)
    values = [number(cell, comma) for cell in column.cells]
    wanted = settings.task == "intensity" or bool(settings.edges)
    count = sum(value is not None for value in values)
    wrong = [k for k, cell in enumerate(column.cells) if cell and values[k] is None]
    if wrong and set(filled) <= set(settings.classes) and not wanted:
        return None, ()
    if wrong and settings.task != "single" and (wanted or 2 * count >= len(filled)):
        if not count:
            hint = "leave table.edges out" if settings.edges else "leave table.task out"
            raise column.fault("does not hold numbers", hint=hint)
        raise column.fault(
            f"'{column.cells[wrong[0]]}' is no finite number, but {count} other labels are",
            wrong[0],
            hint="correct it, leave the cell empty, or take all for names with table.task=single",
        )
    if wrong or not filled:
        return None, ()
    note = f"labels have decimal commas: '{next(c for c in filled if ',' in c)}'" if comma else ""
    return values, (note,) if note else ()


def number(cell: str, comma: bool = False) -> float | None:
    """Return the finite number a cell holds, if it does."""
    try:
        value = float(cell.replace(",", ".") if comma else cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in cell else None


def _name(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def _of_texts(column: LabelColumn, settings: LabelSettings) -> Labels:
    known = Counter(cell for cell in column.cells if cell)
    if settings.classes:
        strange = sorted(set(known) - set(settings.classes))
        if strange:
            row = column.cells.index(strange[0])
            what = f"holds '{strange[0]}', which is not in table.classes"
            raise column.fault(what, row)
        return Labels("single", settings.classes, tuple(cell or None for cell in column.cells))
    spelling = _spellings(known)
    merged = sum(count for cell, count in known.items() if spelling[cell] != cell)
    classes = tuple(sorted(set(spelling.values())))
    total = known.total()
    if settings.task != "single" and len(classes) > MOST and len(classes) > total / FEW:
        first = column.cells.index(next(cell for cell in column.cells if cell))
        raise column.fault(
            f"holds {len(classes)} different labels for {total} clips, as '{column.cells[first]}'",
            first,
            hint="is it the right column (table.label)? if these are classes: table.task=single",
        )
    note = number_of(merged, "labels are taken for another class: they differ in case alone")
    cells = tuple(spelling[cell] if cell else None for cell in column.cells)
    return Labels("single", classes, cells, (note,) if merged else ())


def _spellings(known: Counter[str]) -> dict[str, str]:
    """Return the most frequent spelling of each name, whatever its case."""
    best: dict[str, str] = {}
    for cell, _ in sorted(known.items(), key=lambda item: (-item[1], item[0])):
        best.setdefault(cell.casefold(), cell)
    return {cell: best[cell.casefold()] for cell in known}


def _between(edges: Sequence[float]) -> tuple[str, ...]:
    """Name the classes between edges."""
    inner = (f"{low:g} to {high:g}" for low, high in pairwise(edges))
    return (f"below {edges[0]:g}", *inner, f"{edges[-1]:g} and above")


def _class_labels(
    column: LabelColumn,
    names: tuple[str, ...],
    places: Sequence[int | None],
    count: int,
    notes: tuple[str, ...],
) -> Labels:
    if len(names) != count:
        raise column.fault(f"has {count} classes, table.classes names {len(names)}")
    cells = tuple(None if place is None else names[place] for place in places)
    return Labels("single", names, cells, notes)
