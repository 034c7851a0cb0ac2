"""Confusions: which classes are taken for which."""

from __future__ import annotations

from collections.abc import Iterator

from emocli.evaluation.report import ConditionReport
from emocli.pages.records import RunRecords
from emocli.pages.section import Contents, Section
from emocli.report.document import Paragraph, Part
from emocli.report.parts import Folded, Heat, Panels


def parts(contents: Contents) -> Iterator[Part]:
    """Yield the clean confusion of each run; those under corruptions are folded."""
    known = [(run, run.main) for run in contents.runs if run.main and run.main.has_confusion]
    if not known:
        return
    yield Paragraph(
        "In per cent of the clips of each row; the counts of all seeds stand in the cells' titles "
        "and in the reports."
    )
    several = len(known) > 1
    yield Panels(
        tuple(
            _heat(main.classes, main.clean, f"{run.name}, clean" if several else "clean")
            for run, main in known
        )
    )
    for run, main in known:
        yield from _corrupted(run, main.classes, f"{run.name}: " if several else "")


def _corrupted(run: RunRecords, classes: tuple[str, ...], start: str) -> Iterator[Part]:
    corrupted = {
        side.label + (f", {each.repair}" if each.repair else ""): side
        for each in run.own
        for side in each.conditions[1:]
    }
    if corrupted:
        heats = tuple(_heat(classes, side, label) for label, side in corrupted.items())
        yield Folded(f"{start}under corruption ({len(heats)})", (Panels(heats),))


def _heat(classes: tuple[str, ...], side: ConditionReport, label: str) -> Heat:
    return Heat(label, classes, side.confusion)


SECTION = Section(30, "Confusion", parts)
