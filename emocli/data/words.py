"""Words with their times, as a forced aligner or a recogniser writes them beside a recording."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from emocli.data.clip import Clip
from emocli.data.table import read_table
from emocli.errors import MediaError

HEADER = ("start", "end", "word")


@dataclass(frozen=True)
class Word:
    """A spoken word, which may hold punctuation, and its times in seconds of the media file."""

    text: str
    start: float
    end: float


def read_words(path: Path) -> list[Word]:
    """Read a CSV file with the columns ``start,end,word`` (seconds in the media file).

    Returns
    -------
    list of Word
        By start; empty if the file has only a header.

    Raises
    ------
    MediaError
        If the file is absent, has other columns, or a row without word or with impossible times.
    """
    table = read_table(path, MediaError).renamed(HEADER)
    if sorted(table.header) != sorted(HEADER):
        what, hint = (
            f"has the columns {','.join(table.header)}",
            f"they should be {','.join(HEADER)}",
        )
        raise MediaError(what, where=path, hint=hint)
    words = []
    for line, row in zip(table.lines, table.records(), strict=True):
        try:
            words.append(_word(row["word"], float(row["start"]), float(row["end"])))
        except ValueError as fault:
            raise MediaError(str(fault), where=f"{path}, row {line}") from None
    return sorted(words, key=lambda word: word.start)


def spoken(clip: Clip) -> list[Word]:
    """Return the words of a clip's ``media.words`` that have their middle inside it.

    Errors as of `read_words`.
    """
    start = clip.start or 0.0
    end = math.inf if clip.end is None else clip.end
    words = read_words(clip.media["words"])
    return [word for word in words if start <= (word.start + word.end) / 2 < end]


def _word(text: str, start: float, end: float) -> Word:
    if not text.strip():
        raise ValueError("has no word")
    if not (0 <= start <= end < math.inf):
        raise ValueError(f"{start:g} s to {end:g} s is no stretch of time")
    return Word(text.strip(), start, end)
