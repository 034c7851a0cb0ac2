"""Tables of features that other programs wrote, a file per clip or one about many."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import cast

import numpy as np
from numpy.typing import NDArray

from emocli import plugins
from emocli.data.durable import digest
from emocli.data.encoding import read_text
from emocli.data.table import SEPARATORS, DataTable, read_table
from emocli.errors import StoreError, choice
from emocli.plugin.format import Format, Layout

CLOCK = re.compile(r"(?=.)(?:(\d+) days?,? ?)?(?:(?:(\d+):)?(\d+):(\d+(?:\.\d+)?))?")
"""Days, hours, minutes and seconds, as pandas and others write a time."""

NO_NUMBER = re.compile(r"[+-]?(nan\([a-z]*\)|1\.#[a-z]+|nat)")
"""What libraries of Windows and others write where there is no number; `float` reads ``-nan``."""

TRUTH = {"true": 1.0, "false": 0.0}

NO_TABLES = {
    "@relation": ("ARFF", "have openSMILE write CSV: -csvoutput FILE"),
    'file type = "ootextfile"': ("an object of Praat", "save it as a tab-separated file"),
}
"""How files begin, in small letters, that these programs write and that are no tables of rows, and
how they are had as such."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class TableRows:
    """The rows of one file that a table is about.

    Attributes
    ----------
    values : ndarray, shape (n, D)
        The features, NaN where there is no number.
    spans : ndarray, shape (n, 2), optional
        Start and end of each row in seconds; None where the table does not tell.
    frame : ndarray, shape (n,)
        Which frame each row is about.
    face : ndarray of str, shape (n,), optional
        Which face; None where faces have no numbers.
    confidence : ndarray, shape (n,)
        Confidence of the program; 1 where it does not tell, NaN where it has none.
    success : ndarray of bool, shape (n,)
        False where it says that it failed.
    """

    values: Numbers
    spans: Numbers | None
    frame: Numbers
    face: NDArray[np.str_] | None
    confidence: Numbers
    success: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> TableRows:
        return TableRows(
            self.values[rows],
            None if self.spans is None else self.spans[rows],
            self.frame[rows],
            None if self.face is None else self.face[rows],
            self.confidence[rows],
            self.success[rows],
        )


