"""Predictions as subtitles, SRT and WebVTT: the label stands in the line, before the text.

Windows overlap, and subtitles should not: each line is shown until the next one begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from emocli.prediction.timeline import SegmentPrediction
from emocli.prediction.writers.tiers import by_person

Cue = tuple[float, float, str]


def srt(segments: Sequence[SegmentPrediction]) -> str:
    """Return the text of an SRT file of one recording."""
    blocks = (
        f"{number}\n{_time(start, ',')} --> {_time(end, ',')}\n{text}\n"
        for number, (start, end, text) in enumerate(_lines(segments), start=1)
    )
    return "\n".join(blocks)


def vtt(segments: Sequence[SegmentPrediction]) -> str:
    """Return the text of a WebVTT file of one recording."""
    blocks = (
        f"{_time(start, '.')} --> {_time(end, '.')}\n{_escaped(text)}\n"
        for start, end, text in _lines(segments)
    )
    return "\n".join(["WEBVTT\n", *blocks])


def _lines(segments: Sequence[SegmentPrediction]) -> list[Cue]:
    """Return the lines by start; only those of different people overlap."""
    lines = [line for p, own in by_person(segments).items() for line in _of_person(p, own)]
    return sorted(lines, key=lambda line: line[0])


def _of_person(person: str, segments: Sequence[SegmentPrediction]) -> Iterator[Cue]:
    ordered = sorted(segments, key=lambda segment: segment.start)
    ends = [min(one.end, after.start) for one, after in pairwise(ordered)]
    ends += [each.end for each in ordered[-1:]]
    for segment, end in zip(ordered, ends, strict=True):
        if segment.label and end > segment.start:
            yield segment.start, end, _said(segment, person)


def _said(segment: SegmentPrediction, person: str) -> str:
    graded = segment.graded
    much = f"{segment.values[segment.label]:.2f}" if graded else f"{segment.confidence:.0%}"
    whose = f"person {person}: " if person else ""
    who = f"{segment.speaker}: " if segment.speaker else ""
    text = " ".join(segment.text.split())
    return f"[{whose}{segment.label} {much}] {who}{text}".rstrip()


def _time(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
