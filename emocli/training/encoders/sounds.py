"""Sounds with noise in their waveform, as an encoder of sounds is shown them in training.

The recording is read again for every noisy spectrogram, which takes as long as to extract the
feature `mel` of the clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli import plugins
from emocli.config import Tree, build
from emocli.data.clip import Clip
from emocli.data.media.content import mixed_down
from emocli.errors import ConfigError
from emocli.models.encoder import PixelArray

WHERE = "augment.noise_in"
HINT = "choose --set augment.noise_in=spectrogram"


@dataclass(frozen=True)
class Sounds:
    """The recordings behind spectrograms.

    Attributes
    ----------
    clips : tuple of Clip
        One for each spectrogram.
    extractor : object
        Of the feature `mel`, with the settings of the spectrograms.
    """

    clips: tuple[Clip, ...]
    extractor: Any

    @classmethod
    def of(cls, clips: Sequence[Clip], settings: Tree) -> Sounds:
        """Find the recordings; ``settings`` are those of the spectrograms.

        Raises
        ------
        ConfigError
            If one is not there, or the spectrograms are not those of the feature `mel`.
        """
        module: ModuleType = plugins.load("features", "mel")
        try:
            config = build(module.Config, settings, "mel")
        except ConfigError as error:
            what = f"spectrograms that mel did not compute have no waveform ({error.what})"
            raise ConfigError(what, where=WHERE, hint=HINT) from None
        for clip in clips:
            recording = clip.media.get("audio") or clip.media.get("video")
            if recording is None or not recording.is_file():
                what = f"the recording of clip '{clip.id}' is not there, to add noise to it"
                raise ConfigError(what, where=WHERE, hint=HINT)
        return cls(tuple(clips), module.prepare(config, clips))

    def noisy(self, index: int, snr_db: float, rng: np.random.Generator) -> PixelArray:
        """Return the spectrogram of a clip with white noise of that ratio in its sound."""
        sound = mixed_down(self.clips[index], self.extractor.config.rate).samples
        spectrogram: PixelArray = self.extractor.spectrogram(with_noise(sound, snr_db, rng))
        return spectrogram


def with_noise(
    sound: NDArray[np.float32], snr_db: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Add white noise; the ratio is that of the mean powers over the whole sound."""
    power = float(np.square(sound, dtype=np.float64).mean()) if len(sound) else 0.0
    level = np.sqrt(power / 10 ** (snr_db / 10))
    return sound + np.float32(level) * rng.standard_normal(len(sound), np.float32)
