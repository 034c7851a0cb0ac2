"""Annotations of ELAN (.eaf), whose tiers are speakers.

Tiers with times of their own are read, and below them those that are called words; the others
that hang on a tier (translations, glosses) are left out.

Source: H. Brugman and A. Russel 2004, Annotating multi-media resources with ELAN, LREC; the schema
EAF 3.0 of the Max Planck Institute for Psycholinguistics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from xml.parsers import expat

from emocli.errors import MediaError
from emocli.plugin.transcript import Line, Transcript
from emocli.prediction.segmentation.tiers import Tier, transcript

SUFFIXES = (".eaf",)
BESIDE = (".eaf",)
HAS_TIERS = True

MILLISECONDS = 1000.0
MOST_DEPTH = 32
"""Elements inside one another; ELAN's files have six."""


@dataclass
class _Tier:
    name: str
    participant: str
    parent: str
    annotations: list[_Annotation] = field(default_factory=list)


@dataclass
class _Annotation:
    first: str
    last: str
    row: int
    text: str = ""


@dataclass
class _Document:
    slots: dict[str, float | None] = field(default_factory=dict)
    tiers: list[_Tier] = field(default_factory=list)


def read(text: str, path: Path, tiers: Sequence[str] = ()) -> Transcript:
    """Read annotations; a time that is not set is put evenly between those around it."""
    document = _parse(text, path)
    held = [
        Tier(tier.name, tuple(_lines(tier, document.slots, path)), tier.participant)
        for tier in document.tiers
    ]
    parents = {tier.name: tier.parent for tier in document.tiers}
    used = [
        tier
        for tier in held
        if tier.name in tiers or not parents[tier.name] or tier.role == "words"
    ]
    return transcript(_with_speakers(used, held, parents), tiers, path)


def _with_speakers(
    used: Sequence[Tier], held: Sequence[Tier], parents: Mapping[str, str]
) -> list[Tier]:
    """Give a tier without participant that of the tier it hangs on."""
    speakers = {tier.name: tier.speaker for tier in held}
    return [Tier(t.name, t.lines, t.participant or speakers.get(parents[t.name], "")) for t in used]


def _lines(tier: _Tier, slots: Mapping[str, float | None], path: Path) -> Iterator[Line]:
    places = [f"{path}, row {each.row}" for each in tier.annotations]
    for each, place in zip(tier.annotations, places, strict=True):
        for slot in (each.first, each.last):
            if slot not in slots:
                raise MediaError(f"there is no time slot '{slot[:40]}'", where=place)
    times = _times(tier.annotations, slots)
    for each, place, (start, end) in zip(tier.annotations, places, times, strict=True):
        text = " ".join(each.text.split())
        if text and start is not None and end is not None:
            yield Line(start, end, text, place=place)


def _times(
    annotations: Sequence[_Annotation], slots: Mapping[str, float | None]
) -> list[tuple[float | None, float | None]]:
    """Return the times of a tier's annotations, those that are not set evenly between others."""
    chain = list(dict.fromkeys(s for each in annotations for s in (each.first, each.last)))
    known = [k for k, slot in enumerate(chain) if slots[slot] is not None]
    times = {slot: slots[slot] for slot in chain}
    for before, after in pairwise(known):
        start, end = slots[chain[before]] or 0.0, slots[chain[after]] or 0.0
        for k in range(before + 1, after):
            times[chain[k]] = start + (end - start) * (k - before) / (after - before)
    return [(times[each.first], times[each.last]) for each in annotations]


def _parse(text: str, path: Path) -> _Document:
    """Read the XML; a document type, which could define entities, is refused."""
    parser = expat.ParserCreate()
    reader = _Reader(parser, path)
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError as fault:
        what = f"is not valid XML ({expat.errors.messages[fault.code]})"
        raise MediaError(what, where=f"{path}, row {fault.lineno}") from None
    if not reader.is_elan:
        raise MediaError("is no file of ELAN", where=path, hint="its root is ANNOTATION_DOCUMENT")
    return reader.document


class _Reader:
    """The handlers that the parser calls."""

    def __init__(self, parser: expat.XMLParserType, path: Path) -> None:
        self.document = _Document()
        self.is_elan = False
        self._parser, self._path = parser, path
        self._depth = 0
        self._value: list[str] | None = None

    def doctype(self, *_: object) -> None:
        raise self._fault("has a document type, which no file of ELAN has")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise self._fault(f"elements are nested deeper than {MOST_DEPTH}")
        self.is_elan |= self._depth == 1 and name == "ANNOTATION_DOCUMENT"
        match name:
            case "HEADER":
                self._header(attributes)
            case "MEDIA_DESCRIPTOR":
                self._origin(attributes)
            case "TIME_SLOT":
                self._slot(attributes)
            case "TIER":
                self._tier(attributes)
            case "ALIGNABLE_ANNOTATION" if self.document.tiers:
                self._annotation(attributes)
            case "REF_ANNOTATION":
                self._value = None

    def end(self, name: str) -> None:
        self._depth -= 1
        if name == "ALIGNABLE_ANNOTATION" and self._value is not None and self.document.tiers:
            self.document.tiers[-1].annotations[-1].text = "".join(self._value)
            self._value = None

    def characters(self, data: str) -> None:
        if self._value is not None:
            self._value.append(data)

    def _header(self, attributes: Mapping[str, str]) -> None:
        units = attributes.get("TIME_UNITS", "milliseconds")
        if units != "milliseconds":
            raise self._fault(f"counts time in '{units[:40]}'", "milliseconds can be read")

    def _origin(self, attributes: Mapping[str, str]) -> None:
        origin = attributes.get("TIME_ORIGIN", "0")
        if origin.strip() not in ("", "0"):
            hint = "set the offset to 0 in ELAN's synchronisation mode, or cut the recording"
            raise self._fault(f"its media begin at an offset of {origin[:40]} ms", hint)

    def _tier(self, attributes: Mapping[str, str]) -> None:
        name, participant = attributes.get("TIER_ID", ""), attributes.get("PARTICIPANT", "")
        self.document.tiers.append(_Tier(name, participant, attributes.get("PARENT_REF", "")))

    def _annotation(self, attributes: Mapping[str, str]) -> None:
        first, last = (attributes.get(f"TIME_SLOT_REF{k}", "") for k in (1, 2))
        annotation = _Annotation(first, last, self._parser.CurrentLineNumber)
        self.document.tiers[-1].annotations.append(annotation)
        self._value = []

    def _slot(self, attributes: Mapping[str, str]) -> None:
        value = attributes.get("TIME_VALUE")
        if value is not None and not (value.isascii() and value.isdigit() and len(value) < 13):
            raise self._fault(f"'{value[:40]}' is no time in milliseconds")
        slot = attributes.get("TIME_SLOT_ID", "")
        self.document.slots[slot] = None if value is None else int(value) / MILLISECONDS

    def _fault(self, what: str, hint: str = "") -> MediaError:
        where = f"{self._path}, row {self._parser.CurrentLineNumber}"
        return MediaError(what, where=where, hint=hint)
