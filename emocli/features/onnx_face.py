"""Outputs of a local ONNX file on the main face of each frame, such as HSEmotion's or py-feat's.

Source: ONNX, onnx.ai; the network is the user's own.

Frames without a face have no row: they are missing, not zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from emocli.features._main_faces import main_faces
from emocli.features._onnx import EXTRA as EXTRA
from emocli.features._onnx import LIBRARIES as LIBRARIES
from emocli.features._onnx import FacesConfig, OnnxModel, OnnxPictures
from emocli.plugin.feature import Clip, Track

MODALITY = "visual"
REQUIRES: tuple[str, ...] = ("faces",)
PER_CLIP = True

Config = FacesConfig


@dataclass(frozen=True)
class Extractor:
    """The file's outputs on a clip's faces."""

    config: FacesConfig
    pictures: OnnxPictures
    names: tuple[str, ...]
    rate: float | None = None

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return a row per main face with its time, shape (T, D)."""
        del clip
        faces = upstream["faces"]
        places, notes = main_faces(faces, self.config.min_confidence)
        values = np.zeros((0, len(self.names)), np.float32)
        if len(places):
            values = self.pictures([faces.values[place] for place in places])
        times = None if faces.times is None else faces.times[places]
        return Track(values, times, notes=notes)


def prepare(config: FacesConfig, clips: Sequence[Clip]) -> Extractor:
    """Load the file; errors as `OnnxPictures.names`."""
    del clips
    pictures = OnnxPictures(config, OnnxModel(config, "onnx_face"))
    return Extractor(config, pictures, pictures.names())
