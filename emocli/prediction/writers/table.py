"""Predictions as a table: a row per segment."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator

from emocli.display import csv_cell
from emocli.plugin.writer import SegmentPrediction
from emocli.prediction.timeline import PredictionReport

PLAIN = (
    *("file", "segment", "start", "end", "person", "person_score", "speaker", "text"),
    *("label", "confidence"),
)

STATES = ("distrusted", "regenerated", "missing")


def columns(report: PredictionReport) -> tuple[str, ...]:
    """Return the names of the columns.

    ``p.<class>`` is a probability, or an intensity; ``spread.<class>`` its standard deviation over
    several networks; ``low.<class>`` and ``high.<class>`` bound an intensity. ``distrusted``,
    ``regenerated`` and ``missing`` name modalities, and ``anomaly.<modality>`` says how far each is
    from what the check was fitted on.
    """
    several = [f"spread.{name}" for name in report.classes] if report.networks > 1 else []
    bounded = any(segment.interval for segment in report.segments)
    bounds = [f"{b}.{name}" for name in report.classes for b in ("low", "high") if bounded]
    anomalies = [f"anomaly.{modality}" for modality in report.features]
    values = [f"p.{name}" for name in report.classes]
    return (*PLAIN, *values, *several, *bounds, *STATES, *anomalies)


def csv_text(report: PredictionReport) -> str:
    """Return the text of the CSV file."""
    text = io.StringIO()
    names = columns(report)
    writer = csv.DictWriter(text, names, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(dict(_cells(segment)) for segment in report.segments)
    return text.getvalue()


def _cells(segment: SegmentPrediction) -> Iterator[tuple[str, object]]:
    for name in PLAIN:
        yield name, _cell(getattr(segment, name))
    for prefix, values in (("p", segment.values), ("spread", segment.spread)):
        for name, value in values.items():
            yield f"{prefix}.{name}", _cell(value)
    for name, (low, high) in (segment.interval or {}).items():
        yield f"low.{name}", _cell(low)
        yield f"high.{name}", _cell(high)
    for state in STATES:
        yield state, " ".join(m for m, s in segment.modalities.items() if getattr(s, state))
    for modality, each in segment.modalities.items():
        yield f"anomaly.{modality}", _cell(each.anomaly)


def _cell(value: object) -> object:
    """Return a cell; what is not known is empty."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.9g}"
    return csv_cell(value)
