"""Several runs compared clip by clip, as `emocli compare` does it."""

from __future__ import annotations

from collections.abc import Iterator

from emocli.evaluation.comparison_report import ComparisonReport, MetricDifference
from emocli.evaluation.comparison_tables import notes
from emocli.pages import texts
from emocli.pages.section import Contents, Section
from emocli.report.document import Listing, Part
from emocli.report.parts import Note, SpanTable
from emocli.report.tables import number, spread


def parts(contents: Contents) -> Iterator[Part]:
    """Yield the runs' metric, every pair's difference, and what the numbers are."""
    report = contents.comparison
    if contents.uncompared:
        yield Note(f"The runs are not compared clip by clip: {contents.uncompared}.", warning=True)
    if report is None:
        return
    yield _runs(report)
    yield from _earlier(contents, report)
    yield _pairs(report)
    yield Listing(notes(report))


def _earlier(contents: Contents, report: ComparisonReport) -> Iterator[Part]:
    """Yield a warning if evaluations of runs have other intervals of the same metric."""
    compared = {run.run: run for run in report.runs}
    others = []
    for run in contents.runs:
        own = run.main and (run.main.clean.intervals or {}).get(report.metric)
        now = compared[run.name]
        if own and texts.interval(own.ci, own.ci_clips) != texts.interval(now.ci, now.ci_clips):
            others.append(run)
    if others:
        again = "; ".join(f"`{texts.command('emocli evaluate RUN', run)}`" for run in others)
        names = ", ".join(run.name for run in others)
        what = f"Earlier evaluations gave {names}, under Metrics, other intervals than these"
        yield Note(f"{what}. To make them anew: {again}.", warning=True)


def _runs(report: ComparisonReport) -> SpanTable:
    rows, spans = [], []
    for run in report.runs:
        value = spread(run.value, run.std)
        rows.append((run.run, run.fusion, value, texts.interval(run.ci, run.ci_clips)))
        spans.append(texts.span(run.value, run.ci, run.ci_clips))
    name = texts.title(report.metric)
    where = texts.condition(report.corruption)
    title = f"{name} on the same {report.n} clips of {report.dataset} ({report.split}), {where}"
    return SpanTable(("run", "network", name, "95 %"), tuple(rows), tuple(spans), (0, 1), title)


def _pairs(report: ComparisonReport) -> SpanTable:
    tested = any(pair.p_mcnemar is not None for pair in report.pairs)
    columns = ("run", "against", "difference", "95 %", "p", "p Holm")
    rows = tuple(
        (*_pair(each), *([texts.p(each.p_mcnemar)] if tested else [])) for each in report.pairs
    )
    spans = tuple(texts.span(p.difference, p.ci, p.ci_clips) for p in report.pairs)
    more = ("McNemar",) if tested else ()
    title = f"Difference in {texts.title(report.metric)}, paired by clip"
    return SpanTable((*columns, *more), rows, spans, (0, 1), title, zero=True)


def _pair(pair: MetricDifference) -> tuple[str, ...]:
    return (
        *pair.runs,
        number(pair.difference, signed=True),
        texts.interval(pair.ci, pair.ci_clips),
        *(texts.p(pair.p), texts.p(pair.p_holm)),
    )


SECTION = Section(25, "Comparison", parts)
