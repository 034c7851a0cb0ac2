"""Appearance of a person: a small crop of head and shoulders, and its descriptor.

A look is the square around a face's box with `MARGIN` of its longer side on each side, brought to
`SIDE` pixels. Its description is a unit vector of three parts of equal weight: gradients of the
face, its colours, and those of everything in the look, hair and clothes among them. The similarity
of two looks is the cosine of their descriptions. No network was trained for it: it tells people of
one recording apart by what they wear and how they are lit as much as by their faces.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emocli.features.faces.boxes import Floats

Image = NDArray[np.uint8]

SIDE = 64
MARGIN = 0.6

FACE = slice(16, 48)
"""Rows and columns of a look that the face fills."""

CELL, BINS = 8, 8
"""Pixels of a cell of gradients, and directions in it."""

CLIP = 0.2
"""What a number of the gradients is limited to (L2-Hys, Dalal & Triggs 2005)."""

FACE_BANDS, LOOK_BANDS = 2, 3
"""Parts from top to bottom whose colours are counted by themselves."""

COARSE = 4
"""Pixels of a look, a side, that are one of `change`."""

NEUTRAL, TINT, TINTS = 88, 10, 8
"""CIE a and b in OpenCV's bytes (grey is 128): where their bins start, how wide they are, and how
many; what is beyond them goes into the outer ones."""


def look_at(image: Image, box: ArrayLike) -> Image:
    """Return the look of a face, shape (SIDE, SIDE, 3), by its box x1, y1, x2, y2.

    It is black where there is no image.
    """
    import cv2

    x1, y1, x2, y2 = np.asarray(box, float)
    half = max((0.5 + MARGIN) * max(x2 - x1, y2 - y1), 1.0)
    left, top = (round(middle - half) for middle in ((x1 + x2) / 2, (y1 + y2) / 2))
    side = max(round(2 * half), 2)
    inside = image[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    square = inside
    if inside.shape[:2] != (side, side):
        square = np.zeros((side, side, 3), np.uint8)
        y, x = max(-top, 0), max(-left, 0)
        square[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return np.asarray(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def described(look: Image) -> NDArray[np.float32]:
    """Return the description of a look, a unit vector."""
    import cv2

    lab = cv2.cvtColor(look, cv2.COLOR_RGB2LAB)
    around = slice(FACE.start - CELL // 2, FACE.stop + CELL // 2)
    parts = [
        _gradients(cv2.cvtColor(look[around, around], cv2.COLOR_RGB2GRAY)),
        _colours(lab[FACE, FACE], FACE_BANDS),
        _colours(lab, LOOK_BANDS),
    ]
    return np.concatenate(parts).astype(np.float32) / np.float32(np.sqrt(len(parts)))


def change(first: Image, second: Image) -> float:
    """Return how far the faces of two looks are apart, the mean of coarse pixels in grey levels."""
    return float(np.abs(_coarse(first) - _coarse(second)).mean())


def _coarse(look: Image) -> Floats:
    side = (FACE.stop - FACE.start) // COARSE
    return np.asarray(look[FACE, FACE].reshape(side, COARSE, side, COARSE, 3).mean(axis=(1, 3)))


def _gradients(grey: NDArray[Any]) -> Floats:
    import cv2

    values = grey.astype(np.float32)
    across, down = (cv2.Sobel(values, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    strength, angle = cv2.cartToPolar(across, down)
    direction = (angle % np.pi / np.pi * BINS).astype(int) % BINS
    place = np.arange(len(grey)) // CELL
    cells = len(grey) // CELL
    bins = (place[:, None] * cells + place) * BINS + direction
    sums = np.bincount(bins.ravel(), strength.ravel(), cells * cells * BINS)
    return _unit(np.minimum(_unit(sums), CLIP))


def _colours(lab: NDArray[Any], bands: int) -> Floats:
    """Count colours in bands; the roots of their shares (Hellinger)."""
    counts = [
        np.bincount(_bins(part), minlength=8 * TINTS**2) for part in np.array_split(lab, bands)
    ]
    return _unit(np.sqrt(np.concatenate(counts)))


def _bins(lab: NDArray[Any]) -> NDArray[np.int64]:
    light, a, b = lab.reshape(-1, 3).astype(np.int64).T
    tints = [np.clip((each - NEUTRAL) // TINT, 0, TINTS - 1) for each in (a, b)]
    return np.asarray((light // 32 * TINTS + tints[0]) * TINTS + tints[1])


def _unit(vector: NDArray[Any]) -> Floats:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))
