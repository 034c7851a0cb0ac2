"""Charts of a page: lines and points as SVG, told apart by colour, dashes and markers at once.

They take the colours of the page, light or dark, and are as wide as there is room. Their numbers
stand below them, for those who cannot see them or want them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from emocli.report.document import Grid, Pictures
from emocli.report.page import escaped
from emocli.report.parts import Folded

WIDTH, HEIGHT = 360, 250
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 10, 42

LOOKS = 7
"""Colours of ``page.css``, ``k0`` to ``k6``."""

DASHES = ("", "7 3", "2 3", "9 3 2 3", "12 4", "4 2 1 2", "1 2")
MARKERS = ("circle", "square", "diamond", "up", "down", "cross", "plus")

MOST_MARKED = 40
"""Points of a line up to which each has a marker; of more, some have."""

MARKED = 8
"""Markers of a line of many points."""

TICKS = 6


@dataclass(frozen=True)
class ChartLine:
    """A line of a chart: a curve with its name.

    Attributes
    ----------
    name : str
        As the legend has it.
    x, y : tuple of float
        Its points; where y is NaN the curve is broken.
    look : int
        Which colour, dashes and marker: lines of one meaning have the same in all charts.
    low, high : tuple of float
        Bounds of the band around it; none if empty.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    look: int = 0
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True)
class Chart:
    """Lines over one axis.

    Attributes
    ----------
    title, x_label, y_label : str
        What it is.
    lines : tuple of ChartLine
        What is drawn.
    x_ticks : mapping
        Place to text; by default round numbers.
    y_range : (float, float), optional
        Ends of the upright axis; by default what the lines need.
    diagonal : bool
        Whether the line y = x is drawn.
    numbers : bool
        Whether the numbers stand below.
    """

    title: str
    x_label: str
    y_label: str
    lines: tuple[ChartLine, ...]
    x_ticks: Mapping[float, str] = field(default_factory=dict)
    y_range: tuple[float, float] | None = None
    diagonal: bool = False
    numbers: bool = True

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML."""
        label = f"{self.title}: {self.y_label} over {self.x_label}; {len(self.lines)} lines"
        parts = "".join(_drawn(self, _Frame.of(self)))
        svg = (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escaped(label)}">'
            f"{parts}</svg>"
        )
        below = Folded("Numbers", (self._table(),)).html(pictures) if self.numbers else ""
        below = below.replace("<details>", '<details class="numbers">')
        start = f'<figure class="chart"><figcaption>{escaped(self.title)}</figcaption>'
        return f"{start}{svg}{below}</figure>"

    def _table(self) -> Grid:
        places = sorted({x for line in self.lines for x in line.x})
        names = [line.name for line in self.lines]
        values = [dict(zip(line.x, line.y, strict=True)) for line in self.lines]
        rows = [
            [self.x_ticks.get(x, f"{x:.4g}"), *(_number(own.get(x, math.nan)) for own in values)]
            for x in places
        ]
        return Grid([self.x_label, *names], rows, left=())


@dataclass(frozen=True)
class Legend:
    """Names of lines beside a sample of each."""

    names: Sequence[tuple[str, int]]

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML."""
        items = "".join(f"<li>{_sample(look)}{escaped(name)}</li>" for name, look in self.names)
        return f'<ul class="legend">{items}</ul>'


def legend_of(charts: Sequence[Chart]) -> Legend:
    """Return the legend of charts that share their lines."""
    names = {line.name: line.look for chart in charts for line in chart.lines}
    return Legend(tuple(names.items()))


@dataclass(frozen=True)
class _Frame:
    """The places of values in the drawing."""

    x0: float
    x1: float
    y0: float
    y1: float

    @classmethod
    def of(cls, chart: Chart) -> _Frame:
        xs = [x for line in chart.lines for x in line.x] + [*chart.x_ticks]
        ys = [y for line in chart.lines for part in (line.y, line.low, line.high) for y in part]
        x0, x1 = _ends(xs)
        if not chart.diagonal:
            room = 0.03 * (x1 - x0)
            x0, x1 = x0 - room, x1 + room
        return cls(x0, x1, *(chart.y_range or _rounded(*_ends(ys))))

    def x(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - self.x0) / (self.x1 - self.x0)

    def y(self, value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - self.y0) / (self.y1 - self.y0))


def _ends(values: Sequence[float]) -> tuple[float, float]:
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _rounded(low: float, high: float) -> tuple[float, float]:
    step = _step(low, high)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def _step(low: float, high: float) -> float:
    """Return a round step of some `TICKS` between two values."""
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * each for each in (1, 2, 2.5, 5, 10) if power * each >= rough * 0.999)


