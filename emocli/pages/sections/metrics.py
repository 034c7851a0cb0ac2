"""The metrics of the clean test clips, with intervals, compared with baselines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from emocli.evaluation.report import ConditionReport, EvaluationReport
from emocli.evaluation.tables import interval_notes
from emocli.models.classical import KINDS
from emocli.pages import texts
from emocli.pages.gains import TestedRun, gains_table
from emocli.pages.section import Contents, Section
from emocli.report.document import Listing, Paragraph, Part
from emocli.report.parts import Facts, Folded, Sheet, SheetRow
from emocli.report.tables import NO_NUMBER, number


def parts(contents: Contents) -> Iterator[Part]:
    """Yield the metrics of one run and its baselines, or of all runs, and their definitions."""
    reports = {run.name: run.main for run in contents.runs if run.main}
    if not reports:
        return
    if len(reports) == 1:
        yield from (_table(report) for report in reports.values())
    else:
        yield _side_by_side(reports)
    tested = [TestedRun(name, report, report.clean) for name, report in reports.items()]
    if table := gains_table(tested, several=len(reports) > 1):
        yield table
    yield from _explained([*reports.values()])


def _side_by_side(reports: Mapping[str, EvaluationReport]) -> Sheet:
    """Return a column for each run; a metric that one does not have is a dash there."""
    rows = []
    for name in dict.fromkeys(n for report in reports.values() for n in report.definitions):
        cells = (
            texts.metric(r.clean.metrics, name) if name in r.definitions else "-"
            for r in reports.values()
        )
        rows.append(SheetRow(texts.title(name), tuple(cells)))
        both = tuple(_interval(report.clean, name) for report in reports.values())
        if any(cell != NO_NUMBER for cell in both):
            rows.append(SheetRow("95 % interval", both, under=True))
    return Sheet(("metric", *reports), tuple(rows))


def _interval(side: ConditionReport, name: str) -> str:
    """Write the interval of a metric; a dash where it has none."""
    own = side.interval_of(name)
    return texts.interval(own.ci, own.ci_clips) if own else NO_NUMBER


def _table(report: EvaluationReport) -> Sheet:
    clean = report.clean
    baselines = {**report.baselines, **{n: m.metrics for n, m in (clean.classical or {}).items()}}
    rows = []
    for name in report.definitions:
        others = tuple(number(own[name]) for own in baselines.values())
        rows.append(SheetRow(texts.title(name), (texts.metric(clean.metrics, name), *others)))
        if (own := _interval(clean, name)) != NO_NUMBER:
            rows.append(SheetRow("95 % interval", (own, *("",) * len(baselines)), under=True))
    if clean.agreement:
        blank = ("",) * len(baselines)
        rows.append(SheetRow("alpha of raters", (number(clean.agreement.alpha), *blank)))
        joined = number(clean.agreement.alpha_with_network)
        rows.append(SheetRow("with the network as one more", (joined, *blank), under=True))
    network = f"{report.fusion}, mean of {report.ensemble}" if report.ensemble else report.fusion
    return Sheet(("metric", network, *baselines), tuple(rows))


def _explained(reports: list[EvaluationReport]) -> Iterator[Part]:
    intervals = dict.fromkeys(report.interval for report in reports)
    yield Paragraph(f"Intervals: {'; '.join(intervals)}.")
    if notes := interval_notes(reports):
        yield Listing(notes)
    counts = dict.fromkeys(len(r.seeds) for r in reports if len(r.seeds) > 1 and not r.ensemble)
    if counts:
        yield Paragraph(
            f"±: standard deviation over {' or '.join(map(str, counts))} seeds, what training "
            "again on the same clips would change; it is no interval over clips."
        )
    meanings = {texts.title(n): d for report in reports for n, d in report.definitions.items()}
    rules = {texts.title(n): d for report in reports for n, d in report.rules.items()}
    baselines = {
        "prior": "the classes' frequencies in the train split, for every clip",
        **{name: f"{kind.what}; of the features' functionals" for name, kind in KINDS.items()},
    }
    known = {n for r in reports for n in (*r.baselines, *(r.clean.classical or {}))}
    models = {name: text for name, text in baselines.items() if name in known}
    yield Folded(
        "What the metrics and the baselines are", (Facts({**meanings, **rules, **models}),)
    )


SECTION = Section(20, "Metrics", parts)
