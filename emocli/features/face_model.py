"""Hidden states of a published picture encoder (CLIP, DINOv2, ViT) on the main face of each frame.

Source: Dosovitskiy et al. 2021 (ViT); Radford et al. 2021 (CLIP); Oquab et al. 2024 (DINOv2).

Frames without a face have no row: they are missing, not zeros.
"""

from __future__ import annotations

from collections.abc import Sequence

from emocli.features._picture_rows import MainFaces
from emocli.features._pictures import PictureEncoder, PicturesConfig
from emocli.plugin.feature import Clip
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
        Faces with a lower confidence of the detector are left out.
    """

    min_confidence: Probability = 0.9


def prepare(config: Config, clips: Sequence[Clip]) -> MainFaces:
    """Load the encoder; errors as `PictureEncoder.names`."""
    del clips
    encoder = PictureEncoder(config, "face_model")
    return MainFaces(encoder, encoder.names(), least=config.min_confidence, stride=config.stride)
