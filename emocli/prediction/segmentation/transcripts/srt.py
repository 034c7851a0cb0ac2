"""SubRip subtitles (.srt): numbered lines with their times.

Source: the format of the program SubRip.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from emocli.errors import MediaError
from emocli.plugin.transcript import Line, Transcript, by_start
from emocli.prediction.segmentation.timecodes import seconds

SUFFIXES = (".srt",)
BESIDE = (".srt",)
HAS_TIERS = False

ARROW = "-->"
MARKUP = re.compile(r"</?[A-Za-z][^<>]{0,200}>|\{\\[^{}]{0,200}\}")
"""Tags such as ``<i>`` and ``{\\an8}``."""


def read(text: str, path: Path, tiers: Sequence[str] = ()) -> Transcript:
    """Read subtitles; a text goes on until the next number and times, blank rows or not."""
    rows = text.splitlines()
    timings = [row for row, content in enumerate(rows) if ARROW in content]
    if not timings:
        raise MediaError("holds no subtitle", where=path, hint="times look like 0:01:02,500 --> ..")
    lines = []
    for timing, following in zip(timings, [*timings[1:], len(rows)], strict=True):
        place = f"{path}, row {timing + 1}"
        start, end = times(rows[timing], place)
        body = [row.strip() for row in rows[timing + 1 : following]]
        if following < len(rows) and body and body[-1].isdigit():
            body.pop()
        words = " ".join(MARKUP.sub("", " ".join(body)).split())
        lines.append(Line(start, end, words, place=place))
    return Transcript(by_start(lines))


def times(row: str, place: str) -> tuple[float, float]:
    """Return the times of a row ``START --> END``, after which settings may follow.

    Raises
    ------
    MediaError
        If they are none.
    """
    before, _, after = row.partition(ARROW)
    try:
        return seconds(before), seconds((after.split() or [""])[0])
    except ValueError as fault:
        raise MediaError(str(fault), where=place, hint="times look like 00:01:02,500") from None
