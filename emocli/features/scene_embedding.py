"""Scene embedding: one vector per clip from some whole frames, the largest value over them.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet" (scene branch of the visual extractor).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from emocli.features._embedding import EmbeddingExtractor, FramesConfig
from emocli.plugin.feature import Clip, Track, chosen_frames

MODALITY = "visual"
PER_CLIP = True
ENCODER = "scene"
LIBRARIES = ("av", "opencv-python", "torch", "transformers")

Config = FramesConfig


class Extractor(EmbeddingExtractor[FramesConfig]):
    """The embedding of a clip's frames."""

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return one row, shape (1, dim)."""
        del upstream
        pictures = [frame.image for frame in chosen_frames(clip, self.config.chosen)]
        values = self.embedder(pictures).max(axis=0, keepdims=True)
        return Track(values, notes={"frames": len(pictures)})


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Load the encoder; errors as `Embedder`."""
    del clips
    return Extractor.load(config, "scene")
