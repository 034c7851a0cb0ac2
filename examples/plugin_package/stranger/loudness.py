"""Loudness of the sound: the root mean square of each stretch, 0 to 1.

Source: this example.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from emocli.config import Settings
from emocli.plugin.feature import Clip, Track, mixed_down

MODALITY = "audio"
PER_CLIP = True
LIBRARIES = ("av", "soxr")

RATE = 16_000
"""Samples per second that the sound is read with."""


class Config(Settings):
    """What is measured.

    Attributes
    ----------
    steps : int
        Stretches per second.
    """

    steps: int = Field(10, gt=0, le=RATE)


@dataclass(frozen=True)
class Extractor:
    """Measures the sound of a clip."""

    rate: float
    names: tuple[str, ...] = ("loudness",)

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return a row per stretch, shape (T, 1).

        Raises
        ------
        Absent, MediaError
            As `mixed_down`.
        """
        sound = mixed_down(clip, RATE)
        starts = np.arange(0, len(sound.samples), RATE / self.rate).astype(int)
        powers = [np.square(part).mean() for part in np.split(sound.samples, starts[1:])]
        return Track(np.sqrt(np.array(powers, np.float32))[:, None], notes=sound.notes())


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Make the extractor."""
    return Extractor(config.steps)
