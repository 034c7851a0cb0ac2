"""Whatever a label holds, a drawing is drawn, and its SVG is XML."""

from __future__ import annotations

import warnings
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from emocli.report.canvas import PAPER, SCREEN, Drawing, Style, render, write


@pytest.mark.parametrize(
    "label",
    ["$", "$\\frac{$", "a $1 and $2_{ b", "\x1b[31m\x07", "\ud800", "<b>&", "漢字 👩", "\u202ex"],
)
def test_any_label_can_be_drawn(label: str) -> None:
    with SCREEN.active():
        drawing, (axes,) = SCREEN.canvas(3, 2)
        axes.plot([0, 1], label=label)
        axes.legend()
        axes.set_title(label)
        axes.set_xlabel(label)
        axes.set_xticks([0, 1], [label, "x"])
        axes.text(0, 0, label)
        finished = SCREEN.drawing(drawing, label, label)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = render({"a": finished})
    root = ET.fromstring(result["a.svg"].decode())
    shown = "".join(root.itertext())
    assert not any(hidden in shown for hidden in "\x1b\x07\u202e")
    if label.startswith(("$", "a $")):
        assert shown.count(label) >= 6


def drawn(style: Style, width: float = 5.0, panels: int = 1) -> Drawing:
    with style.active():
        figure, axes = style.panels(panels, width, 3)
        for each in axes:
            each.plot([0, 1], label="a line")
        style.legend(figure)
        return style.drawing(figure, "what it is of", "A line, shown.")


@pytest.mark.parametrize(("width", "inches"), [(5.0, 3.3), (7.0, 7.0)])
def test_in_print_a_figure_is_as_wide_as_a_column_or_the_page(width: float, inches: float) -> None:
    assert drawn(PAPER, width).figure.get_figwidth() == inches


def test_in_print_the_title_is_in_the_caption_alone() -> None:
    on_screen, in_print = render({"": drawn(SCREEN)}), render({"": drawn(PAPER)}, PAPER)
    assert set(on_screen) == {".png", ".svg", ".txt"}
    assert set(in_print) == {".png", ".svg", ".pdf", ".txt"}
    assert on_screen[".txt"] == in_print[".txt"] == b"what it is of\n\nA line, shown.\n"
    for files, titled in ((on_screen, True), (in_print, False)):
        texts = ET.fromstring(files[".svg"].decode()).iter("{http://www.w3.org/2000/svg}text")
        assert any("what it is of" in "".join(text.itertext()) for text in texts) == titled


def test_a_title_of_several_lines_is_one_beside_the_figure() -> None:
    with SCREEN.active():
        drawing = SCREEN.drawing(SCREEN.canvas(3, 2)[0], "what it\nis of\x07", "A line.")
    assert drawing.text == "what it is of\\x07\n\nA line.\n"


def test_equal_drawings_are_equal_files_and_carry_their_captions() -> None:
    first, second = (render({"": drawn(PAPER)}, PAPER) for _ in range(2))
    assert first == second
    assert all(b"A line, shown." in first[f".{kind}"] for kind in ("png", "svg"))


def test_five_panels_take_two_rows_and_none_is_outside() -> None:
    for style in (SCREEN, PAPER):
        figure = drawn(style, 3.0, panels=5).figure
        figure.canvas.draw()
        shown = [axes for axes in figure.axes if axes.get_visible()]
        assert len(shown) == 5
        assert len({round(axes.get_position().y0, 3) for axes in shown}) == 2
        assert all(figure.bbox.contains(*axes.bbox.max) for axes in shown)


def test_a_picture_of_another_style_does_not_stay(tmp_path: Path) -> None:
    write(tmp_path, "a", render({"": drawn(PAPER)}, PAPER))
    assert (tmp_path / "a.pdf").is_file()
    pictures = write(tmp_path, "a", render({"": drawn(SCREEN)}))
    assert pictures == (tmp_path / "a.png", tmp_path / "a.svg")
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "a.svg", "a.txt"}