class Tables:
    """The tables of a folder, or one file of them, by the name of the file each is about.

    ``wanted`` are the names that clips ask for; ``program`` what wrote the tables, if that is
    known: a table without a column that tells times, frames, files or faces, or with the columns of
    another program alone, is refused.
    Raises a `StoreError` if there is no table, or if two are about files of one name.
    """

    def __init__(
        self,
        root: Path,
        layout: Layout,
        wanted: frozenset[str] = frozenset(),
        program: str = "",
    ) -> None:
        self.root, self.layout, self._wanted, self._program = root, layout, wanted, program
        self.files = _files(root, layout)
        self._read = lru_cache(maxsize=1)(partial(_table, layout=layout))
        self._grouped = lru_cache(maxsize=1)(self._groups)
        self._others: dict[str, str | None] = {}
        self._places = self._index()
        self.columns: tuple[str, ...] = ()

    @property
    def names(self) -> Iterable[str]:
        """What the tables are about: names of files, without folder and ending."""
        return self._places

    @property
    def digest(self) -> str:
        """SHA-256 over the names and the contents of the files."""
        base = self.root if self.root.is_dir() else self.root.parent
        parts = [f"{path.relative_to(base).as_posix()} {digest(path)}" for path in self.files]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def rows(self, name: str) -> TableRows:
        """Return the rows about a file.

        Raises
        ------
        StoreError
            If a cell is no number, or the table has other columns than the one read first.
        """
        path, about = self._places[name]
        table = self._read(path)
        columns = self._features(table, path)
        kept = range(len(table.rows)) if about is None else self._grouped(path)[about]
        read = _Cells(table, path, kept, frozenset(self.layout.missing))
        frame = read.one(self.layout.frame)
        spans = self._spans(read, frame)
        number = np.arange(len(kept), dtype=np.float64)
        times = number if spans is None else spans[:, 0]
        success = read.one(self.layout.success)
        confidence = read.one(self.layout.confidence)
        succeeded = np.ones(len(kept), bool) if success is None else success > 0
        values = read.many([table.header.index(column) for column in columns], ~succeeded)
        return TableRows(
            np.where(np.isfinite(values), values, np.nan),
            spans,
            times if frame is None else frame,
            read.texts(self.layout.face),
            np.ones(len(kept)) if confidence is None else confidence,
            succeeded,
        )

    @property
    def naming(self) -> str:
        """The column of a table whose cells name files or clips; empty where none is needed."""
        named = [path for path, cell in self._places.values() if cell is not None]
        header = self._read(named[-1]).header if named else ("",)
        return header[_first(header, self.layout.file) or 0]

    def require_one(self, name: str) -> None:
        """Refuse a name that several recordings in one table have, with a `StoreError`."""
        if name in self._others:
            path, cell = self._places[name]
            what = f"its rows of '{cell}' and of '{self._others[name]}' are both about '{name}'"
            hint = "name different recordings differently, or write ids of clips"
            raise StoreError(what, where=path, hint=hint)

    def _index(self) -> dict[str, tuple[Path, str | None]]:
        places: dict[str, tuple[Path, str | None]] = {}
        for path in self.files:
            for name, about in self._abouts(path):
                former, _ = places.setdefault(name, (path, about))
                if former != path:
                    what = f"'{former}' and this one are both about '{name}'"
                    raise StoreError(what, where=path, hint="import them one by one")
                if about != places[name][1]:
                    self._others[name] = about
        return places

    def _abouts(self, path: Path) -> list[tuple[str, str | None]]:
        """Pair the files a table is about with the cell that says so; None for all rows."""
        cells = list(self._grouped(path)) if self.layout.file else []
        named = [(self._name(cell), cell) for cell in cells]
        if len(named) > 1 or (named and named[0][0] in self._wanted - {path.stem}):
            return [*named]
        # A table about one file has that file's name; what it says inside is often 'unknown'.
        return [(path.stem, None)]

    def _name(self, cell: str) -> str:
        """Return the name in a cell: without an ending, unless a clip asks for it with it."""
        path = PurePosixPath(cell)
        bare = path.name if path.suffix[1:].isdigit() else path.stem
        return next((name for name in (cell, path.name) if name in self._wanted), bare)

    def _groups(self, path: Path) -> Mapping[str, list[int]]:
        """Return the rows about each file by the cell that names it; nothing if none does."""
        table = self._read(path)
        column = _first(table.header, self.layout.file)
        groups: dict[str, list[int]] = {}
        for k, row in enumerate(table.rows if column is not None else ()):
            groups.setdefault(_bare(row[column or 0]), []).append(k)
        return groups

    def _features(self, table: DataTable, path: Path) -> tuple[str, ...]:
        """Choose the columns that are features: the same in every table."""
        self._require_program(table, path)
        named = {
            column
            for column in table.header
            if _matches(column.casefold(), self.layout.no_features)
            or _matches(column, self.layout.without)
        }
        every = [column for column in table.header if column not in named]
        chosen = tuple(c for c in every if _matches(c, self.layout.columns))
        if not chosen:
            patterns = ", ".join(self.layout.columns)
            raise StoreError(f"has no column '{patterns}'", where=path, hint=choice("", every))
        self.columns = self.columns or chosen
        if set(chosen) != set(self.columns):
            first = sorted(set(chosen) ^ set(self.columns))[0]
            has = "has a column" if first in chosen else "lacks the column"
            what = f"{has} '{first}', unlike the table read first"
            raise StoreError(what, where=path, hint="choose those that all have with --columns")
        return self.columns

    def _require_program(self, table: DataTable, path: Path) -> None:
        """Refuse a table of another program: failed rows and times would pass for features."""
        own, names = self.layout.OWN, [name.casefold() for name in table.header]
        words = " ".join(names).split()  # also where blanks stand between cells
        if not self._program or any(_matches(word, own) for word in words):
            return
        other = _program(words)
        if (own and other) or not any(_matches(name, self.layout.no_features) for name in names):
            what = f"has none of the columns of {self._program} that tell what a row is about"
            hint = f"choose the --format it is of{f', {other},' if other else ','} or csv"
            raise StoreError(what, where=path, hint=hint)

    def _spans(self, read: _Cells, frame: Numbers | None) -> Numbers | None:
        """Return start and end of each row in seconds."""
        starts, ends = read.one(self.layout.time), read.one(self.layout.end)
        scale = self.layout.seconds
        if starts is None and frame is not None and self.layout.rate is not None:
            starts, scale = frame - self.layout.first, 1 / self.layout.rate
        if starts is None:
            return None
        if ends is not None:
            return np.stack([starts, np.where(np.isnan(ends), starts, ends)], axis=1) * scale
        return _around(starts * scale)


