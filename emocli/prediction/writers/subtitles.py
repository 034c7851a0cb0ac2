"""Predictions as subtitles: the label stands in the line, before the text.

Windows overlap, and subtitles should not: each line is shown until the next one begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from emocli.plugin.writer import SegmentPrediction
from emocli.prediction.writers.tiers import by_person

Cue = tuple[float, float, str]


def cues(segments: Sequence[SegmentPrediction]) -> list[Cue]:
    """Return the lines of a recording by start; only those of different people overlap."""
    lines = [line for p, own in by_person(segments).items() for line in _of_person(p, own)]
    return sorted(lines, key=lambda line: line[0])


def _of_person(person: str, segments: Sequence[SegmentPrediction]) -> Iterator[Cue]:
    ordered = sorted(segments, key=lambda segment: segment.start)
    ends = [min(one.end, after.start) for one, after in pairwise(ordered)]
    ends += [each.end for each in ordered[-1:]]
    for segment, end in zip(ordered, ends, strict=True):
        if segment.label and end > segment.start:
            yield segment.start, end, _caption(segment, person)


def _caption(segment: SegmentPrediction, person: str) -> str:
    much = format(segment.degree, ".2f" if segment.graded else ".0%")
    whose = f"person {person}: " if person else ""
    who = f"{segment.speaker}: " if segment.speaker else ""
    text = " ".join(segment.text.split())
    return f"[{whose}{segment.label} {much}] {who}{text}".rstrip()


def clock(seconds: float, point: str) -> str:
    """Write a time with hours, minutes, seconds and, after the point, milliseconds."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"
