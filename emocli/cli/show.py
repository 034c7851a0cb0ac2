"""Output: tables and JSON on stdout, progress and warnings on stderr."""

from __future__ import annotations

import json
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TextIO

from emocli.cli import streams
from emocli.data import json_io
from emocli.display import printable
from emocli.errors import EmocliWarning
from emocli.report.tables import text as written

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import ProgressColumn, Task
    from rich.table import Table

    from emocli.analysis import Analysis
    from emocli.data.pool import Progress

WIDEST = 1000
"""Characters of a table that is not shown on a terminal."""

NUMBER = re.compile(r"-?|[-+]?[\d.]+(e-\d+)?( (±|to) [-+]?[\d.]+)?")
"""Cells of numbers and intervals, which are never folded as long as names can be."""

NARROWEST = 12
"""Characters that a column of names is left with."""


def as_json(result: object) -> None:
    """Print a result as JSON; what is not a number becomes null."""
    streams.out(json_io.as_json(result, ascii_only=not streams.is_unicode(sys.stdout)))


def table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], title: str | None = None
) -> None:
    """Print a table; columns that hold numbers are set to the right.

    One that is too wide for the terminal is drawn without lines between its columns; of what is
    wider still names are folded, and numbers only where that is not enough.
    """
    from rich.console import Console

    literal: dict[str, Any] = {"markup": False, "emoji": False}  # an id may hold brackets
    console = Console(**literal)
    drawn = _drawn(columns, rows, title)
    width = _width(console, drawn)
    if not console.is_terminal:
        # Piped tables keep their full width, so that scripts can read every column.
        console = Console(width=max(console.width, width), **literal)
    elif width > console.width:
        drawn = _drawn(columns, rows, title, lines=False)
        if _width(console, drawn) > console.width:
            kept = _kept_widths(columns, rows, console.width)
            drawn = _drawn(columns, rows, title, lines=False, widths=kept)
    with console.capture() as written:
        console.print(drawn)
    streams.out(written.get())


def _drawn(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    title: str | None,
    lines: bool = True,
    widths: Mapping[int, int] = MappingProxyType({}),
) -> Table:
    """Return a table as rich draws it, with lines between its columns or two spaces.

    Columns may have ``widths``, by their number.
    """
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table

    look: dict[str, Any] = {"title_justify": "left", "header_style": "bold"}
    if not lines:
        look |= {"box": box.SIMPLE_HEAD, "show_edge": False, "pad_edge": False}
        look |= {"padding": (0, 1, 0, 0)}
    title = title and printable(title)
    drawn = Table(title=title, min_width=cell_len(title or ""), **look)  # else the title is folded
    for index, column in enumerate(columns):
        numeric = all(
            isinstance(row[index], int | float) or row[index] in ("", "-") for row in rows
        )
        justify: Literal["left", "right"] = "right" if numeric and rows else "left"
        width = widths.get(index)
        drawn.add_column(printable(column), justify=justify, overflow="fold", width=width)
    for row in rows:
        drawn.add_row(*(text(cell) for cell in row))
    return drawn


def _width(console: Console, drawn: Table) -> int:
    """Return the characters that a table would take."""
    return console.measure(drawn, options=console.options.update(max_width=WIDEST)).maximum


def _kept_widths(
    columns: Sequence[str], rows: Sequence[Sequence[object]], most: int
) -> dict[int, int]:
    """Return the widths of columns of numbers; none if names would have too little room beside."""
    widths = {}
    for index, column in enumerate(columns):
        cells = [text(row[index]) for row in rows]
        if all(map(NUMBER.fullmatch, cells)):
            widths[index] = max(map(len, [*cells, *printable(column).split()]), default=1)
    names = len(columns) - len(widths)
    needed = sum(widths.values()) + names * NARROWEST + len(columns)
    return widths if names and needed <= most else {}