class _Cells:
    """Some rows of a table, as numbers."""

    def __init__(self, table: DataTable, path: Path, rows: Sequence[int], missing: frozenset[str]):
        self._table, self._path, self._rows, self._missing = table, path, rows, missing

    def many(self, columns: Sequence[int], failed: NDArray[np.bool_] | None = None) -> Numbers:
        """Return columns by their places, shape (n, D); rows that failed may hold anything."""
        cells = [[self._table.rows[k][c] for c in columns] for k in self._rows]
        if not cells:
            return np.zeros((0, len(columns)))
        try:
            return np.array(cells, dtype=np.str_).astype(np.float64)
        except ValueError:  # words among them: one by one
            numbers = np.full((len(cells), len(columns)), np.nan)
            for place, row in enumerate(cells):
                if failed is None or not failed[place]:
                    line = self._rows[place]
                    pairs = zip(row, columns, strict=True)
                    numbers[place] = [self._number(cell, line, c) for cell, c in pairs]
            return numbers

    def one(self, patterns: Iterable[str]) -> Numbers | None:
        """Return the column of one of the patterns, shape (n,); None if there is none."""
        place = _first(self._table.header, patterns)
        return None if place is None else self.many([place])[:, 0]

    def texts(self, patterns: Iterable[str]) -> NDArray[np.str_] | None:
        """Return the texts of that column, shape (n,); None if there is none."""
        place = _first(self._table.header, patterns)
        if place is None:
            return None
        return np.array([self._table.rows[k][place].strip() for k in self._rows], np.str_)

    def _number(self, cell: str, row: int, column: int) -> float:
        text = cell.strip().casefold()
        if text in self._missing or NO_NUMBER.fullmatch(text):
            return np.nan
        if text in TRUTH:
            return TRUTH[text]
        if clock := CLOCK.fullmatch(text):
            days, hours, minutes, seconds = (float(part or 0) for part in clock.groups())
            return ((24 * days + hours) * 60 + minutes) * 60 + seconds
        try:
            return float(text)
        except ValueError:
            name, line = self._table.header[column], self._table.lines[row]
            raise StoreError(
                f"'{cell.strip()}' is not a number",
                where=f"{self._path}, row {line}, column '{name}'",
                hint="choose the columns of features with --columns, or add it to the cells "
                "without a number: --set FORMAT.missing",
            ) from None


def _files(root: Path, layout: Layout) -> list[Path]:
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise StoreError("there is no such folder or file", where=root)
    files = [p for p in sorted(root.rglob("*")) if p.suffix.lower() in layout.suffixes]
    files = [path for path in files if path.is_file() and not path.name.startswith(".")]
    if not files:
        raise StoreError(f"has no file that ends in {' or '.join(layout.suffixes)}", where=root)
    return files


def _table(path: Path, layout: Layout) -> DataTable:
    with path.open("rb") as file:
        start = file.read(max(map(len, NO_TABLES))).decode("utf-8", "replace").lower()
    for beginning, (kind, hint) in NO_TABLES.items():
        if start.startswith(beginning):
            raise StoreError(f"is {kind}, no table", where=path, hint=hint)
    table = _blank_table(path) if layout.blanks else None
    table = table or read_table(path, StoreError, layout.separators)
    # Columns are told by names; some programs write a blank after each comma.
    header = tuple(name.strip().strip("'\"") for name in table.header)
    return DataTable(header, table.rows, table.lines)


def _program(columns: Sequence[str]) -> str:
    """Name the format that has one of the columns for its own; empty if none has."""
    for name, module in plugins.load_all("formats").items():
        if any(_matches(column, cast(Format, module).Config.OWN) for column in columns):
            return name
    return ""


def _blank_table(path: Path) -> DataTable | None:
    """Read a table whose cells any number of blanks separate; None if something else does."""
    lines = read_text(path, StoreError).splitlines()
    numbered = [(k, line.split()) for k, line in enumerate(lines, 1) if line.strip()]
    if not numbered or any(mark in lines[numbered[0][0] - 1] for mark in SEPARATORS):
        return None
    (_, header), *rest = numbered
    for line, row in rest:
        if len(row) != len(header):
            what = f"has {len(row)} cells where the header has {len(header)}"
            raise StoreError(what, where=f"{path}, row {line}")
    return DataTable(tuple(header), [row for _, row in rest], [line for line, _ in rest])


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _first(header: Sequence[str], patterns: Iterable[str]) -> int | None:
    """Return the place of the first column of the first pattern that one has."""
    for pattern in patterns:
        for place, name in enumerate(header):
            if fnmatchcase(name.casefold(), pattern):
                return place
    return None


def _bare(cell: str) -> str:
    return cell.strip().strip("'\"").replace("\\", "/")


def _around(times: Numbers) -> Numbers:
    """Return the start and end of rows around their times; each lasts the usual step."""
    steps = np.diff(np.unique(times[np.isfinite(times)]))
    half = float(np.median(steps)) / 2 if len(steps) else 0.0
    return np.stack([times - half, times + half], axis=1)
