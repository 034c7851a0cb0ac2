"""Whole recordings, a segment each."""

from __future__ import annotations

from emocli.config import Settings
from emocli.plugin.segmentation import Recording
from emocli.plugin.transcript import Line, Transcript


class Config(Settings):
    """Nothing to set."""


def cut(source: Recording, config: Config) -> Transcript:
    """Return the whole recording."""
    return Transcript((Line(0.0, source.length.seconds),))
