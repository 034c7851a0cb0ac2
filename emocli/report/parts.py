"""Parts of pages that have no counterpart in Markdown: facts, notes, heat maps, cards.

Each has a method ``html(pictures)``, see `emocli.report.document.Part`. All text is escaped.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emocli.data.record import Bounds
from emocli.report.document import Part, Pictures, caption, inline, wide
from emocli.report.page import escaped

STRONG = 77
"""Per cent from which a cell of a heat table is so dark that its number is white."""

WIDE_NAME = 6
"""Letters from which the columns of a heat table are headed by turned names."""


@dataclass(frozen=True)
class Note:
    """A remark that stands out; a ``warning`` says so in words too."""

    text: str
    warning: bool = False

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML."""
        kind, word = ("note warning", "<strong>Note.</strong> ") if self.warning else ("note", "")
        return f'<div class="{kind}"><p>{word}{inline(self.text)}</p></div>'


@dataclass(frozen=True)
class Facts:
    """Names and values, one below the other."""

    facts: Mapping[str, str]

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML; what is empty is left out."""
        rows = (f"<dt>{escaped(k)}</dt><dd>{inline(v)}</dd>" for k, v in self.facts.items() if v)
        return f"<dl>{''.join(rows)}</dl>"


@dataclass(frozen=True)
class Tile:
    """A number, its name, and what to know of it."""

    value: str
    name: str
    more: str = ""


@dataclass(frozen=True)
class Tiles:
    """Numbers to be seen first."""

    tiles: tuple[Tile, ...]

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML."""
        parts = (
            f'<div class="tile"><span>{escaped(each.name)}</span><b>{escaped(each.value)}</b>'
            f"<span>{escaped(each.more)}</span></div>"
            for each in self.tiles
        )
        return f'<div class="tiles">{"".join(parts)}</div>'


@dataclass(frozen=True)
class Folded:
    """Parts that are shown on demand, and always printed."""

    title: str
    parts: tuple[Part, ...]

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML."""
        inside = "\n".join(part.html(pictures) for part in self.parts)
        return f"<details><summary>{escaped(self.title)}</summary>\n{inside}\n</details>"


@dataclass(frozen=True)
class Panels:
    """Parts side by side, as many as there is room for."""

    parts: tuple[Part, ...]

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML."""
        inside = "\n".join(part.html(pictures) for part in self.parts)
        return f'<div class="panels">\n{inside}\n</div>'


@dataclass(frozen=True)
class Code:
    """Lines as they were typed or are read by a machine; ``folds`` breaks long ones."""

    lines: tuple[str, ...]
    folds: bool = True

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML."""
        kind = ' class="commands"' if self.folds else ' tabindex="0"'
        return f"<pre{kind}><code>{chr(10).join(map(escaped, self.lines))}</code></pre>"


@dataclass(frozen=True)
class SheetRow:
    """A row of a `Sheet`: its name, its cells, and whether it belongs to the row above."""

    name: str
    cells: tuple[str, ...]
    under: bool = False


@dataclass(frozen=True)
class Sheet:
    """A table whose rows have names and an order of their own, so that it does not sort."""

    columns: tuple[str, ...]
    rows: tuple[SheetRow, ...]
    title: str = ""

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML."""
        first, *others = self.columns
        head = f'<th scope="col">{escaped(first)}</th>' + "".join(
            f'<th scope="col" class="number">{escaped(name)}</th>' for name in others
        )
        following = [*self.rows[1:], None]
        body = "".join(
            _sheet_row(row, after is not None and after.under)
            for row, after in zip(self.rows, following, strict=True)
        )
        table = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
        return wide(f"<table>{caption(self.title)}{table}</table>", self.title)


def _sheet_row(row: SheetRow, continued: bool) -> str:
    kinds = " ".join([*(["under"] if row.under else []), *(["over"] if continued else [])])
    cells = "".join(f'<td class="number">{escaped(cell)}</td>' for cell in row.cells)
    start = f'<tr class="{kinds}">' if kinds else "<tr>"
    return f'{start}<th scope="row">{escaped(row.name)}</th>{cells}</tr>'


@dataclass(frozen=True)
class Span:
    """A number with its interval, to be drawn in a cell; NaN where there is none."""

    value: float
    bounds: Bounds = (math.nan, math.nan)


