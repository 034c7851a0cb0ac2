"""The image pyramid of the cascade: an image at falling sizes, by exact area averages."""

from __future__ import annotations

import math

import cv2
import torch
from torch import Tensor
from torch.nn import functional

CELL = 12
"""Side of the patch that the proposal network looks at."""


class Shares:
    """Shrink the first axis of a matrix: a row of the result is the mean of the rows it covers.

    Row ``k`` of ``size`` covers the interval from ``k * old / size`` to ``(k + 1) * old / size``;
    a row that the interval cuts counts by the part inside (TensorFlow's area interpolation, in
    float32 as there). Sums of weighted rows are bags of an embedding: at this they are faster than
    the resizing functions, and the same on every device.
    """

    def __init__(self, old: int, size: int, device: torch.device) -> None:
        edge = torch.arange(size + 1.0) * (old / size)
        begin, end = edge[:-1, None], edge[1:, None]
        row = begin.floor() + torch.arange(math.ceil(old / size) + 1.0)
        inside = torch.minimum(end, row + 1) - torch.maximum(begin, row)
        self.rows = row.clamp(max=old - 1).long().to(device)
        self.weights = (inside.clamp(min=0) * (size / old)).to(device)

    def __call__(self, matrix: Tensor) -> Tensor:
        """Map (old, n) to (size, n)."""
        return functional.embedding_bag(
            self.rows, matrix, mode="sum", per_sample_weights=self.weights
        )


class Pyramid:
    """The sizes at which all faces are about 12 pixels high, for images of one size.

    Parameters
    ----------
    height, width : int
        Of the images.
    smallest : float
        Smallest face, in pixels: the first level shows it 12 pixels high.
    factor : float
        From a level's scale to the next one's; the last level is the last one that is not smaller
        than 12 pixels.
    """

    def __init__(
        self, height: int, width: int, smallest: float, factor: float, device: torch.device
    ) -> None:
        self.scales: list[float] = []
        self.levels: list[tuple[Shares, Shares]] = []
        scale = CELL / smallest
        while int(min(height, width) * scale) >= CELL:
            rows = Shares(height, int(height * scale), device)
            columns = Shares(width, int(width * scale), device)
            self.scales.append(scale)
            self.levels.append((rows, columns))
            scale *= factor

    def shrink(self, image: Tensor, level: int) -> Tensor:
        """Map (height, width, 3) to the level's size."""
        rows, columns = self.levels[level]
        height, width, colours = image.shape
        short = rows(image.reshape(height, -1)).view(-1, width, colours)
        small = columns(turned(short).view(width, -1)).view(-1, len(short), colours)
        return turned(small)


def turned(image: Tensor) -> Tensor:
    """Swap rows and columns of an image, shape (height, width, 3), in memory too."""
    if image.device.type == "cpu":  # OpenCV moves whole pixels, torch one number at a time
        return torch.from_numpy(cv2.transpose(image.numpy()))
    return image.transpose(0, 1).contiguous()
