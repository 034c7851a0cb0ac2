"""Layers and whole networks against loops over single numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from emocli.features.faces import networks
from emocli.features.faces.weights import read_weights

Floats = NDArray[np.float64]


def pixelwise(array: Floats) -> torch.Tensor:
    """Images (n, h, w, c) as a network takes them: (n, c, h, w), channels last in memory."""
    return torch.from_numpy(array.astype(np.float32)).permute(0, 3, 1, 2)


def scalar_conv(x: Floats, kernel: NDArray[Any], bias: NDArray[Any]) -> Floats:
    size = kernel.shape[0]
    height, width = x.shape[0] - size + 1, x.shape[1] - size + 1
    y = np.empty((height, width, kernel.shape[3]))
    for i in range(height):
        for j in range(width):
            y[i, j] = np.einsum("abc,abcd->d", x[i : i + size, j : j + size], kernel) + bias
    return y


def scalar_slope(x: Floats, slopes: NDArray[Any]) -> Floats:
    return np.where(x > 0, x, x * slopes.reshape(-1))


def scalar_pool(x: Floats, size: int, same: bool) -> Floats:
    """Max pooling of stride 2 by TensorFlow's rule for the padding."""
    ends = []
    for side in x.shape[:2]:
        out = -(-side // 2) if same else (side - size) // 2 + 1
        padding = max((out - 1) * 2 + size - side, 0) if same else 0
        ends.append((out, padding // 2))
    (height, top), (width, left) = ends
    y = np.empty((height, width, x.shape[2]))
    for i in range(height):
        for j in range(width):
            rows = [r for r in range(i * 2 - top, i * 2 - top + size) if 0 <= r < x.shape[0]]
            columns = [c for c in range(j * 2 - left, j * 2 - left + size) if 0 <= c < x.shape[1]]
            y[i, j] = x[np.ix_(rows, columns)].max(axis=(0, 1))
    return y


def scalar_flatten(x: Floats) -> Floats:
    height, width, channels = x.shape
    order = [(i, j, c) for j in range(width) for i in range(height) for c in range(channels)]
    return np.array([x[index] for index in order])


def softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (2, 5, 7, 10), (3, 4, 2, 16)])
def test_slopes_hold_below_zero_by_channel(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    slopes = np.linspace(-0.5, 1.2, shape[-1])
    layer = networks.Slope(torch.from_numpy(slopes.astype(np.float32)))
    for image in (x, x[:, :1, :1]):  # a narrower one after a wider one
        y = layer(pixelwise(image)).permute(0, 2, 3, 1)
        np.testing.assert_allclose(y.detach(), scalar_slope(image, slopes), rtol=1e-6)
    flat = layer(torch.from_numpy(x[:, 0, 0].astype(np.float32))).detach()
    np.testing.assert_allclose(flat, scalar_slope(x[:, 0, 0], slopes), rtol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(4, 6), (5, 6), (4, 7), (5, 7), (1, 1), (2, 1)])
def test_halving_pools_and_keeps_an_odd_end(height: int, width: int) -> None:
    x = np.random.default_rng(0).normal(size=(2, height, width, 3))
    y = networks.Halve()(pixelwise(x)).permute(0, 2, 3, 1)
    np.testing.assert_allclose(y, [scalar_pool(image, 2, same=True) for image in x], rtol=1e-6)


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("side", [22, 46])
def test_pooling_pads_at_the_end(side: int, padded: bool) -> None:
    x = np.random.default_rng(0).normal(size=(1, side, side, 2))
    y = networks.pool(padded=padded)(pixelwise(x)).permute(0, 2, 3, 1)
    np.testing.assert_allclose(y[0], scalar_pool(x[0], 3, same=padded), rtol=1e-6)


def test_flattening_goes_by_column_then_row_then_channel() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    y = networks.Flatten()(pixelwise(x))
    np.testing.assert_allclose(y, [scalar_flatten(image) for image in x], rtol=1e-6)


def test_the_proposal_network() -> None:
    w = read_weights("pnet")
    x = np.random.default_rng(0).uniform(-1, 1, (17, 15, 3))
    y = scalar_pool(scalar_slope(scalar_conv(x, *w[0:2]), w[2]), 2, same=True)
    y = scalar_slope(scalar_conv(y, *w[3:5]), w[5])
    y = scalar_slope(scalar_conv(y, *w[6:8]), w[8])
    face, offsets, landmarks = networks.proposal_network().eval()(pixelwise(x[None]))
    assert face.shape == (1, 4, 3)
    assert landmarks.shape[1] == 0
    np.testing.assert_allclose(
        offsets[0].permute(1, 2, 0).detach(), scalar_conv(y, *w[9:11]), atol=1e-5
    )
    np.testing.assert_allclose(
        face[0].detach(), softmax(scalar_conv(y, *w[11:13]))[..., 1], atol=1e-5
    )


def test_the_refinement_network() -> None:
    w = read_weights("rnet")
    x = np.random.default_rng(0).uniform(-1, 1, (24, 24, 3))
    y = scalar_pool(scalar_slope(scalar_conv(x, *w[0:2]), w[2]), 3, same=True)
    y = scalar_pool(scalar_slope(scalar_conv(y, *w[3:5]), w[5]), 3, same=False)
    y = scalar_flatten(scalar_slope(scalar_conv(y, *w[6:8]), w[8]))
    y = scalar_slope(y @ w[9] + w[10], w[11])
    face, offsets, landmarks = networks.refinement_network().eval()(pixelwise(x[None]))
    assert landmarks.shape == (1, 0)
    np.testing.assert_allclose(offsets[0].detach(), y @ w[12] + w[13], atol=1e-5)
    np.testing.assert_allclose(face[0].detach(), softmax(y @ w[14] + w[15])[1], atol=1e-5)


def test_the_output_network() -> None:
    w = read_weights("onet")
    x = np.random.default_rng(0).uniform(-1, 1, (48, 48, 3))
    y = scalar_pool(scalar_slope(scalar_conv(x, *w[0:2]), w[2]), 3, same=True)
    y = scalar_pool(scalar_slope(scalar_conv(y, *w[3:5]), w[5]), 3, same=False)
    y = scalar_pool(scalar_slope(scalar_conv(y, *w[6:8]), w[8]), 2, same=True)
    y = scalar_flatten(scalar_slope(scalar_conv(y, *w[9:11]), w[11]))
    y = scalar_slope(y @ w[12] + w[13], w[14])
    face, offsets, landmarks = networks.output_network().eval()(pixelwise(x[None]))
    np.testing.assert_allclose(offsets[0].detach(), y @ w[15] + w[16], atol=1e-5)
    np.testing.assert_allclose(landmarks[0].detach(), y @ w[17] + w[18], atol=1e-5)
    np.testing.assert_allclose(face[0].detach(), softmax(y @ w[19] + w[20])[1], atol=1e-5)
