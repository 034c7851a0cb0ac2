"""MediaPipe face landmarker: blendshapes or landmarks, a row per frame and face.

Source: Lugaresi et al. 2019, arXiv:1906.08172 (MediaPipe); its guide, "Face landmark detection".

MediaPipe itself writes no files. Its results are expected as a table with their own names: the
``timestamp_ms`` of a frame, ``face``, the number of the face in the list of results, and a column
for each ``category_name`` of the blendshapes (``browDownLeft``, ...), or ``x_0, y_0, z_0, ...`` of
the landmarks. A frame without a face has empty cells, or no row.
"""

from __future__ import annotations

from typing import ClassVar

from emocli.plugin.format import Layout, Patterns, Unit

MODALITY = "visual"


class Config(Layout):
    """As `Layout`; ``columns=brow*`` are the blendshapes of the brows."""

    OWN: ClassVar[Patterns] = ("timestamp_ms", "brow*", "jaw*", "mouth*")

    time: Patterns = ("timestamp_ms",)
    seconds: Unit = 0.001
    frame: Patterns = ("frame",)
    face: Patterns = ("face", "face_id")
    confidence: Patterns = ("confidence",)
