"""Faces: the pictures of feature `faces`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emocli.data.clip import Clip
from emocli.data.media.content import STILLS
from emocli.data.store import open_feature
from emocli.errors import StoreError
from emocli.models.encoder import PixelArray
from emocli.training.encoders.picture_source import CorpusInputs, Pictures
from emocli.training.encoders.stills import StillsSource


class FaceSource(StillsSource):
    """Main faces of clips, mirrored at random."""

    def of_clips(self, clips: Sequence[Clip], inputs: CorpusInputs) -> Pictures:
        """Draw a main face of each clip; the middle one of them without rng."""
        feature = open_feature(inputs.store, self.feature, inputs.manifest)
        if "extra/main" not in feature.columns:
            raise StoreError("holds no faces", where=feature.path, hint="emocli extract -f faces")

        def shown(clip: Clip) -> bool:
            there = clip.id in feature and feature.length(clip.id)
            return bool(there and feature.track(clip.id).extra["main"].any())

        kept = tuple(filter(shown, clips))

        def draw(index: int, rng: np.random.Generator | None) -> PixelArray:
            track = feature.track(kept[index].id)
            main = np.flatnonzero(track.extra["main"])
            row = main[len(main) // 2] if rng is None else rng.choice(main)
            picture: PixelArray = track.values[row]
            return picture

        return Pictures(kept, draw, feature.fingerprint, dict(feature.header.settings))


SOURCE = FaceSource("face", 100, STILLS, "faces")
