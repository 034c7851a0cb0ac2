"""Modalities that were not trusted: how many of the corrupted ones, and of the others."""

from __future__ import annotations

from collections.abc import Iterator

from emocli.pages.section import Contents, Section
from emocli.report.document import Grid, Paragraph, Part


def parts(contents: Contents) -> Iterator[Part]:
    """Yield a table of all conditions in which modalities were judged."""
    several = len(contents.runs) > 1
    rows = [
        (
            *([run.name] if several else []),
            *(side.label, report.repair, modality),
            *(str(flags.clips), str(flags.corrupted)),
            _percent(flags.detected, flags.corrupted),
            _percent(flags.flagged - flags.detected, flags.clips - flags.corrupted),
            str(flags.regenerated),
        )
        for run in contents.runs
        for report in run.own
        for side in report.conditions
        for modality, flags in (side.flagged or {}).items()
    ]
    if not rows:
        return
    yield Paragraph(
        "Of the clips whose modality was corrupted, how many were noticed; of the others, how many "
        "were suspected without cause; and how many were regenerated from other modalities."
    )
    columns = (
        *(["run"] if several else []),
        *("condition", "repair", "modality", "clips", "corrupted"),
        *("noticed %", "false alarms %", "regenerated"),
    )
    yield Grid(columns, list(dict.fromkeys(rows)), left=tuple(range(3 + several)))


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}" if whole else "-"


SECTION = Section(65, "Repair", parts)
