"""Predictions as tiers of annotations: labels, confidence, words, trust.

Annotations of a tier must not overlap: where windows do, each ends where the next begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from emocli.plugin.writer import SegmentPrediction

Interval = tuple[float, float, str]

STATES = ("distrusted", "missing", "regenerated")

SAID = ("speaker", "text", "words")
"""Tiers of what is heard, which are the same for all people of a segment."""


def tiers(segments: Sequence[SegmentPrediction]) -> dict[str, list[Interval]]:
    """Return the tiers of one recording; one without annotations is left out.

    Where rows are of several people, each has tiers of their own.
    """
    people = by_person(segments)
    if len(people) == 1:
        return _tiers(segments)
    by_name: dict[str, list[Interval]] = {}
    for person, own in people.items():
        for name, intervals in _tiers(own).items():
            tier = name if name in SAID or not person else f"person {person} - {name}"
            by_name.setdefault(tier, intervals)
    return by_name


def by_person(segments: Sequence[SegmentPrediction]) -> dict[str, list[SegmentPrediction]]:
    """Put the segments of a recording apart by people, if some are of one stretch of it."""
    if len({segment.segment for segment in segments}) == len(segments):
        return {"": list(segments)}
    people: dict[str, list[SegmentPrediction]] = {}
    for segment in segments:
        people.setdefault(segment.person, []).append(segment)
    return people


def _tiers(segments: Sequence[SegmentPrediction]) -> dict[str, list[Interval]]:
    ordered = sorted(segments, key=lambda segment: segment.start)
    ends = [min(one.end, after.start) for one, after in pairwise(ordered)]
    ends += [each.end for each in ordered[-1:]]
    spans = [(s, s.start, end) for s, end in zip(ordered, ends, strict=True) if end > s.start]
    sure = [span for span in spans if span[0].label and not span[0].graded]
    graded = [span for span in spans if span[0].label and span[0].graded]
    by_name: dict[str, list[Interval]] = {
        "emotion": [(start, end, s.label) for s, start, end in spans if s.label],
        "confidence": [(start, end, f"{s.confidence:.3f}") for s, start, end in sure],
        "intensity": [(start, end, f"{s.degree:.3f}") for s, start, end in graded],
        "person": [(start, end, s.person) for s, start, end in spans if s.person],
        "speaker": [(start, end, s.speaker) for s, start, end in spans if s.speaker],
        "text": [(start, end, s.text) for s, start, end in spans if s.text],
        "words": list(_words(ordered)),
    }
    for state in STATES:
        intervals = ((start, end, _names(s, state)) for s, start, end in spans)
        by_name[state] = [each for each in intervals if each[2]]
    return {name: intervals for name, intervals in by_name.items() if intervals}


def _names(segment: SegmentPrediction, state: str) -> str:
    return " ".join(m for m, each in segment.modalities.items() if getattr(each, state))


def _words(segments: Sequence[SegmentPrediction]) -> Iterator[Interval]:
    words = {(w.start, w.end, w.text) for segment in segments for w in segment.words}
    last = 0.0
    for start, end, text in sorted(words):
        begin = max(start, last)
        if end > begin:
            yield begin, end, text
            last = end
