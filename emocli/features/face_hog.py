"""Face HOG: gradients and landmarks of the main face of each frame; no training needed.

Source: Dalal & Triggs 2005, CVPR (histograms of oriented gradients); landmark geometry emocli.

A row is a frame. The first columns are the histograms of the aligned crop in grey; then come the
`GEOMETRY` of the landmarks, the detector's ``confidence`` and ``found``. A frame without a face is
a row of zeros, ``found`` among them, so that rows stay as regular in time as the frames.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from emocli.config import Settings
from emocli.errors import ConfigError
from emocli.plugin.feature import Clip, Track
from emocli.quantities import Side

MODALITY = "visual"
REQUIRES: tuple[str, ...] = ("faces",)
PER_CLIP = True
LIBRARIES = ("opencv-python", "scikit-image")

WIDEST = 100_000
"""Numbers in the histograms of a crop, at most."""

RECENT = 1024
"""Crops whose histograms are kept for the next clip."""

GEOMETRY = (
    "roll",
    "nose_x",
    "nose_y",
    "mouth_left_x",
    "mouth_left_y",
    "mouth_right_x",
    "mouth_right_y",
    "mouth_width",
    "mouth_below_nose",
    "eyes_in_box_x",
    "eyes_in_box_y",
    "eye_distance_in_box",
    "box_aspect",
)
"""See `geometry`."""


class Config(Settings):
    """The histograms.

    Attributes
    ----------
    side : int
        The crop is brought to this many pixels a side.
    cell : int
        Side of a cell, which has a histogram, in pixels.
    block : int, optional
        Side of a block in cells; a block's histograms are normalised together, and blocks overlap.
        If not given the whole crop is one block, which evens out light and contrast but keeps how
        strong gradients are in one part of the face against another.
    orientations : int
        Bins of the gradient's direction over 180 degrees.
    """

    side: Side = 112
    cell: Annotated[int, Field(ge=2, le=2048)] = 16
    block: Annotated[int, Field(ge=1, le=1024)] | None = None
    orientations: Annotated[int, Field(ge=2, le=180)] = 8

    @property
    def cells(self) -> int:
        """Cells along a side."""
        return self.side // self.cell

    @property
    def width(self) -> int:
        """Numbers in the histograms of a crop."""
        block = self.block or self.cells
        return (self.cells - block + 1) ** 2 * block**2 * self.orientations


@dataclass(frozen=True)
class Extractor:
    """The description of the main face of each frame."""

    config: Config
    names: tuple[str, ...]
    rate: float | None = None  # frames of different clips may have different rates
    _recent: dict[bytes, NDArray[np.float64]] = field(default_factory=dict, compare=False)

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return a row per frame, shape (frames, columns)."""
        del clip
        faces = upstream["faces"]
        frames, first = np.unique(faces.extra["frame"], return_index=True)
        values = np.zeros((len(frames), len(self.names)), np.float32)
        for face in np.flatnonzero(faces.extra["main"]):
            row = np.searchsorted(frames, faces.extra["frame"][face])
            values[row] = self._describe(faces, int(face))
        times = None if faces.times is None else faces.times[first]
        notes = {"frames": len(frames), "frames.without_face": int((values[:, -1] == 0).sum())}
        return Track(values, times, notes=notes)

    def _describe(self, faces: Track, face: int) -> NDArray[np.float64]:
        landmarks, box = faces.extra["landmarks"][face], faces.extra["box"][face]
        histograms = self._once(faces.values[face])
        flags = [faces.extra["confidence"][face], 1]
        return np.concatenate([histograms, geometry(landmarks, box), flags])

    def _once(self, crop: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the histograms of a crop, which clips that overlap have in common."""
        key = hashlib.blake2b(crop.tobytes(), digest_size=16).digest()
        if key not in self._recent:
            while len(self._recent) >= RECENT:
                del self._recent[next(iter(self._recent))]
            self._recent[key] = self.histograms(crop)
        return self._recent[key]

    def histograms(self, crop: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the histograms of a crop, shape (h, w, 3), as one vector."""
        import cv2
        from skimage.feature import hog

        config = self.config
        grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
        if grey.shape != (config.side, config.side):
            grey = cv2.resize(grey, (config.side, config.side), interpolation=cv2.INTER_AREA)
        block = config.block or config.cells
        vector: NDArray[np.float64] = hog(
            grey,
            orientations=config.orientations,
            pixels_per_cell=(config.cell, config.cell),
            cells_per_block=(block, block),
            block_norm="L2-Hys",
        )
        return vector


def geometry(landmarks: NDArray[np.floating], box: NDArray[np.floating]) -> NDArray[np.float64]:
    """Measure where the landmarks of a face lie.

    Parameters
    ----------
    landmarks : ndarray, shape (5, 2)
        x, y of the left and right eye, the nose, the left and right corner of the mouth, in pixels.
    box : ndarray, shape (4,)
        x, y, width, height of the face.

    Returns
    -------
    ndarray, shape (13,)
        In the order of `GEOMETRY`. ``roll`` is the angle of the line through the eyes, in radians,
        positive where the right one is lower. ``nose``, ``mouth_left`` and ``mouth_right`` are
        seen from the middle between the eyes, x along their line and y down the face, in distances
        of the eyes; so are ``mouth_width`` and ``mouth_below_nose``. ``eyes_in_box`` is that
        middle, from the upper left corner, in sides of the box, ``eye_distance_in_box`` in its
        widths, and ``box_aspect`` width by height.
    """
    points = landmarks[:, 0] + 1j * landmarks[:, 1]
    across, middle = points[1] - points[0], (points[0] + points[1]) / 2
    distance = max(abs(across), 1e-3)
    nose, left, right = (points[2:] - middle) * np.conj(across) / distance**2
    x, y, width, height = box
    measures = {
        "roll": np.angle(across),
        "nose_x": nose.real,
        "nose_y": nose.imag,
        "mouth_left_x": left.real,
        "mouth_left_y": left.imag,
        "mouth_right_x": right.real,
        "mouth_right_y": right.imag,
        "mouth_width": abs(right - left),
        "mouth_below_nose": ((left + right) / 2 - nose).imag,
        "eyes_in_box_x": (middle.real - x) / max(width, 1),
        "eyes_in_box_y": (middle.imag - y) / max(height, 1),
        "eye_distance_in_box": distance / max(width, 1),
        "box_aspect": width / max(height, 1),
    }
    return np.array([measures[name] for name in GEOMETRY], float)


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Check the settings against each other and name the columns.

    Raises
    ------
    ConfigError
        If a crop has no cell, or fewer cells than a block.
    """
    del clips
    if not 0 < (config.block or 1) <= config.cells:
        raise ConfigError(
            f"a side of {config.side} pixels has {config.cells} cells of {config.cell}",
            where="face_hog",
            hint=f"at least {config.block or 1} are needed",
        )
    if config.width > WIDEST:
        raise ConfigError(
            f"a row of {config.width} numbers",
            where="face_hog",
            hint=f"at most {WIDEST} are sensible: choose larger cells, or a smaller side or block",
        )
    histograms = tuple(f"hog{number:03d}" for number in range(config.width))
    return Extractor(config, (*histograms, *GEOMETRY, "confidence", "found"))
