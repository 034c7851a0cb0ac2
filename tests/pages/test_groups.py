"""Which groups a page shows, of several evaluations of one run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from emocli.evaluation.groups import GroupedCondition, GroupedReport
from emocli.pages.records import RunRecords
from emocli.pages.sections.groups import _order, grouped


def evaluation(repair: str, *conditions: str) -> SimpleNamespace:
    """What a page reads of an evaluation with --by speaker."""
    groups = tuple(GroupedCondition(condition=name, groups=()) for name in conditions)
    return SimpleNamespace(repair=repair, by=(GroupedReport(by="speaker", conditions=groups),))


def test_every_condition_and_repair_has_its_own_groups_the_clean_one_first() -> None:
    reports = [
        evaluation("check", "clean", "audio, noise"),
        evaluation("", "clean", "visual, noise"),
        evaluation("", "clean", "audio, noise"),
    ]
    groups = grouped(cast(RunRecords, SimpleNamespace(own=reports)))
    assert [key[1:] for key, _ in sorted(groups.items(), key=_order)] == [
        ("", "clean"), ("", "visual, noise"), ("", "audio, noise"),
        ("check", "clean"), ("check", "audio, noise"),
    ]  # fmt: skip
    assert groups["speaker", "", "clean"] is reports[1].by[0].conditions[0]
