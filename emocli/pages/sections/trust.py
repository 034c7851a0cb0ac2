"""True and false positive rates of the modality check, and the number of proxies."""

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
        "Share of the clips in which the modality was not trusted: of those in which it was "
        "corrupted, the true positive rate (TPR); of the others, the false positive rate (FPR). "
        "Last, the number of clips in which it was regenerated from other modalities."
    )
    columns = (
        *(["run"] if several else []),
        *("condition", "repair", "modality", "clips", "corrupted"),
        *("TPR %", "FPR %", "regenerated"),
    )
    yield Grid(columns, list(dict.fromkeys(rows)), left=tuple(range(3 + several)))


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}" if whole else "-"


SECTION = Section(65, "Repair", parts)
