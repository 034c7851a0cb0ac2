"""Canvas, captions and files of all drawings, in two styles: for the screen and for print.

The same values give the same bytes: no dates, no random ids.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from emocli.data.durable import write_bytes
from emocli.display import printable

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

StyleName = Literal["screen", "paper"]

GREY = "#666666"

CAPTION = ".txt"
"""End of the name of a caption's file."""

LETTER = 0.52
"""Width of a letter, in sizes of the text."""

COMMON: Any = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "emocli",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "text.parse_math": False,  # a label may hold dollars
}


@dataclass(frozen=True)
class Drawing:
    """A figure, its title, and a caption that says what is shown."""

    figure: Figure
    title: str
    caption: str

    @property
    def text(self) -> str:
        """Title and caption, as the text file of the figure has them."""
        return f"{printable(' '.join(self.title.split()))}\n\n{printable(self.caption)}\n"


@dataclass(frozen=True)
class Style:
    """The look of figures.

    Attributes
    ----------
    name : str
        What ``--style`` takes.
    size, small : float
        Points of the text, and of what stands in great numbers.
    line : float
        Points of a line.
    dpi : int
        Of the PNG.
    kinds : tuple of str
        Files that are written.
    columns : (float, float), optional
        Inches of a column and of the page: each figure is as wide as one of them, and its title is
        left to the caption. Without, figures are as wide as their content asks for.
    """

    name: StyleName
    size: float
    small: float
    line: float
    dpi: int
    kinds: tuple[str, ...]
    columns: tuple[float, float] | None = None

    def active(self) -> AbstractContextManager[None]:
        """Draw in this style while the context lasts."""
        import matplotlib as mpl

        own = {
            "font.size": self.size,
            "axes.titlesize": self.size,
            "axes.labelsize": self.size,
            "xtick.labelsize": self.small if self.columns else self.size,
            "ytick.labelsize": self.small if self.columns else self.size,
            "legend.fontsize": self.small if self.columns else self.size,
            "lines.linewidth": self.line,
            "axes.linewidth": self.line / 2,
            "hatch.linewidth": self.line / 3,
        }
        return mpl.rc_context(COMMON | own)

    def canvas(
        self, width: float, height: float, columns: int = 1, rows: int = 1, **sharing: Any
    ) -> tuple[Figure, list[Axes]]:
        """Make a figure and its panels, row by row.

        It is a figure of its own, without pyplot: nothing global, nothing to close, never a window.

        Parameters
        ----------
        width, height : float
            Inches on the screen; in print the figure is brought to a column or to the page.
        columns, rows : int
            Of panels.
        **sharing
            As of `matplotlib.figure.Figure.subplots`.
        """
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        drawing = Figure(figsize=self._fitted(width, height), layout="constrained")
        FigureCanvasAgg(drawing)
        return drawing, list(drawing.subplots(rows, columns, squeeze=False, **sharing).flat)

    def panels(
        self, count: int, width: float, height: float, most: int = 3, **sharing: Any
    ) -> tuple[Figure, list[Axes]]:
        """Make panels of so many inches each, at most ``most`` side by side."""
        columns = min(count, most)
        rows = -(-count // columns)
        drawing, panels = self.canvas(
            width * columns + 0.6, height * rows + 0.3, columns, rows, **sharing
        )
        for axes in panels[count:]:
            axes.set_visible(False)
        for axes in panels[count - columns : count]:
            axes.tick_params(labelbottom=True)  # nothing below it
        return drawing, panels[:count]

    def _fitted(self, width: float, height: float) -> tuple[float, float]:
        if self.columns is None:
            return width, height
        column, page = self.columns
        fitted = column if width <= 2 * column else page
        # Text keeps its size, so that what is made narrower is not made as much lower.
        return fitted, height * min(1.0, (fitted / width) ** 0.6)

    def wrap(self, text: str, inches: float) -> str:
        """Break text into lines so that it is no wider, however few letters that takes."""
        letters = max(16, int(inches * 72 / (LETTER * self.size)))
        return textwrap.fill(text, letters)

    def drawing(self, figure: Figure, title: str, caption: str) -> Drawing:
        """Finish a figure: its title is drawn on the screen, and left to the caption in print."""
        if self.columns is None:
            text = self.wrap(title, figure.get_figwidth() - 0.3)
            figure.suptitle(text, fontsize=self.size + 1)
        return Drawing(figure, title, caption)

    def legend(self, figure: Figure, *more: Artist, title: str = "") -> None:
        """Explain the lines and bars of all panels once: to the right, or in print above.

        Parameters
        ----------
        figure : Figure
            It is made larger by the legend.
        *more
            What is explained besides, by its label.
        title : str
            Of the legend.
        """
        entries: dict[str, Any] = {}
        for axes in figure.axes:
            handles, labels = axes.get_legend_handles_labels()
            entries.update((la, h) for h, la in zip(handles, labels, strict=True))
        entries |= {str(artist.get_label()): artist for artist in more}
        if not entries:
            return
        longest = max(map(len, [*entries, title])) * LETTER
        look: Any = {"frameon": False, "title": title or None, "handlelength": 3.2}
        if self.columns is None:
            figure.set_figwidth(figure.get_figwidth() + longest * self.size / 72 + 0.8)
            look["loc"] = "outside right center"
        else:
            room = figure.get_figwidth() / (longest * self.small / 72 + 0.5)
            look |= {"loc": "outside upper center", "ncols": max(1, min(len(entries), int(room)))}
            lines = -(-len(entries) // look["ncols"]) + bool(title)
            figure.set_figheight(figure.get_figheight() + lines * 1.6 * self.small / 72)
        figure.legend(list(entries.values()), list(entries), **look)


SCREEN = Style("screen", size=10, small=8, line=1.6, dpi=150, kinds=("png", "svg"))

PAPER = Style(
    "paper", size=8, small=6.5, line=1.1, dpi=300, kinds=("png", "svg", "pdf"), columns=(3.3, 7.0)
)

STYLES: Mapping[StyleName, Style] = {style.name: style for style in (SCREEN, PAPER)}

KINDS = tuple(dict.fromkeys(kind for style in STYLES.values() for kind in style.kinds))
"""Kinds of files that figures may have."""


def render(drawings: Mapping[str, Drawing], style: Style = SCREEN) -> dict[str, bytes]:
    """Turn drawings into files: ``name.png``, ``name.svg`` ... and the caption, ``name.txt``."""
    files: dict[str, bytes] = {}
    for name, drawing in drawings.items():
        files |= {f"{name}.{kind}": file for kind, file in _pictures(drawing, style).items()}
        files[f"{name}{CAPTION}"] = drawing.text.encode()
    return files


def write(folder: Path, stem: str, files: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Write what `render` returns under names that begin with ``stem``; return the pictures.

    A file of a kind that this style does not write would be that of an earlier drawing: it goes.
    """
    for name in [name for name in files if name.endswith(CAPTION)]:
        for kind in KINDS:
            other = f"{name.removesuffix(CAPTION)}.{kind}"
            if other not in files:
                (folder / f"{stem}{other}").unlink(missing_ok=True)
    for name, content in files.items():
        write_bytes(folder / f"{stem}{name}", content)
    return tuple(folder / f"{stem}{name}" for name in files if not name.endswith(CAPTION))


def _pictures(drawing: Drawing, style: Style) -> dict[str, bytes]:
    """Draw every kind of file; where things lie is found once, which takes as long as drawing."""
    with style.active(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a box is drawn
        _make_printable(drawing.figure)
        drawing.figure.draw_without_rendering()
        drawing.figure.set_layout_engine(None)
        return {kind: _picture(drawing, kind, style) for kind in style.kinds}


def _picture(drawing: Drawing, kind: str, style: Style) -> bytes:
    file = io.BytesIO()
    about = " ".join(drawing.text.split())
    metadata: dict[str, dict[str, Any]] = {
        "png": {"Description": about},
        "svg": {"Date": None, "Description": about},
        "pdf": {"CreationDate": None, "Subject": about},
    }
    drawing.figure.savefig(file, format=kind, dpi=style.dpi, metadata=metadata[kind])
    return file.getvalue()


def _make_printable(drawing: Figure) -> None:
    """Take control characters, which XML does not know, out of all texts and tick labels."""
    from matplotlib.text import Text

    for text in drawing.findobj(Text):
        if isinstance(text, Text):
            text.set_text(printable(text.get_text(), keep="\n"))
    for axis in (axis for axes in drawing.axes for axis in (axes.xaxis, axes.yaxis)):
        labels = [text.get_text() for text in axis.get_ticklabels()]
        shown = [printable(label, keep="\n") for label in labels]
        if shown != labels:
            axis.set_ticks(axis.get_ticklocs(), shown)
