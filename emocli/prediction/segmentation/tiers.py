"""Tiers of annotations, as linguists' programs keep them, as the lines of a transcript.

A tier that is called ``words``, or whose name ends so (``Anna - words``), holds the words of a
speaker, one that ends in ``phones`` is left out, and any other holds lines. Its speaker is the
participant it names, or else its name, without such an ending; names that only say what is in it
(``utterances``, ``default``) are nobody's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emocli.data.words import Word
from emocli.errors import MediaError, choice
from emocli.plugin.transcript import Line, Transcript, by_start, joined, with_words

ROLE = re.compile(
    r"(?:^|.*?[\s_.:/()-])"
    r"(?P<role>words?|phone(?:me)?s?|utt(?:erance)?s?|sentences?|transcript(?:ion)?s?|text|speech"
    r"|default|orthography|ort)[\s)]*",
    re.IGNORECASE | re.DOTALL,
)
BETWEEN = " \t_.:/()-"
"""What stands between a speaker and what is in the tier."""


@dataclass(frozen=True)
class Tier:
    """A tier: its name, its participant if it has one, and its lines, which have texts."""

    name: str
    lines: tuple[Line, ...]
    participant: str = ""

    @property
    def role(self) -> str:
        """What is in it: ``words``, ``phones`` or ``lines``."""
        match = ROLE.fullmatch(self.name)
        kind = match["role"].lower() if match else ""
        return "words" if kind.startswith("word") else "phones" if kind[:5] == "phone" else "lines"

    @property
    def speaker(self) -> str:
        """Whose it is; empty where nothing tells."""
        match = ROLE.fullmatch(self.name)
        named = self.name[: match.start("role")].strip(BETWEEN) if match else self.name.strip()
        return self.participant.strip() or named


def transcript(tiers: Sequence[Tier], wanted: Sequence[str], path: Path) -> Transcript:
    """Make a transcript of tiers, of the wanted ones if any are named.

    Raises
    ------
    MediaError
        If a wanted one is not there, or none holds anything.
    """
    names = [tier.name for tier in tiers]
    for name in wanted:
        if name not in names:
            raise MediaError(f"has no tier '{name}'", where=path, hint=choice(name, names, 12))
    used = [tier for tier in tiers if not wanted or tier.name in wanted]
    if not any(tier.lines for tier in used):
        what = "has no annotation with times and a text"
        raise MediaError(what, where=path, hint=f"tiers: {', '.join(names) or 'none'}")
    speakers = dict.fromkeys(tier.speaker for tier in used if tier.role != "phones")
    lines = [line for speaker in speakers for line in _of_speaker(used, speaker)]
    phones = [tier.name for tier in used if tier.role == "phones"]
    notes = (f"tiers of phones left out: {', '.join(phones)}",) if phones else ()
    return Transcript(by_start(lines), notes=notes)


def _of_speaker(tiers: Sequence[Tier], speaker: str) -> list[Line]:
    own = [tier for tier in tiers if tier.speaker == speaker]
    words = [
        Word(line.text, line.start, line.end)
        for tier in own
        for line in tier.lines
        if tier.role == "words"
    ]
    lines = [line for tier in own if tier.role == "lines" for line in tier.lines]
    if not lines:
        place = next((line.place for tier in own for line in tier.lines), "")
        return joined(words, speaker, place)
    return [
        with_words(Line(line.start, line.end, line.text, speaker, place=line.place), words)
        for line in lines
    ]
