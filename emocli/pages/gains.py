"""What networks gain over the classical baselines, as a table of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from emocli.evaluation.report import ConditionReport, EvaluationReport
from emocli.pages import texts
from emocli.report.parts import SpanTable
from emocli.report.tables import number


@dataclass(frozen=True)
class TestedRun:
    """A run under a condition, clean or corrupted, of one of its evaluations."""

    run: str
    report: EvaluationReport
    side: ConditionReport


def gains_table(tested: Sequence[TestedRun], several: bool) -> SpanTable | None:
    """Return the gains in each metric; the run is named if there are several, no row: None.

    The condition is named where there is another one than the clean clips, the repair where there
    is any.
    """
    gains = [
        (each, name, metric, model.metrics[metric], gain)
        for each in tested
        for name, model in (each.side.classical or {}).items()
        for metric in each.report.gained
        if (gain := model.gain_in(metric)) and not math.isnan(gain.mean)
    ]
    if not gains:
        return None
    corrupted = any(each.side.corruption for each in tested)
    repaired = any(each.report.repair for each in tested)
    names = ("run",) * several + ("condition",) * corrupted + ("repair",) * repaired
    rows = tuple(
        (
            *((each.run,) * several + (each.side.label,) * corrupted),
            *((each.report.repair or "-",) * repaired),
            *(name, texts.title(metric), number(own)),
            number(gain.mean, signed=True),
            texts.interval(gain.ci, gain.ci_clips),
            texts.p(gain.p),
        )
        for each, name, metric, own, gain in gains
    )
    spans = tuple(texts.span(gain.mean, gain.ci, gain.ci_clips) for *_, gain in gains)
    columns = (*names, "baseline", "metric", "its own", "gain", "95 %", "p")
    title = "Gain of the network over classical baselines, paired by clip"
    return SpanTable(columns, rows, spans, tuple(range(len(names) + 2)), title, zero=True)
