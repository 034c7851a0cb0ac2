"""The table: what commands print of reports and analyses, and how it is written to files."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from emocli.data.record import Bounds, Number, Record
from emocli.display import latex, markdown

Cell = str | Number | int

NO_NUMBER = "-"
"""What stands in place of a number, or of an interval, that there is not."""

ROUNDING = 1e-12
"""Below it is what rounding leaves of a sum that is 0."""


@dataclass(frozen=True)
class ReportTable(Record):
    """A title, column names, and rows of text and numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def text(cell: Cell) -> str:
    """Format a cell: numbers with three decimals, or digits if small."""
    if not isinstance(cell, float):
        return str(cell)
    return f"{cell:.3g}" if ROUNDING < abs(cell) < 1e-3 else number(cell)


def number(value: float, signed: bool = False) -> str:
    """Write a number with three decimals, 0 without a minus; a dash where there is none."""
    if math.isnan(value):
        return NO_NUMBER
    rounded = round(float(value), 3) + 0.0  # what is left of a negative number is no -0.000
    return f"{rounded:+.3f}" if signed else f"{rounded:.3f}"


def spread(value: float, std: float) -> str:
    """Write a number and, where it is defined, its standard deviation over the seeds."""
    return number(value) if math.isnan(value + std) else f"{number(value)} ± {number(std)}"


def bounds(interval: Bounds) -> str:
    """Write an interval; a dash if there is none."""
    low, high = interval
    return NO_NUMBER if math.isnan(low + high) else f"{number(low)} to {number(high)}"


def as_markdown(table: ReportTable) -> str:
    """Return the table in Markdown, its title above it."""
    return f"**{markdown(table.title)}**\n\n{markdown_rows(table.columns, table.rows)}\n"


def markdown_rows(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return rows in Markdown, the names of the columns above them."""
    head, *lines = (" | ".join(markdown(text(cell)) for cell in row) for row in (columns, *rows))
    return "\n".join(f"| {line} |" for line in (head, " | ".join(["---"] * len(columns)), *lines))


def as_latex(table: ReportTable) -> str:
    """Return the table as LaTeX's ``table``, its title the caption; it takes ``booktabs``."""
    aligned = "l" + "r" * (len(table.columns) - 1)
    lines = [" & ".join(map(_latex, row)) + r" \\" for row in table.rows]
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{latex(table.title)}}}",
            rf"\begin{{tabular}}{{{aligned}}}",
            r"\toprule",
            " & ".join(map(latex, table.columns)) + r" \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _latex(cell: Cell) -> str:
    """Write a cell: the hyphen before a number is a minus there."""
    return re.sub(r"(?<![^ (])-(?=\d)", "$-$", latex(text(cell)))
