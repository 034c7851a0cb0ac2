"""The rows of the feature ``faces``: crop, box, landmarks and flags of each face."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emocli.features.faces.align import by_box, by_landmarks, crop
from emocli.features.faces.boxes import Faces
from emocli.features.faces.settings import Config
from emocli.features.faces.tracks import NOBODY, Tracks
from emocli.plugin.feature import Frame, Track


@dataclass(frozen=True)
class Cut:
    """The cropping of faces: ``size`` pixels a side, by landmarks if ``aligned``.

    Else it is the square around the box, with a ``margin`` as a share of the box's longer side.
    """

    size: int
    aligned: bool
    margin: float

    @classmethod
    def of(cls, config: Config) -> Cut:
        """Return that of some settings."""
        return cls(config.size, config.align == "landmarks", config.margin)

    def __call__(
        self, image: NDArray[np.uint8], box: NDArray[np.float64], landmarks: NDArray[np.float64]
    ) -> NDArray[np.uint8]:
        """Return the crop of one face, shape (size, size, 3)."""
        if self.aligned:
            return crop(image, by_landmarks(landmarks, self.size), self.size)
        return crop(image, by_box(box, self.size, self.margin), self.size)

    def nothing(self) -> NDArray[np.uint8]:
        """Return the crop of a frame without a face."""
        return np.zeros((self.size, self.size, 3), np.uint8)


@dataclass(frozen=True)
class FaceRow:
    """A face, or a frame without one.

    Attributes
    ----------
    time, frame : float, int
        Seconds from the start of the clip, and the frame's index among those looked at.
    crop : ndarray, shape (size, size, 3)
        RGB.
    box : ndarray, shape (4,)
        x, y, width, height in pixels.
    landmarks : ndarray, shape (5, 2)
        x, y in pixels: eyes, nose, corners of the mouth; further left first in an upright face.
    confidence : float
        Probability that it is a face.
    has_face, main : bool
        Whether there is a face, and whether it is the frame's largest.
    track, track_score : int, float
        Number of the person, from 1, and how sure that is.
    notes : tuple of str
        Those of the frame.
    """

    time: float
    frame: int
    crop: NDArray[np.uint8]
    box: NDArray[np.float64]
    landmarks: NDArray[np.float64]
    confidence: float
    has_face: bool
    main: bool
    track: int = NOBODY
    track_score: float = 0.0
    notes: tuple[str, ...] = ()


def nobody(time: float, index: int, cut: Cut, notes: tuple[str, ...] = ()) -> FaceRow:
    """Make the row of a frame without a face."""
    nowhere = np.zeros(4), np.zeros((5, 2)), 0.0
    return FaceRow(time, index, cut.nothing(), *nowhere, has_face=False, main=False, notes=notes)


def rows_of(frame: Frame, index: int, faces: Faces, tracks: Tracks, cut: Cut) -> list[FaceRow]:
    """Make the rows of a frame: one per face, the surest first, or one that says there is none."""
    if not len(faces.boxes):
        return [nobody(frame.time, index, cut, frame.notes)]
    corners, sides = faces.boxes[:, :2], faces.boxes[:, 2:] - faces.boxes[:, :2]
    boxes = np.concatenate([corners, sides], axis=1)
    largest = sides.prod(axis=1).argmax()
    return [
        FaceRow(
            time=frame.time,
            frame=index,
            crop=cut(frame.image, box, landmarks),
            box=box,
            landmarks=landmarks,
            confidence=float(score),
            has_face=True,
            main=number == largest,
            track=int(tracks.numbers[number]),
            track_score=float(tracks.scores[number]),
            notes=frame.notes,
        )
        for number, (box, landmarks, score) in enumerate(
            zip(boxes, faces.landmarks, faces.scores, strict=True)
        )
    ]


def track_of(rows: Sequence[FaceRow]) -> Track:
    """Put the rows of a clip together: crops as values, the rest as extras."""
    boxes = np.array([row.box for row in rows], np.float32)
    extra = {
        "box": boxes,
        "landmarks": np.array([row.landmarks for row in rows], np.float32),
        "confidence": np.array([row.confidence for row in rows], np.float32),
        "area": boxes[:, 2] * boxes[:, 3],
        "frame": np.array([row.frame for row in rows], np.int64),
        "found": np.array([row.has_face for row in rows], bool),
        "main": np.array([row.main for row in rows], bool),
        "track": np.array([row.track for row in rows], np.int32),
        "track_score": np.array([row.track_score for row in rows], np.float32),
    }
    faces = sum(row.has_face for row in rows)
    notes = {
        "frames": rows[-1].frame + 1,
        "frames.without_face": len(rows) - faces,
        "faces": faces,
    }
    of_frames = {row.frame: row.notes for row in rows}
    notes |= Counter(f"frames.{name}" for names in of_frames.values() for name in names)
    times = np.array([row.time for row in rows])
    return Track(np.stack([row.crop for row in rows]), times, extra, notes)
