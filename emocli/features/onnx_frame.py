"""Outputs of a local ONNX file on whole frames.

Source: ONNX, onnx.ai; the network is the user's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from emocli.features._onnx import EXTRA as EXTRA
from emocli.features._onnx import LIBRARIES as LIBRARIES
from emocli.features._onnx import OnnxModel, OnnxPictures, OnnxPicturesConfig
from emocli.plugin.feature import Clip, Track, frames
from emocli.quantities import PicturesPerSecond

MODALITY = "visual"
REQUIRES: tuple[str, ...] = ()
PER_CLIP = True


class Config(OnnxPicturesConfig):
    """Settings: the file, and the frames it sees.

    Attributes
    ----------
    rate : float, optional
        Frames per second that are looked at; all if not given.
    """

    rate: PicturesPerSecond | None = None


@dataclass(frozen=True)
class Extractor:
    """The file's outputs on a clip's frames."""

    config: Config
    pictures: OnnxPictures
    names: tuple[str, ...]
    rate: float | None = None

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return a row per frame with its time, shape (T, D)."""
        del upstream
        shown = frames(clip, 1 / self.config.rate if self.config.rate else None)
        times, rows = [], []
        while some := list(islice(shown, self.config.batch)):  # no more are in memory
            times += [frame.time for frame in some]
            rows.append(self.pictures([frame.image for frame in some]))
        return Track(np.concatenate(rows), np.array(times), notes={"frames": len(times)})


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Load the file; errors as `OnnxPictures.names`."""
    del clips
    pictures = OnnxPictures(config, OnnxModel(config, "onnx_frame"))
    return Extractor(config, pictures, pictures.names())
