"""The modality check on a page: ROC curves, shares over the noise, and confusions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from emocli.analysis import Part
from emocli.analysis.check._report import CheckReport, Point
from emocli.report.chart import LOOKS, Chart, ChartLine, legend_of
from emocli.report.document import Heading, Paragraph, grid
from emocli.report.parts import Folded, Heat, Panels
from emocli.report.tables import Cell, ReportTable

FITTED = "fitted"
"""The settings of the check at hand, beside those of the paper."""


def parts(report: CheckReport, run: Path) -> Iterator[Part]:
    """Yield the ROC of each modality, what is noticed over the noise, and the confusions."""
    yield Paragraph(
        f"One modality after the other was corrupted in {report.n} clips of {report.dataset} "
        f"({report.split}): how many of the corrupted, and of the clean ones, the check would flag "
        "as its limits are moved."
    )
    rocs = tuple(_roc(report, modality) for modality in report.modalities)
    yield from (Panels(rocs), legend_of(rocs), _areas(report))
    yield Heading("Flagged over the noise, by the limits it has", 3)
    rates = tuple(_rates(report, modality) for modality in report.modalities)
    yield from (Panels(rates), legend_of(rates))
    heats = tuple(_heat(report, name) for name in report.confusion)
    title = f"Flagged against corrupted under {report.protocol} ({', '.join(report.confusion)})"
    yield Folded(title, (Panels(heats),))


def _of(report: CheckReport, modality: str) -> list[Point]:
    return [point for point in report.points if point.modality == modality]


def _drawn(points: Sequence[Point]) -> list[Point]:
    """Return as many levels as can be told apart, and the last, which is no noise."""
    *noise, other = points
    return [*noise[:: -(-len(noise) // (LOOKS - 1))], other]


def _roc(report: CheckReport, modality: str) -> Chart:
    lines = tuple(
        ChartLine(point.label, point.roc.blamed, point.roc.detected, look)
        for look, point in enumerate(_drawn(_of(report, modality)))
    )
    return Chart(
        f"ROC: {modality} corrupted",
        *("clean clips flagged", "corrupted clips flagged"),
        lines,
        x_ticks={k / 5: f"{k / 5:.1f}" for k in range(6)},
        y_range=(0.0, 1.0),
        diagonal=True,
        numbers=False,
    )


def _areas(report: CheckReport) -> Part:
    labels = [point.label for point in _of(report, report.modalities[0])]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (modality, *(point.roc.area for point in _of(report, modality)))
        for modality in report.modalities
    )
    return grid(ReportTable("Area under the ROC curve", ("corrupted", *labels), rows))


def _rates(report: CheckReport, modality: str) -> Chart:
    points = [point for point in _of(report, modality) if point.snr_db is not None]
    x = tuple(point.snr_db for point in points if point.snr_db is not None)
    both = [point.rates[FITTED] for point in points]
    lines = (
        ChartLine("corrupted ones, noticed", x, tuple(each.detected for each in both), 0),
        ChartLine("others, blamed without cause", x, tuple(each.blamed for each in both), 1),
    )
    return Chart(
        f"{modality} corrupted", "signal-to-noise ratio (dB)", "share", lines, y_range=(0.0, 1.0)
    )


def _heat(report: CheckReport, name: str) -> Heat:
    table = report.confusion[name]
    columns = tuple(next(iter(table.values())))
    counts = tuple(tuple(row.values()) for row in table.values())
    return Heat(name, tuple(table), counts, columns, "corrupted \\ flagged")
