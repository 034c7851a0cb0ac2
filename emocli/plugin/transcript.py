r"""Transcripts: text, times and speakers of a recording; and the readers of their files.

A module of kind ``transcripts`` reads a format. It offers

``SUFFIXES``
    the ends of its files' names, in small letters;
``BESIDE``
    the ends by which a transcript beside a recording is known (``interview.mp4``: ``interview``
    and an end);
``HAS_TIERS``
    whether its files have tiers of which some can be chosen;
``read(text, path, tiers) -> Transcript``
    the transcript in the text of a file, of the wanted tiers if any are named. What is damaged is
    a `MediaError` that names the row.

A line may have words with times (`Word`).

>>> def read(text, path, tiers=()):
...     rows = (row.split("|") for row in text.splitlines())
...     return Transcript(by_start(Line(float(a), float(b), said) for a, b, said in rows))
>>> read("2|3|and you?\n0|1.5|how are you", Path("talk.bars")).lines[0].text
'how are you'
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

from emocli.data.words import Word as Word

PAUSE = 0.5
"""Seconds between two words from which they are of two lines."""


@dataclass(frozen=True)
class Line:
    """A line of a transcript: times in seconds, text, speaker, and where it was read.

    ``words`` are those with times of their own; empty where only the line has them.
    """

    start: float
    end: float
    text: str = ""
    speaker: str = ""
    words: tuple[Word, ...] = ()
    place: str = ""


@dataclass(frozen=True)
class Transcript:
    """The lines of a recording by their start, the language if known, and what was left out."""

    lines: tuple[Line, ...]
    language: str = ""
    notes: tuple[str, ...] = ()

    def between(self, start: float, end: float) -> tuple[str, tuple[Word, ...]]:
        """Return the text of [start, end), and its words if they have times.

        A word is of the stretch that its middle is in. Where only lines have times, their words
        are spread evenly over the line for that, and only the text is returned.
        """
        first = bisect_left(self._words, start, key=_time)
        inside = self._words[first : bisect_left(self._words, end, key=_time)]
        words = tuple(word for _, word, timed in inside if timed)
        return " ".join(word.text for _, word, _ in inside), words

    @cached_property
    def _words(self) -> list[tuple[float, Word, bool]]:
        """All words by their middles, each with that and whether it has times of its own."""
        words = [
            (_middle(word), word, bool(line.words))
            for line in self.lines
            for word in line.words or spread(line)
        ]
        return sorted(words, key=_time)


class Reader(Protocol):
    """The module of a format, as a type."""

    __name__: str
    SUFFIXES: tuple[str, ...]
    BESIDE: tuple[str, ...]
    HAS_TIERS: bool

    def read(self, text: str, path: Path, tiers: Sequence[str]) -> Transcript:
        """Read the text of a file, of the wanted tiers if any are named."""
        ...


def spread(line: Line) -> tuple[Word, ...]:
    """Return the words of a line with times that are proportional to their lengths."""
    texts = line.text.split()
    total = sum(map(len, texts))
    words, at = [], line.start
    for text in texts:
        until = at + (line.end - line.start) * len(text) / total
        words.append(Word(text, at, until))
        at = until
    return tuple(words)


def by_start(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Put lines in the order of their starts."""
    return tuple(sorted(lines, key=lambda line: (line.start, line.end)))


def joined(words: Sequence[Word], speaker: str = "", place: str = "") -> list[Line]:
    """Join words to lines, which end where there is a pause."""
    groups: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.start):
        if not groups or word.start - groups[-1][-1].end >= PAUSE:
            groups.append([])
        groups[-1].append(word)
    return [_line(group, speaker, place) for group in groups]


def with_words(line: Line, words: Iterable[Word]) -> Line:
    """Give a line those of the words whose middles are in it."""
    own = tuple(word for word in words if line.start <= _middle(word) < line.end)
    return replace(line, words=own)


def _line(words: Sequence[Word], speaker: str, place: str) -> Line:
    text, end = " ".join(word.text for word in words), max(word.end for word in words)
    return Line(words[0].start, end, text, speaker, tuple(words), place)


def _time(word: tuple[float, Word, bool]) -> float:
    return word[0]


def _middle(word: Word) -> float:
    return (word.start + word.end) / 2
