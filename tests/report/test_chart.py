"""Charts: points stand where their values are, and lines differ by more than their colour."""

from __future__ import annotations

import math
import re

import pytest

from emocli.report.chart import DASHES, LOOKS, MARKERS, Chart, ChartLine, legend_of
from emocli.report.parts import Heat, Sheet, SheetRow, Span, SpanTable

NONE: dict[str, bytes] = {}


def drawn(chart: Chart) -> str:
    return chart.html(NONE.__getitem__)


def path(text: str) -> list[tuple[str, float, float]]:
    (result,) = re.findall(r'class="curve"[^>]* d="([^"]*)"', text)
    return [(m, float(x), float(y)) for m, x, y in re.findall(r"([ML])([\d.]+) ([\d.]+)", result)]


def test_points_stand_where_their_values_are() -> None:
    line = ChartLine("a", (0.0, 0.5, 1.0), (0.0, 0.25, 1.0))
    chart = Chart("t", "x", "y", (line,), y_range=(0.0, 1.0), diagonal=True)
    (_, x0, y0), (_, x1, y1), (_, x2, y2) = path(drawn(chart))
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert (y0 - y1) / (y0 - y2) == pytest.approx(0.25, abs=0.01)


def test_a_line_is_broken_where_it_has_no_value() -> None:
    chart = Chart("t", "x", "y", (ChartLine("a", (1.0, 2.0, 3.0, 4.0), (1.0, math.nan, 2.0, 3.0)),))
    assert [move for move, _, _ in path(drawn(chart))] == ["M", "M", "L"]
    assert ">-<" in drawn(chart)


def test_every_look_differs_by_colour_dashes_and_marker() -> None:
    lines = tuple(ChartLine(f"line {k}", (0.0, 1.0), (0.0, k + 1.0), k) for k in range(LOOKS))
    text = drawn(Chart("t", "x", "y", lines))
    assert len(set(DASHES)) == len(set(MARKERS)) == LOOKS
    assert len(set(re.findall(r'<g class="(k\d)"', text))) == LOOKS
    samples = legend_of([Chart("t", "x", "y", lines)]).html(NONE.__getitem__)
    markers = re.findall(r'class="mark"[^>]* d="([^"]*)"', samples)
    assert len(set(markers)) == LOOKS


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0.71, 0.82, ["0.70", "0.72", "0.74", "0.76", "0.78", "0.80", "0.82"]),
        (0.0, 100.0, ["0", "20", "40", "60", "80", "100"]),
    ],
)
def test_ticks_are_round(low: float, high: float, ticks: list[str]) -> None:
    text = drawn(Chart("t", "x", "y", (ChartLine("a", (0.0, 1.0), (low, high)),), numbers=False))
    assert re.findall(r'text-anchor="end">([^<]*)<', text) == ticks


def test_one_value_and_none_can_be_drawn() -> None:
    for y in (0.5, math.nan):
        text = drawn(Chart("t", "x", "y", (ChartLine("a", (1.0,), (y,)),)))
        assert "nan" not in text


def test_many_points_have_few_markers() -> None:
    x = tuple(map(float, range(200)))
    text = drawn(Chart("t", "x", "y", (ChartLine("a", x, x),), numbers=False))
    assert text.count('class="mark"') == 8


def test_intervals_are_drawn_to_one_scale() -> None:
    spans = (Span(0.5, (0.4, 0.6)), Span(0.7), Span(math.nan))
    table = SpanTable(("run",), (("a",), ("b",), ("c",)), spans)
    text = table.html(NONE.__getitem__)
    assert "<span>0.40</span><span>0.70</span>" in text
    (start, end), *others = re.findall(r"M([\d.]+) 12H([\d.]+)M", text)
    assert not others
    centres = [float(x) for x in re.findall(r'cx="([\d.]+)"', text)]
    assert centres[0] == pytest.approx((float(start) + float(end)) / 2, abs=0.1)
    assert centres[1] == pytest.approx(196)
    assert len(centres) == 2


def test_a_scale_of_differences_holds_zero() -> None:
    spans = (Span(0.2, (0.11, 0.3)),)
    text = SpanTable(("run",), (("a",),), spans, zero=True).html(NONE.__getitem__)
    assert "<span>0.00</span>" in text
    assert 'class="rule" x1="4.0"' in text


def test_a_heat_table_shows_shares_and_tells_counts() -> None:
    text = Heat("t", ("a", "b<"), ((9, 1), (0, 0))).html(NONE.__getitem__)
    assert 'class="diagonal strong" style="--share:90" title="a as a: 9 of 10">90<' in text
    assert 'title="a as b&lt;: 1 of 10">10<' in text
    assert text.count("<td>-</td>") == 2


def test_rows_that_belong_together_look_so() -> None:
    rows = (SheetRow("accuracy", ("0.5",)), SheetRow("95 %", ("0.4 to 0.6",), under=True))
    text = Sheet(("metric", "value"), rows).html(NONE.__getitem__)
    assert '<tr class="over"><th scope="row">accuracy' in text
    assert '<tr class="under"><th scope="row">95 %' in text
    assert "sortable" not in text