def plan(result: object, as_data: bool) -> None:
    """Print what a command would do: as JSON, or a table of it and one of each list of records."""
    from emocli.config import leaves

    if as_data:
        as_json(result)
        return
    values: list[tuple[str, object]] = []
    records: dict[str, list[Mapping[str, object]]] = {}
    for name, value in leaves(json_io.plain_values(result)):
        if isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
            records[name] = value
        elif isinstance(value, list) and any(" " in str(each) for each in value):  # sentences
            values += [(name, _planned(each)) for each in value]
        else:
            values.append((name, _planned(value)))
    table(("what", "value"), values)
    for name, rows in records.items():
        columns = list(dict.fromkeys(key for row in rows for key in row))
        cells = [[_planned(row.get(column)) for column in columns] for row in rows]
        table(columns, cells, name)


def _planned(value: object) -> str:
    """Write a value of a plan."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_planned(inner)}" for name, inner in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(map(_planned, value)) or "-"
    if isinstance(value, str):
        return value
    return "-" if value is None else json.dumps(value)


def analysis(result: Analysis, as_data: bool) -> None:
    """Print an analysis: its data as JSON, or its tables and where data and figures are."""
    if as_data:
        as_json(result.data)
        return
    for part in result.tables:
        table(part.columns, part.rows, part.title)
    for note in result.notes:
        line(note)
    line(f"data: {result.path}")
    for figure in result.figures:
        line(f"figure: {figure}")
    warnings = result.data.get("warnings")
    for warning in warnings if isinstance(warnings, list) else ():
        warn(str(warning))


def text(cell: object) -> str:
    """Format a cell: numbers with three decimals, or digits if small; else printable text."""
    return written(cell) if isinstance(cell, float) else printable(str(cell))


def some(names: Sequence[str], most: int) -> str:
    """Join names with commas; of more than ``most`` say that there are others."""
    return ", ".join([*names[:most], *(["..."] if len(names) > most else [])])


def line(message: str) -> None:
    """Print one line of result."""
    streams.out(f"{printable(message)}\n")


def warn(message: str) -> None:
    """Print a warning on stderr."""
    streams.err(f"warning: {printable(message)}\n")


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Print what is warned of below the command line as `warn` does, each message once."""
    with warnings.catch_warnings():
        as_python_has_it = warnings.showwarning
        shown: set[str] = set()

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if not issubclass(category, EmocliWarning):
                as_python_has_it(message, category, filename, lineno, file, line)
            elif str(message) not in shown:  # Python tells it once for each line of code
                shown.add(str(message))
                warn(str(message))

        warnings.showwarning = show
        warnings.simplefilter("always", EmocliWarning)
        yield


def stopwatch() -> Callable[[str], None]:
    """Return a function that prints steps of a long command on stderr, with the seconds so far."""
    start = time.monotonic()

    def say(step: str) -> None:
        streams.err(f"[{time.monotonic() - start:5.0f} s] {printable(step)}\n")

    return say


@contextmanager
def progress(description: str, unit: str = "clips") -> Iterator[Progress]:
    """Show a bar with rate and remaining time on stderr; quiet when stderr is no terminal."""
    with stages((description, unit)) as (advance,):
        yield advance


@contextmanager
def stages(*named: tuple[str, str]) -> Iterator[tuple[Progress, ...]]:
    """Show a bar as `progress` for each of several stages, by description and unit, once it begins.

    Each has a rate and a remaining time of its own.
    """
    if not sys.stderr.isatty():
        yield tuple(lambda done, total: None for _ in named)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _rate_column(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        yield tuple(_stage(bar, *each, first=each is named[0]) for each in named)


def _stage(bar: Bar, description: str, unit: str, *, first: bool) -> Progress:
    task = bar.add_task(printable(description), total=None, visible=first, unit=unit)

    def report(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total, visible=True)

    return report


def _rate_column() -> ProgressColumn:
    from rich.progress import ProgressColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            rate = f"{task.speed:.1f}" if task.speed else "-"
            return Text(f"{rate} {task.fields['unit']}/s")

    return Rate()
