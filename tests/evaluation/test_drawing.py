"""Figures: what they show, that nothing overlaps, and that equal reports give equal files."""

from __future__ import annotations

import io
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text

from emocli.evaluation.drawing import about, confusion, draw, sweep
from emocli.evaluation.report import EvaluationReport
from emocli.evaluation.tables import counts
from tests.evaluation import example
from tests.evaluation.example import report

LONG = ["neutral", "calm", "happiness", "sadness", "anger", "fearfulness", "disgust", "surprise"]


def confused(report: EvaluationReport) -> Figure:
    return confusion(report.classes, counts(report), about(report), "rows: label").figure


def wide(classes: list[str], seeds: int = 1) -> EvaluationReport:
    """A report with many classes and a long name of its run."""
    data = example.data(corrupted=True, sweep=True, seeds=seeds)
    data["classes"] = classes
    data["run"] = "recursive_recurrent_network_on_five_folds_of_actors_with_gating_and_three_hops"
    counts = np.random.default_rng(0).integers(0, 30, (len(classes), len(classes)))
    for side in ("clean", "corrupted"):
        data[side]["confusion"] = counts.tolist()
    data["corrupted"]["corruption"] = ["visual gaussian -10 dB", "audio shuffle"]
    return EvaluationReport.from_data(data)


def texts(figure: Figure) -> list[Text]:
    """All text that is drawn."""
    figure.canvas.draw()
    unseen = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            unseen |= {tick.label1 for tick in axis.majorTicks if not low <= tick.get_loc() <= high}
    result = figure.findobj(lambda a: isinstance(a, Text) and a not in unseen)
    return [text for text in result if text.get_text().strip() and text.get_visible()]


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    boxes = []
    for text in texts(figure):
        if text.get_rotation() % 90 == 0:  # of a slanted text the box says too much
            box = text.get_window_extent(renderer)
            boxes.append((text.get_text(), box.shrunk(0.98, 0.98)))
    return [(a, b) for (a, x), (b, y) in combinations(boxes, 2) if x.overlaps(y)]


def outside(figure: Figure) -> list[str]:
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    page = figure.bbox.padded(1)
    result = ((t.get_text(), t.get_window_extent(renderer)) for t in texts(figure))
    return [
        text
        for text, box in result
        if not (page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1)
    ]


SWEEPS = {"small": report(sweep=True, seeds=3), "wide": wide(LONG, 3)}


@pytest.mark.parametrize("data", SWEEPS.values(), ids=SWEEPS)
def test_nothing_of_a_sweep_overlaps_or_is_cut_off(data):
    figure = sweep(data, "gaussian", "accuracy").figure
    assert overlapping(figure) == []
    assert outside(figure) == []


@pytest.mark.parametrize(
    "data",
    [report(), report(corrupted=True), wide(LONG), wide([*LONG, "excitement", "frustration"])],
    ids=["one", "two", "eight classes", "ten classes"],
)
def test_nothing_of_a_confusion_overlaps_or_is_cut_off(data):
    figure = confused(data)
    assert overlapping(figure) == []
    assert outside(figure) == []


def test_a_sweep_has_a_line_per_modality_and_the_clean_one():
    data = report(sweep=True)
    axes = sweep(data, "gaussian", "accuracy").figure.axes[0]
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert set(lines) == {"clean", "audio corrupted", "text corrupted", "visual corrupted"}
    assert set(lines["clean"].get_ydata()) == {0.9}
    assert lines["text corrupted"].get_xdata().tolist() == [-20, -10, 0, 10]
    assert lines["text corrupted"].get_ydata().tolist() == pytest.approx([0.55, 0.65, 0.75, 0.85])
    assert not axes.collections  # one seed: no band


def test_bands_show_the_spread_over_seeds():
    axes = sweep(report(sweep=True, seeds=3), "gaussian", "accuracy").figure.axes[0]
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(0.92)
    assert len(axes.collections) == 3


def test_levels_without_a_ratio_keep_their_order():
    data = example.data(sweep=True)
    for point in data["sweep"]:
        point["snr_db"] = None
    axes = sweep(EvaluationReport.from_data(data), "gaussian", "accuracy").figure.axes[0]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["10 dB", "0 dB", "-10 dB", "-20 dB"]


def test_confusions_are_in_per_cent_of_their_rows():
    axes = confused(report(corrupted=True)).axes
    assert axes[0].images[0].get_array().tolist() == [[95, 5], [15, 85]]
    assert [t.get_text() for t in axes[0].texts] == ["95", "5", "15", "85"]
    assert [a.get_title() for a in axes[:2]] == ["clean", "visual gaussian 0 dB"]


def test_draw_gives_png_and_svg_and_the_same_bytes_every_time():
    data = report(corrupted=True, sweep=True, seeds=3)
    first, second = draw(data), draw(data)
    assert first == second
    kinds = ("png", "svg", "txt")
    assert set(first) == {f"-{n}.{kind}" for n in ("confusion", "gaussian") for kind in kinds}
    assert imread(io.BytesIO(first["-gaussian.png"])).ndim == 3
    root = ElementTree.fromstring(first["-gaussian.svg"])
    assert "clean" in "".join(root.itertext())  # text stays text


def test_without_a_sweep_there_is_no_curve():
    assert set(draw(report())) == {"-confusion.png", "-confusion.svg", "-confusion.txt"}


def test_drawing_leaves_the_settings_of_matplotlib_alone():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    draw(report())
    assert dict(mpl.rcParams) == before
