"""Lines whose start, end and text stand between bars.

Source: this example.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emocli.errors import MediaError
from emocli.plugin.transcript import Line, Transcript, by_start

SUFFIXES = (".bars",)
BESIDE = (".bars",)
HAS_TIERS = False


def read(text: str, path: Path, tiers: Sequence[str] = ()) -> Transcript:
    """Read the lines."""
    return Transcript(
        by_start(_line(row, f"{path}, row {n}") for n, row in enumerate(text.splitlines(), 1))
    )


def _line(row: str, place: str) -> Line:
    try:
        start, end, said = row.split("|")
        return Line(float(start), float(end), said, place=place)
    except ValueError:
        raise MediaError("is not start|end|text", where=place) from None
