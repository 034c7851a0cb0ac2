"""What a way to cut recordings is given, and the ways there are.

A way is a file in `emocli.prediction.ways` that offers ``Config``, a `Settings`, and
``cut(source, config)``, which returns the stretches of a recording as the lines of a `Transcript`:
with their texts, words and speakers where the way itself knows them.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from emocli import plugins
from emocli.config import Settings
from emocli.data.media.content import read_sound
from emocli.data.media.length import Length
from emocli.errors import ConfigError, MediaError, choice
from emocli.prediction.speakers import Turn
from emocli.prediction.transcript import Transcript

WAYS = "emocli.prediction.ways"

RATE = 16_000
"""Samples per second of the sound in which speech is looked for."""

BLOCK = 60
"""Seconds of sound that are decoded at a time."""


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
    """The module of a way."""

    Config: type[Settings]

    def cut(self, source: Recording, config: Any) -> Transcript:
        """Cut a recording; `MediaError` if that cannot be done."""
        ...


def ways() -> list[str]:
    """Return the names of the ways."""
    return sorted(plugins.files(WAYS))


def way_named(name: str) -> Way:
    """Return a way.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    modules = plugins.files(WAYS)
    if name not in modules:
        raise ConfigError(f"no way is called '{name}'", where="--way", hint=choice(name, ways()))
    return cast(Way, importlib.import_module(modules[name]))
