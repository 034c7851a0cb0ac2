"""The document: headings, text, tables and pictures, written as Markdown or as one HTML page.

The page holds its pictures and has no scripts: one file to send, which opens without a network.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from emocli.display import printable

Pictures = Callable[[str], bytes]
"""Returns the content of a PNG file by its name."""

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 68em; margin: 2em auto;
  padding: 0 1em; }
h1 { font-size: 1.6em; line-height: 1.25; }
h2 { font-size: 1.2em; margin-top: 2em; border-bottom: 1px solid #ddd; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85em; font-variant-numeric: tabular-nums; }
th, td { padding: .25em .7em; border-bottom: 1px solid #e4e4e4; text-align: left;
  vertical-align: top; }
th.number, td.number { text-align: right; white-space: nowrap; }
figure { margin: 1em 0; }
figcaption { font-size: .85em; color: #444; max-width: 60em; }
img { max-width: 100%; height: auto; }
code { background: #f3f3f3; padding: 0 .2em; }
"""


class Block(Protocol):
    """A part of a document."""

    def markdown(self) -> str:
        """Write it as Markdown."""

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML, with the pictures in it."""


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
        return f"<h{self.level}>{_inline(self.text)}</h{self.level}>"


@dataclass(frozen=True)
class Paragraph:
    """Text, in which `code` and **what matters** may be marked as in Markdown."""

    text: str

    def markdown(self) -> str:
        """Write it as Markdown."""
        return self.text

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML."""
        return f"<p>{_inline(self.text)}</p>"


@dataclass(frozen=True)
class Listing:
    """Lines, a point before each."""

    lines: tuple[str, ...]

    def markdown(self) -> str:
        """Write it as Markdown."""
        return "\n".join(f"- {line}" for line in self.lines)

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML."""
        return f"<ul>{''.join(f'<li>{_inline(line)}</li>' for line in self.lines)}</ul>"


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
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: tuple[int, ...] = (0,)

    def markdown(self) -> str:
        """Write it as Markdown."""
        marks = ["---" if k in self.left else "---:" for k in range(len(self.columns))]
        return "\n".join(map(_line, (self.columns, marks, *self.rows)))

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML; it scrolls where the page is too narrow."""
        head, body = self._row("th", self.columns), (self._row("td", row) for row in self.rows)
        table = f"<thead>{head}</thead><tbody>{''.join(body)}</tbody>"
        return f'<div class="wide"><table>{table}</table></div>'

    def _row(self, tag: str, texts: Sequence[str]) -> str:
        cells = (
            f"<{tag}{'' if column in self.left else ' class=number'}>{_escaped(text)}</{tag}>"
            for column, text in enumerate(texts)
        )
        return f"<tr>{''.join(cells)}</tr>"


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
        image = f'<img alt="{_escaped(self.name)}" src="data:image/png;base64,{content}">'
        below = f"<figcaption>{_inline(self.caption)}</figcaption>" if self.caption else ""
        return f"<figure>{image}{below}</figure>"


def markdown(blocks: Sequence[Block]) -> str:
    """Write a document as Markdown; the pictures are files beside it."""
    return "\n\n".join(block.markdown() for block in blocks) + "\n"


def page(title: str, blocks: Sequence[Block], pictures: Pictures) -> str:
    """Write a document as one HTML page that holds its pictures.

    Parameters
    ----------
    title : str
        Of the window.
    blocks : sequence of Block
        The document.
    pictures : callable
        Returns the content of the PNG files that it shows.
    """
    body = "\n".join(block.html(pictures) for block in blocks)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_escaped(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _escaped(text: str) -> str:
    return html.escape(printable(text))


def _inline(text: str) -> str:
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", _escaped(text))
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", marked)


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(map(_shown, texts))} |"


def _shown(text: str) -> str:
    """Write a cell: names of classes are the corpus's own, and may be anything."""
    return re.sub(r"[<\[`]", r"\\\g<0>", printable(text).replace("|", "/"))
