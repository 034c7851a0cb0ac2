"""Any folder with a table of labels: a row per clip, features or recordings beside it.

Source: no corpus in particular.

``labels.csv`` has a column ``id`` and a column of labels; ``split``, ``dialogue``, ``turn``,
``speaker``, ``start``, ``end``, ``text`` and ``media.<kind>`` are as in a manifest. Labels are
classes; or numbers, which ``edges`` cut into classes. Without ``edges`` a few whole numbers are
classes, other numbers intensities. A clip whose label is empty or ``nan`` has none.

Splits are those of the table; with ``split=new``, or where the table has none, they are drawn: by
dialogue, else by speaker, else clip by clip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import field_validator

from emocli.config import Settings
from emocli.data.clip import SPLITS, Clip
from emocli.data.manifest import PARSERS, PLAIN, Manifest, Task
from emocli.data.rules import MEDIA, MOST_NAMES, absolute
from emocli.data.table import Table, read_table
from emocli.datasets._apart import apart
from emocli.datasets._files import HEADER, counted, require_columns
from emocli.errors import ManifestError, choice
from emocli.quantities import Number

MOST = 20
"""Whole numbers are classes if there are at most so many."""


class Config(Settings):
    """Which table, and what in it is the label.

    Attributes
    ----------
    labels : str
        The table, relative to the folder.
    label : str
        Column of the labels; by default the only one that is nothing else.
    edges : tuple of float
        Rising numbers between the classes; a label that is an edge belongs to the class above it.
    classes : tuple of str
        The classes in their order; of numbers their names, from the lowest.
    split : {'given', 'new'}
        As the table says, or drawn.
    dataset : str
        Name of the corpus; by default that of the folder.
    citation, licence : str
        Of the corpus.
    """

    labels: str = "labels.csv"
    label: str = ""
    edges: tuple[Number, ...] = ()
    classes: tuple[str, ...] = ()
    split: Literal["given", "new"] = "given"
    dataset: str = ""
    citation: str = ""
    licence: str = ""

    @field_validator("edges")
    @classmethod
    def _rising(cls, edges: tuple[float, ...]) -> tuple[float, ...]:
        if not all(low < high for low, high in pairwise(edges)):
            raise ValueError("Edges must rise")
        return edges


@dataclass(frozen=True)
class _Labels:
    """What the column of labels means: a class or a number per row, None where it is empty."""

    task: Task
    classes: tuple[str, ...]
    cells: tuple[Any, ...]

    def of(self, row: int) -> dict[str, Any]:
        """Return a row's label as attributes of its clip."""
        cell = self.cells[row]
        if cell is None:
            return {}
        return {"label": cell} if self.task == "single" else {"labels": {self.classes[0]: cell}}


def build(root: Path, config: Config) -> Manifest:
    """Make the manifest of a folder with a table.

    Raises
    ------
    ManifestError
        If the table is absent, or it is not clear what its labels mean.
    """
    root = absolute(root)
    path = absolute(root / config.labels)
    table = read_table(path, ManifestError)
    column = _column(table, config.label, path)
    labels = _meaning(column, _cells(table, column), config, path)
    clips = tuple(
        Clip(**_attributes(row, root, f"{path}, row {line}"), **labels.of(k))
        for k, (line, row) in enumerate(zip(table.lines, table.records(), strict=True))
    )
    drawn = config.split == "new" or "split" not in table.header
    if drawn:
        clips = apart(clips, _group)
    alone = sum(not clip.dialogue and not clip.speaker for clip in clips) if drawn else 0
    absent = [name for name in SPLITS[:2] if not any(clip.split == name for clip in clips)]
    mend = "" if drawn else "; draw splits: table.split=new"
    unlabelled = sum(cell is None for cell in labels.cells)
    return Manifest(
        clips=clips,
        classes=labels.classes,
        task=labels.task,
        dataset=config.dataset or root.name,
        root=root,
        citation=config.citation,
        licence=config.licence,
        notes=(
            *counted(
                (alone, "clips are split one by one: their dialogues and speakers are not known"),
                (unlabelled, "clips have no label"),
            ),
            *(f"no clip is in {name}: training needs it{mend}" for name in absent),
        ),
    )


