"""The three networks of the cascade, with their published weights.

Images lie in memory pixel by pixel ("channels last"): the convolutions are fastest so, but layers
that work on single numbers are not, where channels are few. Those are written here to run over
whole rows, which makes the proposal network nearly twice as fast.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from emocli.features.faces.weights import read_weights

L = TypeVar("L", nn.Conv2d, nn.Linear)
Arrays = Iterator[NDArray[Any]]


class Slope(nn.Module):
    """A PReLU over channels, row by row."""

    def __init__(self, slopes: Tensor) -> None:
        super().__init__()
        self.slopes = nn.Parameter(slopes)
        self._row = slopes

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c) or (n, c, h, w) to the same shape."""
        if x.ndim == 2:
            return functional.prelu(x, self.slopes)
        n, c, h, w = x.shape
        row = self._row  # several threads may come here, and each its own width
        if len(row) < w * c or row.device != x.device:
            row = self._row = self.slopes.repeat(w)
        rows = x.permute(0, 2, 3, 1).reshape(n * h, w * c)
        return functional.prelu(rows, row[: w * c]).view(n, h, w, c).permute(0, 3, 1, 2)


class Halve(nn.Module):
    """Max pooling of 2 x 2, by pairs of rows and then of columns; at an odd end, what is left."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c, h, w) to (n, c, ceil(h / 2), ceil(w / 2))."""
        return _larger(_larger(x.permute(0, 2, 3, 1), 1), 2).permute(0, 3, 1, 2)


def _larger(x: Tensor, axis: int) -> Tensor:
    size = x.shape[axis]
    first, second = (x[(slice(None),) * axis + (slice(start, None, 2),)] for start in (0, 1))
    larger = torch.maximum(first.narrow(axis, 0, size // 2), second)
    return torch.cat([larger, first.narrow(axis, size // 2, 1)], axis) if size % 2 else larger


class Flatten(nn.Module):
    """Flatten by column, row, channel, as the dense layers were trained."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c, h, w) to (n, w * h * c)."""
        return x.permute(0, 3, 2, 1).flatten(1)


class CascadeNetwork(nn.Module):
    """Layers, the last of which puts out offsets, landmarks (or none) and the two classes."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Look at images, shape (n, 3, h, w), RGB from -1 to 1, channels last.

        Returns
        -------
        face : Tensor, shape (n, ...)
            Probability of a face.
        offsets : Tensor, shape (n, 4, ...)
            What to add to x1, y1, x2, y2, in sides of the box.
        landmarks : Tensor, shape (n, 10 or 0, ...)
            Five x, then five y, from the upper left corner, in sides of the box.
        """
        y = self.layers(x)
        return y[:, -2:].softmax(dim=1)[:, 1], y[:, :4], y[:, 4:-2]


def proposal_network() -> CascadeNetwork:
    """P-Net: looks at the 12 x 12 pixels around every second pixel of an image of any size."""
    a = iter(read_weights("pnet"))
    layers = (
        *(convolution(a), slope(a), Halve()),
        *(convolution(a), slope(a)),
        *(convolution(a), slope(a)),
    )
    return CascadeNetwork(*layers, joined(convolution(a), convolution(a)))


def refinement_network() -> CascadeNetwork:
    """R-Net: looks at 24 x 24 pixels."""
    a = iter(read_weights("rnet"))
    layers = (
        *(convolution(a), slope(a), pool(padded=True)),
        *(convolution(a), slope(a), pool(padded=False)),
        *(convolution(a), slope(a), Flatten()),
        *(dense(a), slope(a)),
    )
    return CascadeNetwork(*layers, joined(dense(a), dense(a)))


def output_network() -> CascadeNetwork:
    """O-Net: looks at 48 x 48 pixels, and finds landmarks."""
    a = iter(read_weights("onet"))
    layers = (
        *(convolution(a), slope(a), pool(padded=True)),
        *(convolution(a), slope(a), pool(padded=False)),
        *(convolution(a), slope(a), Halve()),
        *(convolution(a), slope(a), Flatten()),
        *(dense(a), slope(a)),
    )
    return CascadeNetwork(*layers, joined(dense(a), dense(a), dense(a)))


def convolution(arrays: Arrays) -> nn.Conv2d:
    """Take the next kernel, stored as (h, w, in, out), and its bias."""
    kernel = torch.from_numpy(next(arrays)).permute(3, 2, 0, 1)
    layer = nn.Conv2d(kernel.shape[1], kernel.shape[0], (kernel.shape[2], kernel.shape[3]))
    return _filled(layer, kernel, next(arrays))


def dense(arrays: Arrays) -> nn.Linear:
    """Take the next matrix, stored as (in, out), and its bias."""
    matrix = torch.from_numpy(next(arrays)).T
    return _filled(nn.Linear(matrix.shape[1], matrix.shape[0]), matrix, next(arrays))


def slope(arrays: Arrays) -> Slope:
    """Take the next slopes."""
    return Slope(torch.from_numpy(next(arrays)).flatten())


def pool(*, padded: bool) -> nn.MaxPool2d:
    """Make a max pooling of 3 x 3 and stride 2.

    TensorFlow's "same" padding of an even side is one pixel at the end only, which is what
    ``ceil_mode`` comes to; its "valid" leaves that out.
    """
    return nn.MaxPool2d(3, 2, ceil_mode=padded)


def joined(*layers: L) -> L:
    """Make one layer of several that read the same input; their outputs follow each other."""
    layer = layers[0]
    layer.weight = nn.Parameter(torch.cat([each.weight for each in layers]))
    layer.bias = nn.Parameter(torch.cat([_bias(each) for each in layers]))
    return layer


def _filled(layer: L, weight: Tensor, bias: NDArray[Any]) -> L:
    layer.weight = nn.Parameter(weight.contiguous())
    layer.bias = nn.Parameter(torch.from_numpy(bias))
    return layer


def _bias(layer: nn.Conv2d | nn.Linear) -> Tensor:
    assert layer.bias is not None
    return layer.bias
