"""Whatever a label holds, a drawing is drawn, and its SVG is XML."""

from __future__ import annotations

import warnings
from xml.etree import ElementTree as ET

import pytest

from emocli.report.canvas import canvas, render, style


@pytest.mark.parametrize(
    "label",
    ["$", "$\\frac{$", "a $1 and $2_{ b", "\x1b[31m\x07", "\ud800", "<b>&", "漢字 👩", "\u202ex"],
)
def test_any_label_can_be_drawn(label: str) -> None:
    with style():
        drawing, (axes,) = canvas(3, 2)
        axes.plot([0, 1], label=label)
        axes.legend()
        axes.set_title(label)
        axes.set_xlabel(label)
        axes.set_xticks([0, 1], [label, "x"])
        drawing.suptitle(label)
        axes.text(0, 0, label)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = render({"a": drawing})
    root = ET.fromstring(made["a.svg"].decode())
    shown = "".join(root.itertext())
    assert not any(hidden in shown for hidden in "\x1b\x07\u202e")
    if label.startswith(("$", "a $")):
        assert shown.count(label) >= 6