def _group(clip: Clip) -> str:
    return clip.dialogue or clip.speaker or clip.id


def _attributes(row: Mapping[str, str], root: Path, where: str) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name in PLAIN:
        if row.get(name):
            try:
                told[name] = PARSERS[name](row[name])
            except ValueError as fault:
                raise ManifestError(str(fault), where=f"{where}, column '{name}'") from None
    media = {
        name.removeprefix(MEDIA): root / cell
        for name, cell in row.items()
        if name.startswith(MEDIA) and cell
    }
    return {"id": "", **told, "media": media}


def _column(table: Table, named: str, path: Path) -> str:
    """Find the column of labels."""
    require_columns(table, path, ["id"], HEADER)
    others = [n for n in table.header if n not in PLAIN and not n.startswith(MEDIA)]
    if named in others or (not named and len(others) == 1):
        return named or others[0]
    if named:
        raise ManifestError(
            f"has no column '{named}'", where=path, mend=choice(named, others, MOST_NAMES)
        )
    if not others:
        raise ManifestError("has no column of labels", where=path, mend="add one, e.g. 'label'")
    raise ManifestError(
        f"has several columns that may be the labels: {', '.join(others[:MOST_NAMES])}",
        where=path,
        mend="choose one with --set table.label=NAME",
    )


def _cells(table: Table, column: str) -> list[str]:
    cells = [row[column].strip() for row in table.records()]
    return ["" if cell.lower() == "nan" else cell for cell in cells]


def _meaning(column: str, cells: Sequence[str], config: Config, path: Path) -> _Labels:
    """Tell classes, numbers that are classes, and intensities apart."""
    if cells and not any(cells):
        raise ManifestError(f"column '{column}' holds no label", where=path)
    numbers = _numbers(cells)
    if numbers is None:
        if config.edges:
            what = f"column '{column}' does not hold numbers"
            raise ManifestError(what, where=path, mend="leave table.edges out")
        return _of_texts(column, cells, config, path)
    if config.edges:
        names = config.classes or _between(config.edges)
        places = [
            None if v is None else int(np.searchsorted(config.edges, v, "right")) for v in numbers
        ]
        return _named(column, names, places, len(config.edges) + 1, path)
    known = sorted({value for value in numbers if value is not None})
    if len(known) > MOST or not all(value.is_integer() for value in known):
        return _Labels("intensity", (column,), tuple(numbers))
    names = config.classes or tuple(f"{value:g}" for value in known)
    places = [None if value is None else known.index(value) for value in numbers]
    return _named(column, names, places, len(known), path)


def _numbers(cells: Sequence[str]) -> list[float | None] | None:
    try:
        numbers = [float(cell) if cell else None for cell in cells]
    except ValueError:
        return None
    return numbers if all(v is None or np.isfinite(v) for v in numbers) else None


def _of_texts(column: str, cells: Sequence[str], config: Config, path: Path) -> _Labels:
    known = {cell for cell in cells if cell}
    strange = sorted(known - set(config.classes)) if config.classes else []
    if strange:
        what = f"column '{column}' holds '{strange[0]}', which is not in table.classes"
        raise ManifestError(what, where=path)
    classes = config.classes or tuple(sorted(known))
    return _Labels("single", classes, tuple(cell or None for cell in cells))


def _between(edges: Sequence[float]) -> tuple[str, ...]:
    """Name the classes between edges."""
    inner = (f"{low:g} to {high:g}" for low, high in pairwise(edges))
    return (f"below {edges[0]:g}", *inner, f"{edges[-1]:g} and above")


def _named(
    column: str, names: tuple[str, ...], places: Sequence[int | None], count: int, path: Path
) -> _Labels:
    if len(names) != count:
        what = f"column '{column}' has {count} classes, table.classes names {len(names)}"
        raise ManifestError(what, where=path)
    return _Labels("single", names, tuple(None if k is None else names[k] for k in places))
