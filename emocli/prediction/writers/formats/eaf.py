"""Annotations of ELAN, with tiers of labels, confidence, words and trust.

Source: H. Brugman and A. Russel 2004, Annotating multi-media resources with ELAN, LREC; the schema
EAF 3.0 of the Max Planck Institute for Psycholinguistics.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from emocli.plugin.writer import SegmentPrediction
from emocli.prediction.writers.tiers import tiers

SUFFIX = ".eaf"

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


def write(segments: Sequence[SegmentPrediction], folder: Path) -> str:
    """Return the text of the ELAN file of one recording, to which it refers from ``folder``."""
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
    relative = Path(os.path.relpath(media.resolve(), folder.resolve())).as_posix()
    kind = TYPES.get(media.suffix.lower(), "video/*")
    return {
        "MEDIA_URL": media.resolve().as_uri(),
        "MIME_TYPE": kind,
        "RELATIVE_MEDIA_URL": relative if relative.startswith(".") else f"./{relative}",
    }


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _printable(text: str) -> str:
    """Return text without what XML cannot hold."""
    return NO_XML.sub("", text)
