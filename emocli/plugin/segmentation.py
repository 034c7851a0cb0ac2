"""Ways to cut recordings into segments: `emocli segment --way NAME`.

A module of kind ``ways`` offers

``Config``
    its settings;
``cut(source, config) -> Transcript``
    the stretches of a recording, at least one, as the lines of a `Transcript`: with their texts,
    words and speakers where the way itself knows them. What cannot be cut is a `MediaError`.

>>> def cut(source, config):
...     middle = source.length.seconds / 2
...     return Transcript((Line(0.0, middle), Line(middle, source.length.seconds)))
>>> [line.end for line in cut(Recording(Path("talk.wav"), Length(6.0, None)), None).lines]
[3.0, 6.0]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from emocli.config import Settings
from emocli.data.media.content import read_sound
from emocli.data.media.length import Length as Length
from emocli.errors import MediaError
from emocli.plugin.transcript import Line as Line
from emocli.plugin.transcript import Transcript as Transcript

RATE = 16_000
"""Samples per second of the sound in which speech is looked for."""

BLOCK = 60
"""Seconds of sound that are decoded at a time."""


@dataclass(frozen=True)
class Turn:
    """A stretch in which somebody speaks, in seconds; others may speak meanwhile."""

    start: float
    end: float
    speaker: str


@dataclass(frozen=True)
class Recording:
    """A recording.

    Attributes
    ----------
    path : Path
        The media file.
    length : Length
        How long it is.
    subtitles : Transcript, optional
        Its subtitles, as they were read.
    turns : tuple of Turn
        Who speaks when, where that is known.
    """

    path: Path
    length: Length
    subtitles: Transcript | None = None
    turns: tuple[Turn, ...] = ()

    def sound(self) -> Iterator[NDArray[np.float32]]:
        """Decode the sound at `RATE`, mixed down, block by block.

        Raises
        ------
        MediaError
            If it has none, or it cannot be decoded.
        """
        if self.length.sound is None:
            raise MediaError("has no sound to look for speech in", where=self.path)
        starts = range(0, max(int(self.length.sound), 1), BLOCK)
        for start in starts:
            last = start == starts[-1]
            yield read_sound(self.path, RATE, start or None, None if last else start + BLOCK)


class Way(Protocol):
    """The module of a way, as a type."""

    __name__: str
    Config: type[Settings]

    def cut(self, source: Recording, config: Any) -> Transcript:
        """Cut a recording; `MediaError` if that cannot be done."""
        ...
