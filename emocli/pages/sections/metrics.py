"""The metrics of the clean test clips, with intervals, beside plain baselines."""

from __future__ import annotations

from collections.abc import Iterator

from emocli.evaluation.report import ConditionReport, EvaluationReport
from emocli.pages import texts
from emocli.pages.records import RunRecords
from emocli.pages.section import Contents, Section, by_run
from emocli.report.document import Paragraph, Part
from emocli.report.parts import Facts, Folded, Row, Sheet, SpanTable


def parts(contents: Contents) -> Iterator[Part]:
    """Yield a table of metrics for each run, and once what they are."""
    yield from by_run(contents, _of_run)
    if contents.runs:
        yield from _explained([run.main for run in contents.runs if run.main])


def _of_run(run: RunRecords) -> Iterator[Part]:
    if run.main is None:
        return
    yield _table(run.main)
    if run.main.clean.classical:
        yield _gains(run.main, run.main.clean)


def _table(report: EvaluationReport) -> Sheet:
    clean = report.clean
    beside = {**report.baselines, **{n: m.metrics for n, m in (clean.classical or {}).items()}}
    rows = []
    for name in report.definitions:
        others = tuple(texts.number(own[name]) for own in beside.values())
        rows.append(Row(texts.title(name), (texts.metric(clean.metrics, name), *others)))
        if name == "accuracy":
            blank = ("",) * len(beside)
            both = texts.interval(clean.accuracy_ci, clean.accuracy_ci_clips)
            rows.append(Row("95 % interval", (both, *blank), under=True))
    if clean.agreement:
        blank = ("",) * len(beside)
        rows.append(Row("alpha of raters", (texts.number(clean.agreement.alpha), *blank)))
        joined = texts.number(clean.agreement.alpha_with_network)
        rows.append(Row("with the network as one more", (joined, *blank), under=True))
    network = f"{report.fusion}, mean of {report.ensemble}" if report.ensemble else report.fusion
    return Sheet(("metric", network, *beside), tuple(rows))


def _gains(report: EvaluationReport, side: ConditionReport) -> SpanTable:
    models = side.classical or {}
    gains = {name: each.gain for name, each in models.items()}
    rows = tuple(
        (
            *(name, texts.number(gain.accuracy, signed=True)),
            *(texts.interval(gain.accuracy_ci, gain.accuracy_ci_clips), texts.p(gain.p)),
        )
        for name, gain in gains.items()
    )
    spans = tuple(
        texts.span(g.accuracy, g.accuracy_ci, g.accuracy_ci_clips) for g in gains.values()
    )
    title = f"What {report.fusion} gains in accuracy over each, paired by clip"
    return SpanTable(("baseline", "gain", "95 %", "p"), rows, spans, title=title, zero=True)


def _explained(reports: list[EvaluationReport]) -> Iterator[Part]:
    intervals = dict.fromkeys(report.interval for report in reports)
    yield Paragraph(f"Intervals: {'; '.join(intervals)}.")
    if any(len(report.seeds) > 1 and not report.ensemble for report in reports):
        counts = dict.fromkeys(len(report.seeds) for report in reports)
        yield Paragraph(
            f"±: standard deviation over {' or '.join(map(str, counts))} seeds, what training "
            "again on the same clips would change; it is no interval over clips."
        )
    meanings = {texts.title(n): d for report in reports for n, d in report.definitions.items()}
    rules = {texts.title(n): d for report in reports for n, d in report.rules.items()}
    beside = {
        "prior": "the classes' frequencies in the train split, for every clip",
        "linear": "a linear model of mean, deviation and maximum of the same features",
        "svm": "a support vector machine of the same",
    }
    known = {n for r in reports for n in (*r.baselines, *(r.clean.classical or {}))}
    told = {name: text for name, text in beside.items() if name in known}
    yield Folded("What the metrics and the baselines are", (Facts({**meanings, **rules, **told}),))


SECTION = Section(20, "Metrics", parts)
