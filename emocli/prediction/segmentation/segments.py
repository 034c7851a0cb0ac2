"""Stretches of a recording, each of which becomes one prediction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from emocli.data.words import Word


@dataclass(frozen=True)
class Segment:
    """A stretch of a recording: its number there, its times in seconds, its words and speaker."""

    recording: Path
    index: int
    start: float
    end: float
    text: str = ""
    words: tuple[Word, ...] = ()
    speaker: str = ""
