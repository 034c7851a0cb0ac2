"""The modality check on a page: ROC curves, shares over the noise, and confusions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from emocli.analysis.check._report import CheckReport, Point
from emocli.plugin.analysis.drawing import (
    LOOKS,
    Cell,
    Chart,
    ChartLine,
    Folded,
    Heading,
    Heat,
    Panels,
    Paragraph,
    Part,
    ReportTable,
    grid,
    legend_of,
)

FITTED = "fitted"
"""Name of the settings of the check at hand, compared with those of the paper."""


def parts(report: CheckReport, run: Path) -> Iterator[Part]:
    """Yield ROC curves and rates over the noise of each modality, and confusion matrices."""
    yield Paragraph(
        f"One modality after the other was corrupted in {report.n} clips of {report.dataset} "
        f"({report.split}). A positive is a modality that the check does not trust; the curves are "
        "over the limits of the check."
    )
    rocs = tuple(_roc(report, modality) for modality in report.modalities)
    yield from (Panels(rocs), legend_of(rocs), _areas(report))
    yield Heading("True and false positive rates over the noise, with the limits of the check", 3)
    rates = tuple(_rates(report, modality) for modality in report.modalities)
    yield from (Panels(rates), legend_of(rates))
    heats = tuple(_heat(report, name) for name in report.confusion)
    title = f"Confusion matrices under {report.protocol} ({', '.join(report.confusion)})"
    yield Folded(title, (Panels(heats),))


def _of(report: CheckReport, modality: str) -> list[Point]:
    return [point for point in report.points if point.modality == modality]


def _drawn(points: Sequence[Point]) -> list[Point]:
    """Return as many levels as can be told apart, and the last, which is no noise."""
    *noise, other = points
    return [*noise[:: -(-len(noise) // (LOOKS - 1))], other]


def _roc(report: CheckReport, modality: str) -> Chart:
    lines = tuple(
        ChartLine(point.label, point.roc.fpr, point.roc.tpr, look)
        for look, point in enumerate(_drawn(_of(report, modality)))
    )
    return Chart(
        f"ROC: {modality} corrupted",
        *("false positive rate", "true positive rate"),
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
        ChartLine("true positive rate", x, tuple(each.tpr for each in both), 0),
        ChartLine("false positive rate, other modalities", x, tuple(each.fpr for each in both), 1),
    )
    return Chart(
        f"{modality} corrupted", "signal-to-noise ratio (dB)", "share", lines, y_range=(0.0, 1.0)
    )


def _heat(report: CheckReport, name: str) -> Heat:
    table = report.confusion[name]
    columns = tuple(next(iter(table.values())))
    counts = tuple(tuple(row.values()) for row in table.values())
    return Heat(name, tuple(table), counts, columns, "corrupted \\ not trusted")
