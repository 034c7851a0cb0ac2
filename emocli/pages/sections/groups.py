"""Speakers and other groups of clips, and how far they are apart."""

from __future__ import annotations

from collections.abc import Iterator

from emocli.evaluation.groups import GroupedCondition
from emocli.pages import texts
from emocli.pages.records import RunRecords
from emocli.pages.section import Contents, Section, Suggestion, by_run
from emocli.report.document import Paragraph, Part
from emocli.report.parts import Folded, SpanTable


def parts(contents: Contents) -> Iterator[Part]:
    """Yield a table for each property of the clips that was asked for."""
    yield from by_run(contents, _of_run)


def grouped(run: RunRecords) -> dict[tuple[str, str, str], GroupedCondition]:
    """Return the groups of a run by their property, the repair and the condition.

    Of several reports of the same it is the first.
    """
    groups: dict[tuple[str, str, str], GroupedCondition] = {}
    for report in run.own:
        for each in report.by or ():
            for condition in each.conditions:
                groups.setdefault((each.by, report.repair, condition.condition), condition)
    return groups


def _of_run(run: RunRecords) -> Iterator[Part]:
    shown: set[str] = set()
    for (by, repair, name), condition in sorted(grouped(run).items(), key=_order):
        title = f"By {by}, {name}" + (f", {repair}" if repair else "")
        told = (Paragraph(_gap(condition)),) if condition.gap else ()
        each = (_table(by, title, condition), *told)
        if by in shown:
            yield Folded(title, each)
        else:  # the first of each property is open
            yield from each
        shown.add(by)


def _order(item: tuple[tuple[str, str, str], GroupedCondition]) -> tuple[str, bool, bool]:
    """Put what is clean and not repaired first."""
    by, repair, name = item[0]
    return by, bool(repair), name != "clean"


def _table(by: str, title: str, condition: GroupedCondition) -> SpanTable:
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
    return SpanTable(columns, rows, spans, title=f"{title}; drawn: accuracy")


def _gap(condition: GroupedCondition) -> str:
    gap = condition.gap
    if gap is None:
        return ""
    both = texts.interval(gap.ci, gap.ci_clips)
    return (
        f"{gap.groups[0]} less {gap.groups[1]}: {gap.accuracy:.3f} (95 %: {both}; {gap.interval}). "
        "The two were chosen by looking: of many groups that are alike some will seem to differ."
    )


def absent(contents: Contents) -> Iterator[Suggestion]:
    """Yield the command for runs that have none."""
    for run in contents.runs:
        if not grouped(run):
            what = (
                f"{run.name}: metrics of speakers and other groups (group.<name> of the manifest)"
            )
            yield Suggestion(what, texts.command("emocli evaluate RUN --by speaker", run))


SECTION = Section(45, "Groups and speakers", parts, absent)
