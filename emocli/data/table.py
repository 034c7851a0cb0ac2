"""Tables from CSV files in any encoding and with any usual separator."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from emocli.data import manifest_rules
from emocli.data.encoding import read_text
from emocli.errors import EmocliError, EmocliWarning

SEPARATORS = MappingProxyType({",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"})
"""What may stand between cells; the first one unless another is more frequent in the header."""

DECLARED = re.compile(r"sep=(.)", re.IGNORECASE)
"""A first line by which spreadsheets say the separator."""

LINE_END = re.compile("\r\n|\r|\n")
QUOTED = re.compile('"[^"]*"')


@dataclass(frozen=True)
class DataTable:
    """The cells of a CSV file; every row is as long as the header, blank rows are left out.

    ``lines`` are where the rows start, as an editor counts (the header is on line 1).
    """

    header: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]

    def renamed(self, known: Iterable[str]) -> DataTable:
        """Name columns as the reader knows them where only case or blanks are different."""
        names = {name.casefold(): name for name in known}
        taken = set(self.header) & set(names.values())

        def as_known(name: str) -> str:
            own = names.get(name.strip().casefold(), name)
            return name if name in taken or own in taken else own

        header = tuple(map(as_known, self.header))
        return self if manifest_rules.repeated(header) is not None else replace(self, header=header)

    def records(self) -> Iterator[dict[str, str]]:
        """Iterate over the rows, each as column name to cell."""
        return (dict(zip(self.header, row, strict=True)) for row in self.rows)


def read_table(
    path: Path, error: type[EmocliError], usual: str = ",", *, hint: str = ""
) -> DataTable:
    """Read a table of comma-separated cells, in any encoding of `emocli.data.encoding`.

    Quoted cells may hold separators, quotes and line ends. Cells may also be separated by
    semicolons, tabs or bars, which is warned of: the header decides. Rows without anything in them
    are left out, and so are columns at the end without name and cells.

    Parameters
    ----------
    error : type
        What to raise if it is absent, empty, no text, not rectangular, or names a column twice.
    usual : str
        Separators that are not warned of.
    hint : str
        What to do where it is absent or cannot be read.
    """
    text = read_text(path, error, hint=hint)
    separator, declared = _separator(text)
    if separator not in usual:
        message = f"{path}: is read as separated by {SEPARATORS.get(separator, repr(separator))}"
        warnings.warn(message, EmocliWarning, stacklevel=2)
    rows, lines = _rows(text, separator, path, error)
    rows, lines = rows[declared:], lines[declared:]
    if not rows:
        raise error("is empty", where=path)
    width = len(rows[0]) - _unnamed(rows)
    header, *rest = (_fitted(row, width) for row in rows)
    twice = manifest_rules.repeated(name for name in header if name.strip())
    if twice is not None:
        raise error(f"column '{twice}' is there twice", where=f"{path}, row {lines[0]}")
    for row, start in zip(rest, lines[1:], strict=True):
        if len(row) != width:
            raise error(
                f"has {len(row)} cells where the header has {width}",
                where=f"{path}, row {start}",
                hint="put cells that hold separators or quotes in double quotes",
            )
    return DataTable(tuple(header), rest, lines[1:])


def _rows(
    text: str, separator: str, path: Path, error: type[EmocliError]
) -> tuple[list[list[str]], list[int]]:
    """Return the rows that hold anything, and the line each starts on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    line = 1
    try:
        for row in reader:
            if any(map(str.strip, row)):
                rows.append(row)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as fault:
        what = f"is not valid CSV ({fault})"
        raise error(what, where=f"{path}, row {line}", hint="is a quote left open?") from None
    return rows, lines


def _separator(text: str) -> tuple[str, bool]:
    """Detect the separator of cells, and whether the first line only declares it."""
    first = LINE_END.split(text.lstrip("\r\n"), maxsplit=1)[0]
    declared = DECLARED.fullmatch(first.rstrip(",;\t|") if len(first) > 5 else first)
    if declared and declared[1] in SEPARATORS:
        return declared[1], True
    names = QUOTED.sub("", first)
    most = max(SEPARATORS, key=names.count)
    if most != "," and "," in names and _is_rectangular(text, ","):
        return ",", False
    return (most if most in names else ","), False


def _is_rectangular(text: str, separator: str) -> bool:
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        return len({len(row) for row in reader if row}) == 1
    except csv.Error:
        return False


def _unnamed(rows: list[list[str]]) -> int:
    """Count the columns at the end of a table that have neither a name nor a cell."""
    if rows[0][-1].strip():
        return 0
    return max(0, len(rows[0]) - max(map(_filled, rows)))


def _fitted(row: list[str], width: int) -> list[str]:
    """Leave out the empty cells that a row has too many at its end."""
    return row if len(row) <= width else row[: max(width, _filled(row))]


def _filled(row: list[str]) -> int:
    """Count the cells up to the last one that holds anything."""
    return next((k for k in range(len(row), 0, -1) if row[k - 1].strip()), 0)
