"""TextGrids of Praat (.TextGrid), long and short, whose tiers are speakers.

Source: P. Boersma and D. Weenink, Praat: doing phonetics by computer, manual page "TextGrid file
formats".

What counts of such a file are its free-standing numbers, texts in quotes and flags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from emocli.errors import MediaError
from emocli.plugin.transcript import Line, Transcript
from emocli.prediction.segmentation.tiers import Tier, transcript
from emocli.prediction.segmentation.timecodes import NUMBER

SUFFIXES = (".textgrid",)
BESIDE = (".TextGrid", ".textgrid")
HAS_TIERS = True

TOKEN = re.compile(r'"((?:[^"]|"")*+)"|(![^\r\n]*+)|(\S++)')
INTERVALS, POINTS = "IntervalTier", "TextTier"


def read(text: str, path: Path, tiers: Sequence[str] = ()) -> Transcript:
    """Read a TextGrid; intervals without text are silence, and points are left out."""
    values = _Values(text, path)
    if values.text() != "ooTextFile" or values.text() != "TextGrid":
        raise MediaError("is no TextGrid", where=path, hint="save it in Praat as a text file")
    values.number(), values.number()
    held = [tier for tier in (_tier(values) for _ in range(values.count())) if tier]
    return transcript(held, tiers, path)


def _tier(values: _Values) -> Tier | None:
    kind, name = values.text(), values.text()
    values.number(), values.number()
    if kind == INTERVALS:
        lines = (_interval(values) for _ in range(values.count()))
        return Tier(name, tuple(line for line in lines if line.text))
    if kind != POINTS:
        raise values.fault(f"a tier is of the kind '{kind[:40]}'")
    for _ in range(values.count()):
        values.number(), values.text()
    return None


def _interval(values: _Values) -> Line:
    start, place = values.number(), values.place
    return Line(start, values.number(), " ".join(values.text().split()), place=place)


class _Values:
    """The values of a file, one after the other."""

    def __init__(self, text: str, path: Path) -> None:
        self._text, self._path = text, path
        self._tokens = self._free()
        self._at = self._counted = 0
        self._row = 1

    @property
    def place(self) -> str:
        """Where the last value is."""
        self._row += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return f"{self._path}, row {self._row}"

    def fault(self, what: str) -> MediaError:
        """Return the error of the last value."""
        return MediaError(what, where=self.place, hint="is it a whole TextGrid?")

    def text(self) -> str:
        """Return the next value, a text."""
        value = next(self._tokens, None)
        if not isinstance(value, str):
            raise self.fault("a text in quotes is missing")
        return value

    def number(self) -> float:
        """Return the next value, a number."""
        value = next(self._tokens, None)
        if not isinstance(value, float):
            raise self.fault("a number is missing")
        return value

    def count(self) -> int:
        """Return the next value, a count: no file holds more of anything than characters."""
        value = self.number()
        if not 0 <= value <= len(self._text) or value != int(value):
            raise self.fault(f"{value:g} is no count")
        return int(value)

    def _free(self) -> Iterator[str | float]:
        for match in TOKEN.finditer(self._text):
            self._at = match.start()
            quoted, _, other = match.groups()
            if quoted is not None:
                yield quoted.replace('""', '"')
            elif other and NUMBER.fullmatch(other):
                yield float(other)
        self._at = len(self._text)
