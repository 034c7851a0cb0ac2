"""Hidden states of a published picture encoder (CLIP, DINOv2, ViT) on whole frames.

Source: Dosovitskiy et al. 2021 (ViT); Radford et al. 2021 (CLIP); Oquab et al. 2024 (DINOv2).
"""

from __future__ import annotations

from collections.abc import Sequence

from emocli.features._pictures import PictureEncoder, PicturesConfig
from emocli.features._whole_frames import WholeFrames
from emocli.plugin.feature import Clip

MODALITY = "visual"
PER_CLIP = True
HUB = ("encoder",)
LIBRARIES = ("av", "pillow", "torch", "transformers")

Config = PicturesConfig


def prepare(config: PicturesConfig, clips: Sequence[Clip]) -> WholeFrames:
    """Load the encoder; errors as `PictureEncoder.names`."""
    del clips
    encoder = PictureEncoder(config, "scene_model")
    return WholeFrames(encoder, encoder.names(), stride=config.stride)
