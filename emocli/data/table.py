"""CSV files as people really have them: read whole, with the line of every row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from emocli.data import rules
from emocli.errors import EmocliError

BYTE_ORDER_MARKS = {b"\xff\xfe\x00\x00": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


@dataclass(frozen=True)
class Table:
    """A CSV file.

    Attributes
    ----------
    header : tuple of str
        Names of the columns.
    rows : list of list of str
        The cells; every row is as long as the header. Blank lines are left out.
    lines : list of int
        The line each row starts on, as an editor counts (the header is on line 1).
    """

    header: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]

    def records(self) -> Iterator[dict[str, str]]:
        """Iterate over the rows, each as column name to cell."""
        return (dict(zip(self.header, row, strict=True)) for row in self.rows)


def read_table(path: Path, error: type[EmocliError], *, fallback: str | None = None) -> Table:
    """Read a comma-separated UTF-8 file (with or without byte order mark).

    Quoted cells may hold commas, quotes and line ends.

    Parameters
    ----------
    path : Path
        The file.
    error : type
        What to raise if it is absent, empty, not UTF-8, not rectangular, or names a column twice.
    fallback : str, optional
        The encoding of a file that is not UTF-8, instead of refusing it.
    """
    text = _text(path, error, fallback)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    line = 1
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as fault:
        raise error(f"is not valid CSV ({fault})", where=f"{path}, row {line}") from None
    if not rows:
        raise error("is empty", where=path)
    header = tuple(rows[0])
    twice = rules.repeated(header)
    if twice is not None:
        raise error(f"column '{twice}' is there twice", where=f"{path}, row {lines[0]}")
    for row, start in zip(rows, lines, strict=True):
        if len(row) != len(header):
            raise error(
                f"has {len(row)} cells where the header has {len(header)}",
                where=f"{path}, row {start}",
                mend="put cells that hold commas or quotes in double quotes",
            )
    return Table(header, rows[1:], lines[1:])


def _text(path: Path, error: type[EmocliError], fallback: str | None) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise error("there is no such file", where=path) from None
    except OSError as fault:
        raise error(f"cannot be read ({fault.strerror})", where=path) from None
    for mark, name in BYTE_ORDER_MARKS.items():
        if raw.startswith(mark):
            raise error(f"is encoded as {name}", where=path, mend="save it as UTF-8")
    if b"\0" in raw:
        raise error("is not a text file", where=path, mend="CSV in UTF-8 is expected")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        if fallback is not None:
            return raw.decode(fallback, "replace")
        row = raw.count(b"\n", 0, fault.start) + 1
        byte = raw[fault.start]
        raise error(
            f"byte 0x{byte:02x} is not UTF-8", where=f"{path}, row {row}", mend="save it as UTF-8"
        ) from None
