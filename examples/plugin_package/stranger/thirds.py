"""Three segments of equal length.

Source: this example.
"""

from __future__ import annotations

from emocli.config import Settings
from emocli.plugin.segmentation import Line, Recording, Transcript


class Config(Settings):
    """Settings.

    Attributes
    ----------
    first : bool
        Whether the first one alone is wanted.
    """

    first: bool = False


def cut(source: Recording, config: Config) -> Transcript:
    """Cut a recording."""
    third = source.length.seconds / 3
    lines = tuple(Line(k * third, (k + 1) * third) for k in range(3))
    return Transcript(lines[:1] if config.first else lines)
