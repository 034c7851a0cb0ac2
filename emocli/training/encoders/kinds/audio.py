"""Sound: the spectrograms of feature `mel`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emocli import plugins
from emocli.data.clip import Clip
from emocli.data.media.content import AUDIO, VIDEO
from emocli.data.store import open_feature
from emocli.models.encoder import PixelArray
from emocli.training.encoders.augment import AugmentConfig, Bands, warped
from emocli.training.encoders.picture_source import (
    CorpusInputs,
    DrawAugmented,
    Pictures,
    PictureSource,
)
from emocli.training.encoders.sounds import Sounds


class SoundSource(PictureSource):
    """Spectrograms, warped in time and with noise in them."""

    def of_clips(self, clips: Sequence[Clip], inputs: CorpusInputs) -> Pictures:
        """Take the spectrograms of the store."""
        feature = open_feature(inputs.store, self.feature, inputs.manifest)
        kept = tuple(clip for clip in clips if clip.id in feature and feature.length(clip.id))
        settings = dict(feature.header.settings)
        return Pictures(
            kept, lambda index, rng: feature[kept[index].id], feature.fingerprint, settings
        )

    def of_files(self, files: Sequence[Path]) -> Pictures:
        """Turn sound files into spectrograms with the settings the feature has by default."""
        module = plugins.load("features", self.feature)
        extractor = module.prepare(module.Config(), [])
        clips = tuple(Clip(path.stem, media={"audio": path}) for path in files)
        return Pictures(clips, lambda index, rng: extractor(clips[index], {}).values)

    def augmented(self, pictures: Pictures, augment: AugmentConfig) -> DrawAugmented:
        """Add the noise to the spectrograms, or to the recordings, which are read again."""
        bands = Bands.of(pictures.settings)

        def in_spectrogram(index: int, rng: np.random.Generator) -> PixelArray:
            return augment.sound(pictures.draw(index, rng), rng, bands)

        if augment.noise_in != "waveform" or not augment.noise:
            return in_spectrogram
        sounds = Sounds.of(pictures.clips, pictures.settings)

        def in_waveform(index: int, rng: np.random.Generator) -> PixelArray:
            clean = rng.random() >= augment.noise
            ratio = rng.uniform(*augment.snr_db)
            heard = pictures.draw(index, rng) if clean else sounds.noisy(index, ratio, rng)
            return warped(np.asarray(heard, np.float32), augment.warp, rng)

        return in_waveform


SOURCE = SoundSource("audio", 60, AUDIO | VIDEO, "mel")
