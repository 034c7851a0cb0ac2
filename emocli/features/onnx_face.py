"""Outputs of a local ONNX file on the main face of each frame, such as HSEmotion's or py-feat's.

Source: ONNX, onnx.ai; the network is the user's own.

Frames without a face have no row: they are missing, not zeros.
"""

from __future__ import annotations

from collections.abc import Sequence

from emocli.features._onnx import OnnxModel
from emocli.features._onnx_pictures import FacesConfig, OnnxPictures
from emocli.features._picture_rows import MainFaces
from emocli.plugin.feature import Clip

LIBRARIES = ("onnxruntime", "opencv-python")
MODALITY = "visual"
REQUIRES: tuple[str, ...] = ("faces",)
PER_CLIP = True

Config = FacesConfig


def prepare(config: FacesConfig, clips: Sequence[Clip]) -> MainFaces:
    """Load the file; errors as `OnnxPictures.names`."""
    del clips
    pictures = OnnxPictures(config, OnnxModel(config, "onnx_face"))
    return MainFaces(pictures, pictures.names(), least=config.min_confidence)
