"""Which classes are taken for which."""

from __future__ import annotations

from collections.abc import Iterator

from emocli.evaluation.report import ConditionReport
from emocli.pages.records import RunRecords
from emocli.pages.section import Contents, Section, by_run
from emocli.report.document import Paragraph, Part
from emocli.report.parts import Folded, Heat, Panels


def parts(contents: Contents) -> Iterator[Part]:
    """Yield the clean confusion of each run; those under corruptions are folded."""
    if contents.runs:
        yield Paragraph(
            "In per cent of the clips of each row; the counts of all seeds stand in the cells' "
            "titles and in the reports."
        )
    yield from by_run(contents, _of_run)


def _of_run(run: RunRecords) -> Iterator[Part]:
    if run.main is None:
        return
    classes = run.main.classes
    yield _heat(classes, run.main.clean, "clean")
    corrupted = {
        side.label + (f", {each.repair}" if each.repair else ""): side
        for each in run.own
        for side in each.conditions[1:]
    }
    if corrupted:
        heats = tuple(_heat(classes, side, label) for label, side in corrupted.items())
        yield Folded(f"Under corruption ({len(heats)})", (Panels(heats),))


def _heat(classes: tuple[str, ...], side: ConditionReport, label: str) -> Heat:
    return Heat(label, classes, side.confusion)


SECTION = Section(30, "Confusion", parts)
