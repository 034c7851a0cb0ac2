"""The columns of a manifest: their parsers, and the reading and writing of clips."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from emocli.data import manifest_rules
from emocli.data.clip import Clip, split_named
from emocli.data.manifest_rules import GROUP, LABEL, MEDIA, MOST_NAMES
from emocli.data.table import DataTable
from emocli.display import csv_cell, csv_text
from emocli.errors import ManifestError, choice


def _split(cell: str) -> str:
    return split_named(cell) or cell  # what is no split is refused with all other rules


def _number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        comma = ", write a point for the decimal comma" if DECIMAL_COMMA.fullmatch(cell) else ""
        raise ValueError(f"'{cell}' is not a number{comma}") from None
    if not math.isfinite(value):
        raise ValueError(f"'{cell}' is not a finite number")
    return value


def _whole_number(cell: str) -> int:
    value = _number(cell)
    if value != int(value):
        raise ValueError(f"'{cell}' is not a whole number")
    return int(value)


PARSERS: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "id": str,
        "split": _split,
        "dialogue": str,
        "turn": _whole_number,
        "speaker": str,
        "start": _number,
        "end": _number,
        "text": str,
        "fold": _whole_number,
        "label": str,
    }
)
"""Columns that are attributes of a clip; an empty cell is the attribute's default."""

DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
WINDOWS_DRIVE = re.compile(r"[A-Za-z]:[\\/]")

KINDS = ("audio", "video", "words")
"""Media that emocli's own features read."""

FOLD = "fold"
PLAIN = tuple(name for name in PARSERS if name not in (FOLD, "label"))
"""Those that every manifest has."""

REQUIRED = ("id", "split")
"""Cells that may not be empty; the column ``split`` itself may be missing (all are ``train``)."""


def known_columns(classes: Iterable[str]) -> tuple[str, ...]:
    """Name the columns emocli itself reads."""
    return (*PARSERS, *(MEDIA + kind for kind in KINDS), *(LABEL + name for name in classes))


def read_clips(table: DataTable, path: Path, root: Path, classes: Sequence[str]) -> Iterator[Clip]:
    """Make the clips of a table.

    Raises
    ------
    ManifestError
        For an unknown column, or a cell that does not hold what its column does.
    """
    _check_header(table.header, path, classes)
    prefix = manifest_rules.folder_prefix(root)
    columns = [(name, *_column(name, prefix)) for name in table.header]
    empty = {name: "" for name in REQUIRED if name in table.header}
    for line, row in zip(table.lines, table.rows, strict=True):
        values: dict[str, dict[str, Any]] = {"": dict(empty), MEDIA: {}, LABEL: {}, GROUP: {}}
        for cell, (name, group, key, parse) in zip(row, columns, strict=True):
            if not cell:
                continue
            try:
                values[group][key] = parse(csv_text(cell))
            except ValueError as fault:
                where = f"{path}, row {line}, column '{name}'"
                raise ManifestError(str(fault), where=where) from None
        yield Clip(**values[""], media=values[MEDIA], labels=values[LABEL], groups=values[GROUP])


def _column(name: str, prefix: str) -> tuple[str, str, Callable[[str], Any]]:
    if name.startswith(MEDIA):
        return MEDIA, name.removeprefix(MEDIA), lambda cell: media_path(cell, prefix)
    if name.startswith(LABEL):
        return LABEL, name.removeprefix(LABEL), _number
    if name.startswith(GROUP):
        return GROUP, name.removeprefix(GROUP), str
    return "", name, PARSERS[name]


def _check_header(header: Sequence[str], path: Path, classes: Sequence[str]) -> None:
    where = f"{path}, row 1"
    labels = [LABEL + name for name in classes]
    for name in header:
        if name in PARSERS or name in labels or _is_open(name):
            continue
        hint = choice(name, list(known_columns(classes)), MOST_NAMES)
        raise ManifestError(f"unknown column '{name}'", where=where, hint=hint)
    if "id" not in header:
        raise ManifestError("column 'id' is missing", where=where)


def _is_open(name: str) -> bool:
    """Whether the name of a column is chosen by the user: a medium or a group."""
    return any(name.startswith(prefix) and name != prefix for prefix in (MEDIA, GROUP))


def media_path(cell: str, prefix: str) -> Path:
    """Return the file a cell names, below a folder that ends in a separator.

    Raises
    ------
    ValueError
        If it names none below it.
    """
    below = slashes(cell, prefix)
    if WINDOWS_DRIVE.match(cell) or Path(below).is_absolute():
        raise ValueError(f"'{cell}' is an absolute path; paths are relative to the root")
    path = os.path.normpath(prefix + below)
    if not path.startswith(prefix):
        raise ValueError(f"'{cell}' leads outside the root '{prefix}'")
    return Path(path)


def slashes(cell: str, prefix: str) -> str:
    """Return a path with slashes for backslashes, unless a file below has that very name."""
    if "\\" not in cell or os.path.exists(prefix + cell):  # noqa: PTH110 - False for any name
        return cell
    return cell.replace("\\", "/")


def write_clips(clips: Sequence[Clip], classes: Sequence[str], root: Path) -> str:
    """Return the text of the CSV file that holds the clips."""
    prefix = manifest_rules.folder_prefix(root)
    media = sorted({name for clip in clips for name in clip.media})
    graded = {name for clip in clips for name in clip.labels}
    labels = [name for name in classes if name in graded]
    groups = group_names(clips)
    fields = PLAIN if clips[0].fold is None else (*PLAIN, FOLD)
    columns = (
        *fields,
        *(MEDIA + m for m in media),
        *(GROUP + g for g in groups),
        "label",
        *(LABEL + c for c in labels),
    )
    rows: list[Iterable[object]] = [columns]
    for clip in clips:
        paths = (
            manifest_rules.relative(clip.media[m], prefix) if m in clip.media else "" for m in media
        )
        grades = (clip.labels.get(name) for name in labels)
        known = (clip.groups.get(name) for name in groups)
        own = (getattr(clip, name) for name in fields)
        rows.append((*own, *paths, *known, clip.label, *grades))
    return csv_rows(rows)


def group_names(clips: Iterable[Clip]) -> list[str]:
    """Name what clips are grouped by, in alphabetical order."""
    return sorted({name for clip in clips for name in clip.groups})


def csv_rows(rows: Iterable[Iterable[object]]) -> str:
    """Return the lines of a CSV file that no spreadsheet computes; None and NaN are empty cells."""
    return "".join(",".join(map(_cell, row)) + "\n" for row in rows)


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    text = str(csv_cell(value))
    if not any(mark in text for mark in ',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'
