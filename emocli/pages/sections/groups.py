"""Speakers and other groups of clips, and how far they are apart."""

from __future__ import annotations

from collections.abc import Iterator

from emocli.evaluation.groups import GroupedCondition, GroupedReport
from emocli.pages import texts
from emocli.pages.records import RunRecords
from emocli.pages.section import Absent, Contents, Section, by_run
from emocli.report.document import Paragraph, Part
from emocli.report.parts import Folded, SpanTable


def parts(contents: Contents) -> Iterator[Part]:
    """Yield a table for each property of the clips that was asked for."""
    yield from by_run(contents, _of_run)


def grouped(run: RunRecords) -> dict[str, GroupedReport]:
    """Return the groups of a run by their property; of several reports those of the first."""
    by: dict[str, GroupedReport] = {}
    for report in run.own:
        for each in report.by or ():
            by.setdefault(each.by, each)
    return by


def _of_run(run: RunRecords) -> Iterator[Part]:
    for by, report in grouped(run).items():
        clean, *corrupted = report.conditions
        yield _table(by, clean)
        if clean.gap:
            yield Paragraph(_gap(clean))
        for each in corrupted:
            told = (Paragraph(_gap(each)),) if each.gap else ()
            yield Folded(f"By {by}, {each.condition}", (_table(by, each), *told))


def _table(by: str, condition: GroupedCondition) -> SpanTable:
    rows = tuple(
        (
            *(group.group, str(group.n), texts.metric(group.metrics, "accuracy")),
            texts.interval(group.accuracy_ci, group.accuracy_ci_clips),
            *(texts.number(group.metrics[name]) for name in ("uar", "weighted_f1")),
        )
        for group in condition.groups
    )
    spans = tuple(
        texts.span(g.metrics["accuracy"], g.accuracy_ci, g.accuracy_ci_clips)
        for g in condition.groups
    )
    columns = (by, "clips", "accuracy", "95 %", "uar", "weighted f1")
    return SpanTable(columns, rows, spans, title=f"By {by}, {condition.condition}; drawn: accuracy")


def _gap(condition: GroupedCondition) -> str:
    gap = condition.gap
    if gap is None:
        return ""
    both = texts.interval(gap.ci, gap.ci_clips)
    return (
        f"{gap.groups[0]} less {gap.groups[1]}: {gap.accuracy:.3f} (95 %: {both}; {gap.interval}). "
        "The two were chosen by looking: of many groups that are alike some will seem to differ."
    )


def absent(contents: Contents) -> Iterator[Absent]:
    """Yield the command for runs that have none."""
    for run in contents.runs:
        if not grouped(run):
            what = (
                f"{run.name}: metrics of speakers and other groups (group.<name> of the manifest)"
            )
            yield Absent(what, texts.command("emocli evaluate RUN --by speaker", run))


SECTION = Section(45, "Groups and speakers", parts, absent)