@dataclass(frozen=True)
class SpanTable:
    """A table whose last column draws numbers and their intervals on one scale.

    Attributes
    ----------
    columns : tuple of str
        Without the last one.
    rows : tuple of tuple of str
        Their texts.
    spans : tuple of Span
        What is drawn, row by row.
    left : tuple of int
        Columns of text.
    title : str
        What stands above it.
    zero : bool
        Whether the scale holds 0, which is marked: of differences.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    spans: tuple[Span, ...]
    left: tuple[int, ...] = (0,)
    title: str = ""
    zero: bool = False

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML."""
        low, high = self._scale()
        marks = ["" if k in self.left else ' class="number"' for k in range(len(self.columns))]
        head = "".join(
            f'<th scope="col"{mark}>{escaped(name)}</th>'
            for mark, name in zip(marks, self.columns, strict=True)
        )
        ends = f"<div><span>{low:.2f}</span><span>{high:.2f}</span></div>"
        head += f'<th scope="col" class="span">{ends}</th>'
        body = "".join(
            "<tr>"
            + "".join(f"<td{m}>{escaped(t)}</td>" for m, t in zip(marks, row, strict=True))
            + f'<td class="span">{_span(span, low, high, self.zero)}</td></tr>'
            for row, span in zip(self.rows, self.spans, strict=True)
        )
        start = f'<table class="sortable">{caption(self.title)}<thead><tr>{head}</tr></thead>'
        return wide(f"{start}<tbody>{body}</tbody></table>", self.title)

    def _scale(self) -> tuple[float, float]:
        """Return round ends that hold all that is drawn."""
        ends = [end for span in self.spans for end in (span.value, *span.bounds)]
        known = [end for end in ends if math.isfinite(end)] + ([0.0] if self.zero else [])
        low, high = (min(known), max(known)) if known else (0.0, 1.0)
        step = 0.05 if high - low < 0.4 else 0.1
        low, high = math.floor(low / step) * step, math.ceil(high / step) * step
        return low, high if high > low else low + step


def _span(span: Span, low: float, high: float, zero: bool) -> str:
    """Draw a point and its interval; the numbers stand in the table."""

    def place(value: float) -> float:
        return 4 + 192 * (value - low) / (high - low)

    parts = ['<line class="grid" x1="4" x2="196" y1="12" y2="12"/>']
    if zero:
        x = place(0)
        parts.append(f'<line class="rule" x1="{x:.1f}" x2="{x:.1f}" y1="1" y2="23"/>')
    if all(map(math.isfinite, span.bounds)):
        a, b = map(place, span.bounds)
        path = f"M{a:.1f} 7v10M{a:.1f} 12H{b:.1f}M{b:.1f} 7v10"
        parts.append(f'<path class="curve k0" stroke="currentColor" d="{path}"/>')
    if math.isfinite(span.value):
        x = place(span.value)
        parts.append(f'<circle class="k0" fill="currentColor" cx="{x:.1f}" cy="12" r="4"/>')
    inside = "".join(parts)
    return f'<svg viewBox="0 0 200 24" preserveAspectRatio="none" aria-hidden="true">{inside}</svg>'


@dataclass(frozen=True)
class Heat:
    """A table of counts, shaded by the share of each row, which it shows in per cent."""

    title: str
    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    columns: tuple[str, ...] = ()
    corner: str = "shown \\ predicted"

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML; a cell's count is in its title."""
        columns = self.columns or self.names
        turned = max(map(len, columns)) >= WIDE_NAME
        kind = ' class="turned"' if turned else ""
        head = "".join(
            f'<th scope="col"{kind}><span>{escaped(name)}</span></th>' for name in columns
        )
        body = "".join(
            f'<tr><th scope="row">{escaped(name)}</th>{self._cells(k, columns)}</tr>'
            for k, name in enumerate(self.names)
        )
        start = f'<table class="heat"><caption>{escaped(self.title)}</caption>'
        corner = f'<td class="faint">{escaped(self.corner)}</td>'.replace("td", "th")
        table = f"{start}<thead><tr>{corner}{head}</tr></thead><tbody>{body}</tbody></table>"
        return wide(table, self.title)

    def _cells(self, row: int, columns: Sequence[str]) -> str:
        counts, total = self.counts[row], sum(self.counts[row])
        return "".join(
            _heat_cell(count, total, self.names[row], columns[k], self.names[row] == columns[k])
            for k, count in enumerate(counts)
        )


def _heat_cell(count: int, total: int, name: str, column: str, diagonal: bool) -> str:
    if not total:
        return "<td>-</td>"
    share = 100 * count / total
    kinds = [*(["diagonal"] if diagonal else []), *(["strong"] if share > STRONG else [])]
    kind = f' class="{" ".join(kinds)}"' if kinds else ""
    caption = escaped(f"{name} as {column}: {count} of {total}")
    return f'<td{kind} style="--share:{share:.0f}" title="{caption}">{share:.0f}</td>'


@dataclass(frozen=True)
class Card:
    """A clip to look at: its pictures (JPEG or PNG), its words, and what was predicted."""

    title: str
    good: bool
    words: str
    lines: tuple[str, ...]
    stills: tuple[bytes, ...] = ()
    caption: str = ""


@dataclass(frozen=True)
class Cards:
    """Clips side by side."""

    cards: tuple[Card, ...]

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML."""
        return f'<ul class="cards">{"".join(map(_card, self.cards))}</ul>'


def _card(card: Card) -> str:
    kind = "good" if card.good else "bad"
    words = f"<blockquote>{escaped(card.words)}</blockquote>" if card.words else ""
    lines = "".join(f"<p>{escaped(line)}</p>" for line in card.lines)
    stills = "".join(
        f'<img alt="{escaped(f"{card.caption}, picture {k}")}" src="data:{_type(content)};base64,'
        f'{base64.b64encode(content).decode()}">'
        for k, content in enumerate(card.stills, 1)
    )
    shown = f'<div class="stills">{stills}</div>' if stills else ""
    return f'<li class="card {kind}"><h4>{escaped(card.title)}</h4>{shown}{words}{lines}</li>'


def _type(content: bytes) -> str:
    return "image/png" if content.startswith(b"\x89PNG") else "image/jpeg"
