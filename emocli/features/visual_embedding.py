"""Visual embedding: scene and faces of a clip side by side, [scene; face].

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet" (dual network).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from emocli.config import Settings
from emocli.plugin.feature import Clip, Track

MODALITY = "visual"
REQUIRES: tuple[str, ...] = ("scene_embedding", "face_embedding")
PER_CLIP = True


class Config(Settings):
    """Nothing to set: the two parts have their own settings."""


@dataclass(frozen=True)
class Extractor:
    """The two embeddings of a clip side by side (Chudasama 2022 eq. 4)."""

    names: tuple[str, ...] = ()
    rate: float | None = None

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return one row, shape (1, scene dim + face dim)."""
        del clip
        scene, face = (upstream[name] for name in REQUIRES)
        both = np.hstack([scene.values, face.values])  # Chudasama 2022 eq. 4
        return Track(both, extra=face.extra)


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Make the extractor."""
    del config, clips
    return Extractor()
