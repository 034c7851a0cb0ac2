"""Speakers and other groups of clips, and how far they are apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from emocli.evaluation.groups import GroupedCondition, GroupMetrics, MetricGap, group_notes
from emocli.pages import texts
from emocli.pages.records import RunRecords
from emocli.pages.section import Contents, Section, Suggestion, by_run
from emocli.report.document import Listing, Part
from emocli.report.parts import Folded, Span, SpanTable
from emocli.report.tables import NO_NUMBER, bounds, number

CHOSEN = (
    "The two groups of a difference were chosen by looking: of many groups that are alike some "
    "will seem to differ."
)


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
    differ = False
    metrics = run.main.clean.shown if run.main else ()
    for (by, repair, name), condition in sorted(grouped(run).items(), key=_order):
        title = f"By {by}, {name}" + (f", {repair}" if repair else "")
        gaps = tuple(_gaps(condition.gaps, metrics))
        differ = differ or bool(gaps)
        each = (_table(by, title, condition, metrics), *((Listing(gaps),) if gaps else ()))
        if by in shown:
            yield Folded(title, each)
        else:  # the first of each property is open
            yield from each
        shown.add(by)
    notes = dict.fromkeys(note for report in run.own for note in group_notes(report.by or ()))
    if notes:
        yield Listing((*notes, CHOSEN) if differ else tuple(notes))


def _order(item: tuple[tuple[str, str, str], GroupedCondition]) -> tuple[str, bool, bool]:
    """Put what is clean and not repaired first."""
    by, repair, name = item[0]
    return by, bool(repair), name != "clean"


def _table(by: str, title: str, condition: GroupedCondition, shown: Sequence[str]) -> SpanTable:
    rows = tuple(
        (
            *(group.group, str(group.n)),
            *(cell for name in shown for cell in _cells(group, name)),
            group.drawn or NO_NUMBER,
        )
        for group in condition.groups
    )
    drawn = (group.interval_of(shown[0]) for group in condition.groups)
    spans = tuple(Span(each.value, each.shown) for each in drawn)
    names = (cell for name in shown for cell in (texts.title(name), "95 %"))
    title = f"{title}; drawn: {texts.title(shown[0])}"
    return SpanTable((by, "clips", *names, "over"), rows, spans, title=title)


def _cells(group: GroupMetrics, metric: str) -> tuple[str, str]:
    return texts.metric(group.metrics, metric), bounds(group.interval_of(metric).shown)


def _gaps(gaps: Mapping[str, MetricGap], shown: Sequence[str]) -> Iterator[str]:
    for name in shown:
        if gap := gaps.get(name):
            high, low = gap.groups
            both = f"95 %: {bounds(gap.shown)}; {gap.interval}"
            yield f"{texts.title(name)}, {high} less {low}: {number(gap.value)} ({both})"


def absent(contents: Contents) -> Iterator[Suggestion]:
    """Yield the command for runs that have none."""
    for run in contents.runs:
        if not grouped(run):
            what = (
                f"{run.name}: metrics of speakers and other groups (group.<name> of the manifest)"
            )
            yield Suggestion(what, texts.command("emocli evaluate RUN --by speaker", run))


SECTION = Section(45, "Groups and speakers", parts, absent)
