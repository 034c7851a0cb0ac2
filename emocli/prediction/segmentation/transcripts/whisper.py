"""JSON of Whisper and WhisperX, with the times of words and, where it has them, speakers.

Source: A. Radford et al. 2023, Robust Speech Recognition via Large-Scale Weak Supervision, ICML;
M. Bain et al. 2023, WhisperX: Time-Accurate Speech Transcription of Long-Form Audio, Interspeech.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from emocli.data.words import Word
from emocli.errors import MediaError
from emocli.parsing import Tree, parse_object
from emocli.plugin.transcript import Line, Transcript, by_start

SUFFIXES = (".json",)
BESIDE = (".json",)
HAS_TIERS = False


@dataclass(frozen=True)
class _Spoken:
    """A word, its times where it has them, and its speaker, empty where unknown."""

    text: str
    start: float | None
    end: float | None
    speaker: str


def read(text: str, path: Path, tiers: Sequence[str] = ()) -> Transcript:
    """Read a result; words without times (numbers, in WhisperX) go between their neighbours."""
    try:
        tree = parse_object(text)
    except ValueError as fault:
        raise MediaError(f"is not valid JSON ({fault})", where=path) from None
    segments = tree.get("segments")
    if not isinstance(segments, list):
        hint = "a result of Whisper has 'segments'"
        raise MediaError("is no result of Whisper", where=path, hint=hint)
    lines = [_line(each, f"{path}, segment {k}") for k, each in enumerate(segments)]
    language = tree.get("language")
    return Transcript(by_start(lines), language if isinstance(language, str) else "")


def _line(segment: object, place: str) -> Line:
    tree = _object(segment, place)
    start, end = _time(tree, "start", place), _time(tree, "end", place)
    if start is None or end is None:
        raise MediaError("has no start or no end", where=place)
    listed = tree.get("words", [])
    if not isinstance(listed, list):
        raise MediaError("its words are no list", where=place)
    spoken = [_spoken(each, place) for each in listed]
    votes = Counter(each.speaker for each in spoken if each.speaker).most_common(1)
    speaker = _text(tree, "speaker", place) or next((name for name, _ in votes), "")
    text = " ".join(_text(tree, "text", place).split())
    return Line(start, end, text, speaker, _timed(spoken, start, end), place)


def _spoken(word: object, place: str) -> _Spoken:
    tree = _object(word, place)
    text = (_text(tree, "word", place) or _text(tree, "text", place)).strip()
    start, end = _time(tree, "start", place), _time(tree, "end", place)
    if not text:
        raise MediaError("a word of it is empty", where=place)
    if start is not None and end is not None and end < start:
        raise MediaError(f"'{text[:40]}' ends at {end:g} s, before its start", where=place)
    return _Spoken(text, start, end, _text(tree, "speaker", place))


def _timed(spoken: Sequence[_Spoken], start: float, end: float) -> tuple[Word, ...]:
    """Give every word times: those without share the time between their neighbours evenly."""
    words: list[Word] = []
    groups = [list(g) for _, g in groupby(spoken, lambda w: None in (w.start, w.end))]
    for place, group in enumerate(groups):
        if None not in (group[0].start, group[0].end):
            words += [Word(w.text, w.start or 0.0, w.end or 0.0) for w in group]
            continue
        first = words[-1].end if words else start
        following = groups[place + 1][0].start if place + 1 < len(groups) else None
        last = max(first, end if following is None else following)
        step = (last - first) / len(group)
        words += [
            Word(w.text, first + k * step, first + (k + 1) * step) for k, w in enumerate(group)
        ]
    return tuple(words)


def _object(value: object, place: str) -> Tree:
    if not isinstance(value, Mapping):
        raise MediaError("is no object with start, end and text", where=place)
    return dict(value)


def _text(tree: Tree, key: str, place: str) -> str:
    value = tree.get(key) or ""
    if not isinstance(value, str):
        raise MediaError(f"its '{key}' is no text", where=place)
    return value


def _time(tree: Tree, key: str, place: str) -> float | None:
    value = tree.get(key)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf:
        return float(value)
    raise MediaError(f"its '{key}' is no time in a file", where=place)
