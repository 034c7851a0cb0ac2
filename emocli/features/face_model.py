"""Hidden states of a published picture encoder (CLIP, DINOv2, ViT) on the main face of each frame.

Source: Dosovitskiy et al. 2021 (ViT); Radford et al. 2021 (CLIP); Oquab et al. 2024 (DINOv2).

Frames without a face have no row: they are missing, not zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from emocli.features._main_faces import main_faces
from emocli.features._pictures import PictureEncoder, PicturesConfig
from emocli.plugin.feature import Clip, Track
from emocli.quantities import Probability

MODALITY = "visual"
REQUIRES: tuple[str, ...] = ("faces",)
PER_CLIP = True
HUB = ("encoder",)
LIBRARIES = ("pillow", "torch", "transformers")


class Config(PicturesConfig):
    """Settings: the encoder, and the faces it sees.

    Attributes
    ----------
    min_confidence : float
        Faces the detector is less sure of are left out.
    """

    min_confidence: Probability = 0.9


@dataclass(frozen=True)
class Extractor:
    """The encoder's view of a clip's faces."""

    config: Config
    encoder: PictureEncoder
    names: tuple[str, ...]
    rate: float | None = None

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return a row per main face with its time, shape (T, D), or one of the whole clip."""
        del clip
        faces = upstream["faces"]
        places, notes = main_faces(faces, self.config.min_confidence, self.config.stride)
        rows = np.zeros((0, len(self.names)), np.float32)
        if len(places):
            rows = self.encoder([faces.values[place] for place in places])
        times = np.zeros(len(faces)) if faces.times is None else faces.times
        return self.encoder.track(rows, times[places], notes)


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Load the encoder; errors as `PictureEncoder.names`."""
    del clips
    encoder = PictureEncoder(config, "face_model")
    return Extractor(config, encoder, encoder.names())
