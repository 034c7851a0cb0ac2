"""The main faces of a clip: what features of one face per frame look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emocli.plugin.feature import Track


def main_faces(
    faces: Track, least: float, stride: int = 1
) -> tuple[NDArray[np.int64], dict[str, int]]:
    """Return the rows of the main faces the detector is sure of, and counts of frames.

    Parameters
    ----------
    faces : Track
        The feature ``faces``.
    least : float
        Faces the detector is less sure of are left out.
    stride : int
        Every so many frames are looked at.
    """
    looked_at = faces.extra["frame"] % stride == 0
    sure = faces.extra["main"] & (faces.extra["confidence"] >= least)
    places = np.flatnonzero(sure & looked_at)
    frames = len(np.unique(faces.extra["frame"][looked_at]))
    return places, {"frames": frames, "frames.without_face": frames - len(places)}