def _ticks(low: float, high: float) -> dict[float, str]:
    step = _step(low, high)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = next(n for n in range(9) if abs(round(step, n) - step) < 1e-9)
    return {k * step: f"{k * step:.{digits}f}" for k in range(first, last + 1)}


def _drawn(chart: Chart, frame: _Frame) -> Iterator[str]:
    """Yield grid, bands, curves and axes."""
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for value, text in _ticks(frame.y0, frame.y1).items():
        y = frame.y(value)
        yield f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="faint" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
    for value, text in (chart.x_ticks or _ticks(frame.x0, frame.x1)).items():
        x = frame.x(value)
        yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 4}"/>'
        yield (
            f'<text class="faint" x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">'
            f"{escaped(text)}</text>"
        )
    yield f'<line class="axis" x1="{LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>'
    middle, low = (LEFT + right) / 2, HEIGHT - 6
    yield f'<text x="{middle}" y="{low}" text-anchor="middle">{escaped(chart.x_label)}</text>'
    middle = (TOP + bottom) / 2
    yield (
        f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escaped(chart.y_label)}</text>"
    )
    if chart.diagonal:
        ends = (max(frame.x0, frame.y0), min(frame.x1, frame.y1))
        path = "L".join(f"{frame.x(end):.1f} {frame.y(end):.1f}" for end in ends)
        yield f'<path class="rule" d="M{path}"/>'
    for line in chart.lines:
        yield from _curve(line, frame)


def _curve(line: ChartLine, frame: _Frame) -> Iterator[str]:
    look = line.look % LOOKS
    points = [
        (frame.x(x), frame.y(y)) if math.isfinite(y) else None
        for x, y in zip(line.x, line.y, strict=True)
    ]
    if line.low:
        there = [
            (x, low, high)
            for x, low, high in zip(line.x, line.low, line.high, strict=True)
            if math.isfinite(low + high)
        ]
        up = [f"{frame.x(x):.1f} {frame.y(high):.1f}" for x, _, high in there]
        down = [f"{frame.x(x):.1f} {frame.y(low):.1f}" for x, low, _ in reversed(there)]
        if there:
            yield f'<path class="band k{look}" fill="currentColor" d="M{"L".join(up + down)}Z"/>'
    yield f'<g class="k{look}" stroke="currentColor"><title>{escaped(line.name)}</title>'
    dash = f' stroke-dasharray="{DASHES[look]}"' if DASHES[look] else ""
    yield f'<path class="curve"{dash} d="{_path(points)}"/>'
    every = 1 if len(points) <= MOST_MARKED else -(-len(points) // MARKED)
    yield from (_marker(look, *point) for point in points[::every] if point)
    yield "</g>"


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    """Return a path through points; it is broken where there is none."""
    befores = [None, *points[:-1]]
    return "".join(
        f"{'L' if before else 'M'}{point[0]:.1f} {point[1]:.1f}"
        for before, point in zip(befores, points, strict=True)
        if point
    )


def _marker(look: int, x: float, y: float) -> str:
    """Return the marker of a look, filled with the page's ground where it is hollow."""
    r = 3.6
    shapes = {
        "circle": f"M{x - r:.1f} {y:.1f}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0Z",
        "square": f"M{x - r:.1f} {y - r:.1f}h{2 * r}v{2 * r}h{-2 * r}Z",
        "diamond": f"M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5Z",
        "up": f"M{x:.1f} {y - 4.6:.1f}l4.6 8h-9.2Z",
        "down": f"M{x:.1f} {y + 4.6:.1f}l4.6 -8h-9.2Z",
        "cross": f"M{x - r:.1f} {y - r:.1f}l{2 * r} {2 * r}m0 {-2 * r}l{-2 * r} {2 * r}",
        "plus": f"M{x - 4.5:.1f} {y:.1f}h9m-4.5 -4.5v9",
    }
    return f'<path class="mark" fill="currentColor" d="{shapes[MARKERS[look]]}"/>'


def _sample(look: int) -> str:
    """Return a piece of a line, for a legend."""
    own = look % LOOKS
    dash = f' stroke-dasharray="{DASHES[own]}"' if DASHES[own] else ""
    return (
        f'<svg viewBox="0 0 42 14" class="k{own}" aria-hidden="true" stroke="currentColor">'
        f'<path class="curve"{dash} d="M0 7H42"/>{_marker(own, 21, 7)}</svg>'
    )


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"
