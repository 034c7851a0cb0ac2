"""OpenFace 2: action units, gaze, pose and landmarks of faces, a row per frame and face.

Source: Baltrusaitis, Zadeh, Lim & Morency 2018, FG (OpenFace 2.0); its wiki, "Output Format".
Licence: OpenFace is free for academic, non-commercial research; other use needs a licence of CMU.

``FeatureExtraction`` writes one row per frame, ``FaceLandmarkVidMulti`` one per face: ``frame,
face_id, timestamp, confidence, success, gaze_0_x, ..., AU01_r, ..., AU45_c``, with a blank after
each comma. Rows whose ``success`` is 0 hold zeros or what was left of an earlier frame: they are
missing.
"""

from __future__ import annotations

from typing import ClassVar

from emocli.plugin.format import FrameNumber, Layout, Patterns

MODALITY = "visual"


class Config(Layout):
    """As `Layout`; ``columns=AU*_r`` are the intensities of action units."""

    OWN: ClassVar[Patterns] = ("success", "au??_[rc]", "gaze_*", "pose_[rt]?")

    time: Patterns = ("timestamp",)
    frame: Patterns = ("frame",)
    first: FrameNumber = 1
    face: Patterns = ("face_id", "face")
    confidence: Patterns = ("confidence",)
    success: Patterns = ("success",)
