"""Mel embedding: one vector per clip from its log-mel spectrogram, by a trained encoder.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet" (audio extractor).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from emocli.features._embedding import EmbeddingConfig, EmbeddingExtractor
from emocli.plugin.feature import Absent, Clip, Track

MODALITY = "audio"
REQUIRES: tuple[str, ...] = ("mel",)
PER_CLIP = True
ENCODER = "audio"
LIBRARIES = ("torch", "transformers")

Config = EmbeddingConfig


class Extractor(EmbeddingExtractor[EmbeddingConfig]):
    """The embedding of a clip's spectrogram (Chudasama 2022 eq. 3)."""

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return one row, shape (1, dim)."""
        if not len(upstream["mel"]):
            raise Absent(f"{clip.id} has no sound")
        return Track(self.embedder([upstream["mel"].values]))  # Chudasama 2022 eq. 3


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Load the encoder; errors as `Embedder`."""
    del clips
    return Extractor.load(config, "audio")
