"""The document: headings, text, tables and pictures, written as Markdown or as one HTML page.

The page holds its pictures: one file to send, which opens without a network (`emocli.report.page`).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from emocli.display import printable
from emocli.report.page import escaped, frame
from emocli.report.tables import ReportTable
from emocli.report.tables import text as shown_cell

NUMBER = re.compile(r"[+-]?\d|-?$")
"""How texts begin that are numbers, with bounds or units, or stand for one that there is not."""

Pictures = Callable[[str], bytes]
"""Returns the content of a PNG file by its name."""


class Part(Protocol):
    """A part of a page."""

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML, with the pictures in it."""


class Block(Part, Protocol):
    """A part of a document, which is also written as Markdown."""

    def markdown(self) -> str:
        """Write it as Markdown."""


@dataclass(frozen=True)
class Heading:
    """A heading; the document's title is of level 1."""

    text: str
    level: int = 2

    def markdown(self) -> str:
        """Write it as Markdown."""
        return f"{'#' * self.level} {self.text}"

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML."""
        return f"<h{self.level}>{inline(self.text)}</h{self.level}>"


@dataclass(frozen=True)
class Paragraph:
    """Text, in which `code` and **what matters** may be marked as in Markdown."""

    text: str

    def markdown(self) -> str:
        """Write it as Markdown."""
        return self.text

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML."""
        return f"<p>{inline(self.text)}</p>"


@dataclass(frozen=True)
class Listing:
    """Lines, a point before each."""

    lines: tuple[str, ...]

    def markdown(self) -> str:
        """Write it as Markdown."""
        return "\n".join(f"- {line}" for line in self.lines)

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML."""
        return f"<ul>{''.join(f'<li>{inline(line)}</li>' for line in self.lines)}</ul>"


@dataclass(frozen=True)
class Grid:
    """A table of text.

    Attributes
    ----------
    columns : sequence of str
        Their names.
    rows : sequence of sequence of str
        Their texts.
    left : tuple of int
        Columns that are aligned to the left; the others, to the right, have numbers.
    title : str
        What stands above it; nothing if empty.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: tuple[int, ...] = (0,)
    title: str = ""

    def markdown(self) -> str:
        """Write it as Markdown."""
        marks = ["---" if k in self.left else "---:" for k in range(len(self.columns))]
        title = [f"{self.title}\n"] if self.title else []
        return "\n".join([*title, *map(_line, (self.columns, marks, *self.rows))])

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML; it scrolls where the page is too narrow, and sorts by each column."""
        head = self._row("th", [*self.columns], ' scope="col"')
        body = "".join(self._row("td", row) for row in self.rows)
        start = f'<table class="sortable">{caption(self.title)}'
        return wide(f"{start}<thead>{head}</thead><tbody>{body}</tbody></table>", self.title)

    def _row(self, tag: str, texts: Sequence[str], more: str = "") -> str:
        marks = ("" if k in self.left else ' class="number"' for k in range(len(texts)))
        cells = (
            f"<{tag}{more}{mark}>{escaped(text)}</{tag}>"
            for mark, text in zip(marks, texts, strict=True)
        )
        return f"<tr>{''.join(cells)}</tr>"


def grid(table: ReportTable) -> Grid:
    """Return a table of a report, its title above it."""
    rows = [[shown_cell(cell) for cell in row] for row in table.rows]
    return Grid(table.columns, rows, _texts(table), " ".join(table.title.split()))


def _texts(table: ReportTable) -> tuple[int, ...]:
    """Return the columns in which there is text, and not numbers with or without a unit."""
    return tuple(
        k
        for k in range(len(table.columns))
        if any(isinstance(row[k], str) and not NUMBER.match(str(row[k])) for row in table.rows)
    )


@dataclass(frozen=True)
class Picture:
    """A picture by the name of its PNG file.

    Attributes
    ----------
    file : str
        The file.
    name : str
        What stands for it where pictures are not shown.
    caption : str
        What it shows, below it.
    """

    file: str
    name: str
    caption: str = ""

    def markdown(self) -> str:
        """Write it as Markdown."""
        below = f"\n\n*{self.caption}*" if self.caption else ""
        return f"![{self.name}]({self.file}){below}"

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML, its content within."""
        content = base64.b64encode(pictures(self.file)).decode()
        image = f'<img alt="{escaped(self.name)}" src="data:image/png;base64,{content}">'
        return (
            f"<figure>{image}<figcaption>{inline(self.caption or self.name)}</figcaption></figure>"
        )


def markdown(blocks: Sequence[Block]) -> str:
    """Write a document as Markdown; the pictures are files beside it."""
    return "\n\n".join(block.markdown() for block in blocks) + "\n"


def page(title: str, blocks: Sequence[Part], pictures: Pictures) -> str:
    """Write a document as one HTML page that holds its pictures.

    Parameters
    ----------
    title : str
        Of the window.
    blocks : sequence of Part
        The document.
    pictures : callable
        Returns the content of the PNG files that it shows.
    """
    return frame(title, "\n".join(block.html(pictures) for block in blocks))


def caption(title: str) -> str:
    """Return the title of a table; nothing where it has none."""
    return f"<caption>{escaped(title)}</caption>" if title else ""


def wide(table: str, title: str = "") -> str:
    """Return a table that can be scrolled, by keys too, where the page is narrower."""
    name = escaped(title) or "table"
    return f'<div class="wide" role="region" aria-label="{name}" tabindex="0">{table}</div>'


def inline(text: str) -> str:
    """Write text as HTML, in which `code` and **what matters** are marked as in Markdown."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped(text))
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", marked)


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(map(_shown, texts))} |"


def _shown(text: str) -> str:
    """Write a cell: names of classes are the corpus's own, and may be anything."""
    return re.sub(r"[<\[`]", r"\\\g<0>", printable(text).replace("|", "/"))
