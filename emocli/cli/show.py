"""Showing results: tables and JSON on stdout, progress and warnings on stderr."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from emocli.data import plain

if TYPE_CHECKING:
    from rich.progress import ProgressColumn, Task

    from emocli.report.tables import Table
    from emocli.stages.analyze._written import Analysis

WIDEST = 1000
"""Characters of a table that is not shown on a terminal."""

Progress = Callable[[int, int], None]


def as_json(result: object) -> None:
    """Print a result as JSON; what is not a number becomes null."""
    print(plain.as_json(result), end="")


def table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], title: str | None = None
) -> None:
    """Print a table; columns that hold numbers are set to the right."""
    from rich.console import Console
    from rich.table import Table

    drawn = Table(title=title, title_justify="left", header_style="bold")
    for index, column in enumerate(columns):
        numeric = all(
            isinstance(row[index], int | float) or row[index] in ("", "-") for row in rows
        )
        drawn.add_column(column, justify="right" if numeric and rows else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(text(cell) for cell in row))
    literal: dict[str, Any] = {"markup": False, "emoji": False}  # an id may hold brackets
    console = Console(**literal)
    if not console.is_terminal:
        # Piped tables keep their full width, so that scripts can read every column.
        unbounded = console.options.update(max_width=WIDEST)
        console = Console(
            width=max(console.width, console.measure(drawn, options=unbounded).maximum), **literal
        )
    console.print(drawn)


def analysis(found: Analysis, tables: Iterable[Table], as_data: bool) -> None:
    """Print an analysis: its data as JSON, or its tables and where data and figures are."""
    if as_data:
        as_json(found.data)
        return
    for made in tables:
        table(made.columns, made.rows, made.title)
    line(f"data: {found.path}")
    for figure in found.figures:
        line(f"figure: {figure}")
    for warning in found.data.get("warnings", ()):
        warn(warning)


def text(cell: object) -> str:
    """Show a number with three decimals, or digits if it is small; anything else as it is."""
    if not isinstance(cell, float):
        return str(cell)
    if math.isnan(cell):
        return "-"
    return f"{cell:.3g}" if 0 < abs(cell) < 1e-3 else f"{cell:.3f}"


def line(message: str) -> None:
    """Print one line of result."""
    print(message)


def warn(message: str) -> None:
    """Print a warning on stderr."""
    print(f"warning: {message}", file=sys.stderr)


def stopwatch() -> Callable[[str], None]:
    """Return what says the steps of a long command on stderr, each with the seconds until then."""
    start = time.monotonic()

    def say(step: str) -> None:
        print(f"[{time.monotonic() - start:5.0f} s] {step}", file=sys.stderr)

    return say


@contextmanager
def progress(description: str, unit: str = "clips") -> Iterator[Progress]:
    """Show a bar with rate and remaining time on stderr; quiet when stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _rate_column(unit),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield report


def _rate_column(unit: str) -> ProgressColumn:
    from rich.progress import ProgressColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.1f} {unit}/s" if task.speed else f"- {unit}/s")

    return Rate()
