"""Hidden states of a published picture encoder (CLIP, DINOv2, ViT) on whole frames.

Source: Dosovitskiy et al. 2021 (ViT); Radford et al. 2021 (CLIP); Oquab et al. 2024 (DINOv2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from emocli.features._pictures import PictureEncoder, PicturesConfig
from emocli.plugin.feature import Clip, Track, frames

MODALITY = "visual"
REQUIRES: tuple[str, ...] = ()
PER_CLIP = True
HUB = ("encoder",)
LIBRARIES = ("av", "pillow", "torch", "transformers")

Config = PicturesConfig


@dataclass(frozen=True)
class Extractor:
    """The encoder's view of a clip's frames."""

    config: PicturesConfig
    encoder: PictureEncoder
    names: tuple[str, ...]
    rate: float | None = None

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return a row per frame with its time, shape (T, D), or one of the whole clip."""
        del upstream
        looked_at = islice(frames(clip), 0, None, self.config.stride)
        times, rows = [], []
        while some := list(islice(looked_at, self.config.batch)):  # no more are in memory
            times += [frame.time for frame in some]
            rows.append(self.encoder([frame.image for frame in some]))
        return self.encoder.track(np.concatenate(rows), np.array(times), {"frames": len(times)})


def prepare(config: PicturesConfig, clips: Sequence[Clip]) -> Extractor:
    """Load the encoder; errors as `PictureEncoder.names`."""
    del clips
    encoder = PictureEncoder(config, "scene_model")
    return Extractor(config, encoder, encoder.names())
