"""Outputs of a local ONNX file on whole frames.

Source: ONNX, onnx.ai; the network is the user's own.
"""

from __future__ import annotations

from collections.abc import Sequence

from emocli.features._onnx import OnnxModel
from emocli.features._onnx_pictures import OnnxPictures, OnnxPicturesConfig
from emocli.features._whole_frames import WholeFrames
from emocli.plugin.feature import Clip
from emocli.quantities import PicturesPerSecond

LIBRARIES = ("av", "onnxruntime", "opencv-python")
MODALITY = "visual"
PER_CLIP = True


class Config(OnnxPicturesConfig):
    """Settings: the file, and the frames it sees.

    Attributes
    ----------
    rate : float, optional
        Frames per second that are looked at; all if not given.
    """

    rate: PicturesPerSecond | None = None


def prepare(config: Config, clips: Sequence[Clip]) -> WholeFrames:
    """Load the file; errors as `OnnxPictures.names`."""
    del clips
    pictures = OnnxPictures(config, OnnxModel(config, "onnx_frame"))
    step = 1 / config.rate if config.rate else None
    return WholeFrames(pictures, pictures.names(), step=step)
