"""py-feat: action units, emotions, pose and landmarks, a row per frame and face.

Source: Cheong, Jolly, Xie, Byrne, Kenney & Chang 2023, Affective Science 4 (Py-Feat); docs of Fex.

``Detector`` saves ``FaceRectX, ..., FaceScore, x_0, ..., Pitch, Roll, Yaw, AU01, ..., anger, ...,
input, frame``. A frame without a face has empty cells: it is missing. There is no time but the
number of the frame, so give ``rate``, the frames per second of the video, where clips are cut out
of recordings or modalities are read step by step.
"""

from __future__ import annotations

from typing import ClassVar

from emocli.plugin.format import Layout, Patterns

MODALITY = "visual"


class Config(Layout):
    """As `Layout`; ``columns=AU*`` are the action units."""

    OWN: ClassVar[Patterns] = ("facescore", "facerect*", "input")

    without: Patterns = ("FaceRect*", "Frame*", "approx_time", "Identity*", "Unnamed*", "")
    file: Patterns = ("input",)
    frame: Patterns = ("frame",)
    face: Patterns = ("identity", "face_id")
    confidence: Patterns = ("facescore",)
