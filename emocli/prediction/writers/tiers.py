"""Predictions as tiers of annotations, for ELAN and Praat: labels, confidence, words, trust.

Annotations of a tier must not overlap: where windows do, each ends where the next begins.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from emocli.prediction.timeline import SegmentPrediction

Interval = tuple[float, float, str]

STATES = ("distrusted", "missing", "regenerated")

TYPES = {
    ".mp4": "video/mp4", ".mov": "video/quicktime", ".avi": "video/x-msvideo",
    ".mpg": "video/mpeg", ".wav": "audio/x-wav", ".mp3": "audio/mpeg",
}  # fmt: skip


SCHEMA = {
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xsi:noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
}
"""What an ELAN file says it is; readers of it refuse one that does not."""

NO_XML = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""A character that XML 1.0 cannot hold."""

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
        "intensity": [(start, end, f"{s.values[s.label]:.3f}") for s, start, end in graded],
        "person": [(start, end, s.person) for s, start, end in spans if s.person],
        "speaker": [(start, end, s.speaker) for s, start, end in spans if s.speaker],
        "text": [(start, end, s.text) for s, start, end in spans if s.text],
        "words": list(_words(ordered)),
    }
    for state in STATES:
        told = ((start, end, _names(s, state)) for s, start, end in spans)
        by_name[state] = [each for each in told if each[2]]
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


def textgrid(segments: Sequence[SegmentPrediction]) -> str:
    """Return the text of a Praat TextGrid of one recording."""
    length = max(segment.end for segment in segments)
    by_name = tiers(segments)
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0"]
    lines += [f"xmax = {length:.6f}", "tiers? <exists>", f"size = {len(by_name)}", "item []:"]
    for number, (name, intervals) in enumerate(by_name.items(), start=1):
        filled = list(_without_gaps(intervals, length))
        lines += [f"    item [{number}]:", '        class = "IntervalTier"']
        lines += [f'        name = "{name}"', "        xmin = 0", f"        xmax = {length:.6f}"]
        lines.append(f"        intervals: size = {len(filled)}")
        for index, (start, end, text) in enumerate(filled, start=1):
            quoted = " ".join(text.replace('"', '""').split())
            lines += [f"        intervals [{index}]:", f"            xmin = {start:.6f}"]
            lines += [f"            xmax = {end:.6f}", f'            text = "{quoted}"']
    return "\n".join(lines) + "\n"


def _without_gaps(intervals: Sequence[Interval], length: float) -> Iterator[Interval]:
    """Fill a tier up: in Praat its intervals cover all of the recording."""
    last = 0.0
    for start, end, text in intervals:
        if start > last:
            yield last, start, ""
        yield start, end, text
        last = end
    if last < length:
        yield last, length, ""


def eaf(segments: Sequence[SegmentPrediction], folder: Path) -> str:
    """Return the text of an ELAN file of one recording, to which it refers from ``folder``."""
    by_name, media = tiers(segments), Path(segments[0].file)
    about = {"AUTHOR": "emocli", "DATE": "1970-01-01T00:00:00Z", "FORMAT": "3.0", "VERSION": "3.0"}
    root = Element("ANNOTATION_DOCUMENT", about | SCHEMA)
    header = SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    SubElement(header, "MEDIA_DESCRIPTOR", _descriptor(media, folder))
    order = SubElement(root, "TIME_ORDER")
    times = [_ms(t) for own in by_name.values() for start, end, _ in own for t in (start, end)]
    for slot in sorted(range(len(times)), key=lambda slot: times[slot]):
        name = {"TIME_SLOT_ID": f"ts{slot}", "TIME_VALUE": str(times[slot])}
        SubElement(order, "TIME_SLOT", name)
    number = 0
    for tier, intervals in by_name.items():
        element = SubElement(root, "TIER", {"LINGUISTIC_TYPE_REF": "default", "TIER_ID": tier})
        for _, _, text in intervals:
            slots = {f"TIME_SLOT_REF{k + 1}": f"ts{2 * number + k}" for k in (0, 1)}
            number += 1
            outer = SubElement(element, "ANNOTATION")
            inner = SubElement(
                outer, "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": f"a{number}"} | slots
            )
            SubElement(inner, "ANNOTATION_VALUE").text = _printable(text)
    kind = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": "default"}
    SubElement(root, "LINGUISTIC_TYPE", {**kind, "TIME_ALIGNABLE": "true"})
    ElementTree.indent(root)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return head + ElementTree.tostring(root, encoding="unicode") + "\n"


def _descriptor(media: Path, folder: Path) -> dict[str, str]:
    beside = Path(os.path.relpath(media.resolve(), folder.resolve())).as_posix()
    kind = TYPES.get(media.suffix.lower(), "video/*")
    return {
        "MEDIA_URL": media.resolve().as_uri(),
        "MIME_TYPE": kind,
        "RELATIVE_MEDIA_URL": beside if beside.startswith(".") else f"./{beside}",
    }


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _printable(text: str) -> str:
    """Return text without what XML cannot hold."""
    return NO_XML.sub("", text)
