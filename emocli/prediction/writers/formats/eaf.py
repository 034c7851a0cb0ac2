"""Annotations of ELAN, with tiers of labels, confidence, words and trust.

Source: H. Brugman and A. Russel 2004, Annotating multi-media resources with ELAN, LREC; the schema
EAF 3.0 of the Max Planck Institute for Psycholinguistics.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from emocli.plugin.writer import SegmentPrediction
from emocli.prediction.writers.tiers import Interval, tiers

SUFFIX = ".eaf"

TYPES = {
    ".mp4": "video/mp4", ".mov": "video/quicktime", ".avi": "video/x-msvideo",
    ".mpg": "video/mpeg", ".wav": "audio/x-wav", ".mp3": "audio/mpeg",
}  # fmt: skip


def write(segments: Sequence[SegmentPrediction], folder: Path) -> str:
    """Return the text of the ELAN file of one recording, to which it refers from ``folder``."""
    by_name, media = tiers(segments), Path(segments[0].file)
    root = Element(
        "ANNOTATION_DOCUMENT",
        {"AUTHOR": "emocli", "DATE": "1970-01-01T00:00:00Z", "FORMAT": "3.0", "VERSION": "3.0"},
    )
    header = SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    SubElement(header, "MEDIA_DESCRIPTOR", _descriptor(media, folder))
    order = SubElement(root, "TIME_ORDER")
    slots = _slots(by_name)
    for time, name in slots.items():
        SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": name, "TIME_VALUE": str(time)})
    number = 0
    for tier, intervals in by_name.items():
        element = SubElement(root, "TIER", {"LINGUISTIC_TYPE_REF": "default", "TIER_ID": tier})
        for start, end, text in intervals:
            number += 1
            outer = SubElement(element, "ANNOTATION")
            place = {"ANNOTATION_ID": f"a{number}", "TIME_SLOT_REF1": slots[_ms(start)]}
            place["TIME_SLOT_REF2"] = slots[_ms(end)]
            inner = SubElement(outer, "ALIGNABLE_ANNOTATION", place)
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


def _slots(by_name: Mapping[str, Sequence[Interval]]) -> dict[int, str]:
    times = {
        _ms(t)
        for intervals in by_name.values()
        for start, end, _ in intervals
        for t in (start, end)
    }
    return {time: f"ts{number}" for number, time in enumerate(sorted(times), start=1)}


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _printable(text: str) -> str:
    """Return text without what XML cannot hold."""
    return "".join(c for c in text if c.isprintable() or c in "\t\n")
