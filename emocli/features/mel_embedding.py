"""Mel embedding: one vector per clip from its log-mel spectrogram, by a trained encoder.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet" (audio extractor).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emocli.features._embedding import Embedder, EmbeddingConfig
from emocli.plugin.feature import Absent, Clip, Track

MODALITY = "audio"
REQUIRES: tuple[str, ...] = ("mel",)
PER_CLIP = True
ENCODER = "audio"
LIBRARIES = ("torch", "transformers")

Config = EmbeddingConfig


@dataclass(frozen=True)
class Extractor:
    """The embedding of a clip's spectrogram."""

    embedder: Embedder
    names: tuple[str, ...]
    rate: float | None = None

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return one row, shape (1, dim)."""
        if not len(upstream["mel"]):
            raise Absent(f"{clip.id} has no sound")
        return Track(self.embedder([upstream["mel"].values]))


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Load the encoder; errors as `Embedder`."""
    del clips
    embedder = Embedder(config, "audio")
    return Extractor(embedder, embedder.names())
