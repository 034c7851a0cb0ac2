"""Crops of faces: a map from the image to a square, and the pixels it brings there.

A map is a matrix of shape (2, 3) that turns (x, y, 1) of the image into x, y of the crop, in pixels
of both; crops are squares of ``size`` pixels a side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

TEMPLATE_SIZE = 112
TEMPLATE = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
"""Where eyes, nose and corners of the mouth belong in a crop of 112 x 112: the reference points of
face recognition (SphereFace, ArcFace)."""


def by_landmarks(landmarks: ArrayLike, size: int) -> Floats:
    """Map five landmarks, shape (5, 2), as near as possible to the template in a crop.

    The map turns, scales and moves only: in the complex plane it is ``z -> turn * z + shift``, and
    least squares has a closed form.
    """
    source = _complex(landmarks)
    target = _complex(TEMPLATE) * size / TEMPLATE_SIZE
    centred = source - source.mean()
    spread = np.vdot(centred, centred).real
    turn = np.vdot(centred, target - target.mean()) / max(spread, np.finfo(float).tiny)
    shift = target.mean() - turn * source.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def by_box(box: ArrayLike, size: int, margin: float) -> Floats:
    """Map the square around a box (x, y, width, height) to a crop, upright.

    ``margin`` is the room around the box, as a share of its longer side.
    """
    x, y, width, height = np.asarray(box, float)
    scale = size / (max(width, height) * (1 + 2 * margin))
    middle = np.array([x + width / 2, y + height / 2])
    shift = (size - 1) / 2 - scale * (middle - 1 / 2)  # a pixel's place is its centre
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])


def crop(image: NDArray[np.uint8], matrix: Floats, size: int) -> NDArray[np.uint8]:
    """Bring the pixels of an image (height, width, 3) to a crop, black where there is no image.

    Where the crop is coarser than the image, each of its pixels averages several, so that nothing
    smaller than a pixel is left to chance.
    """
    import cv2

    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    fine = int(np.clip(1 / max(scale, 1e-3), 1, 16))
    finer = np.array([[fine, 0, (fine - 1) / 2], [0, fine, (fine - 1) / 2], [0, 0, 1]])
    wide = (finer @ np.vstack([matrix, [0, 0, 1]]))[:2]
    large = cv2.warpAffine(image, wide, (size * fine, size * fine), flags=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(large, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def _complex(points: ArrayLike) -> NDArray[np.complex128]:
    x, y = np.asarray(points, float).T
    return np.asarray(x + 1j * y)
