"""Geometry of boxes: arrays of shape (n, 4) with columns x1, y1, x2, y2, in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Share = Literal["union", "smaller"]

BLOCK = 256
"""Boxes compared with all better ones at a time: bounds the memory of a frame full of proposals."""


@dataclass(frozen=True)
class Faces:
    """The faces of one image, the surest first.

    ``boxes``, shape (n, 4), are x1, y1, x2, y2 in pixels, inside the image; ``scores`` the
    probabilities of a face; ``landmarks``, shape (n, 5, 2), x, y in pixels of the eyes, the nose
    and the corners of the mouth, what is further left in an upright face first.
    """

    boxes: Floats
    scores: Floats
    landmarks: Floats


def area(boxes: Floats) -> Floats:
    """Area in square pixels, shape (n,)."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def overlap(first: Floats, second: Floats, of: Share = "union") -> Floats:
    """Intersection of every pair, as a share of their union or of the smaller one, shape (n, m)."""
    corner = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = (corner - np.maximum(first[:, None, :2], second[None, :, :2])).clip(0)
    common = sides[..., 0] * sides[..., 1]
    sizes = area(first)[:, None], area(second)[None, :]
    whole = sizes[0] + sizes[1] - common if of == "union" else np.minimum(*sizes)
    return np.asarray(common / np.maximum(whole, np.finfo(float).tiny))


def suppress(
    boxes: Floats, scores: NDArray[np.floating], most: float, of: Share = "union"
) -> NDArray[np.intp]:
    """Choose boxes that no better one overlaps; their indices, best first.

    A box falls to any better one that it shares more than ``most`` with, even to one that fell
    itself: the rule of the mtcnn package, stricter than the usual greedy one.
    """
    order = np.argsort(scores)[::-1]  # large faces get many a score of 1: ties as in the package
    ranked = boxes[order]
    falls = np.zeros(len(order), bool)
    for start in range(0, len(order), BLOCK):
        end = min(start + BLOCK, len(order))
        shares = overlap(ranked[start:end], ranked[:end], of) > most
        falls[start:end] = np.tril(shares, start - 1).any(axis=1)
    return order[~falls]


def adjust(boxes: Floats, offsets: NDArray[np.floating]) -> Floats:
    """Move the corners by offsets given in sides of the box, each counted one pixel longer."""
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    return boxes + offsets * np.tile(sides, 2)


def square(boxes: Floats) -> Floats:
    """Widen the shorter side about the centre until the box is square."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def place(boxes: Floats, points: Floats) -> Floats:
    """Turn points in sides of their boxes (n, 4) into pixels, shape (n, k, 2).

    ``points``, shape (n, 2 k), are k times x, then k times y, from the upper left corner; sides
    count one pixel more, and the corner one less.
    """
    pairs = points.reshape(len(points), 2, points.shape[1] // 2).transpose(0, 2, 1)
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    return np.asarray(pairs * sides[:, None] + boxes[:, None, :2] - 1)
