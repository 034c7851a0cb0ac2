"""Letters of each word, and how many of them are vowels.

Source: this example.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from emocli.config import Settings
from emocli.plugin.feature import Absent, Clip, Track

MODALITY = "text"
PER_CLIP = True


class Config(Settings):
    """What counts.

    Attributes
    ----------
    vowels : str
        The letters that are vowels.
    """

    vowels: str = "aeiou"


@dataclass(frozen=True)
class Extractor:
    """Counts the letters of a clip's words."""

    vowels: str
    names: tuple[str, ...] = ("letters", "vowels")
    rate: float | None = None

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return a row per word, shape (T, 2)."""
        words = clip.text.lower().split()
        if not words:
            raise Absent(f"{clip.id} has no text")
        counts = [(len(word), sum(letter in self.vowels for letter in word)) for word in words]
        return Track(np.array(counts, np.float32))


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Make the extractor."""
    return Extractor(config.vowels)
