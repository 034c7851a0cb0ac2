"""A mini-Xception with random parameters, in a file as Keras 2 wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

Layers = Mapping[str, Mapping[str, NDArray[np.float32]]]
WIDTHS = (16, 16, 32, 32, 64, 64, 128, 128)
NORMS = (8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64, 128, 128, 128)


def layers(seed: int = 0) -> Layers:
    """The arrays of every layer by their names in the file."""
    rng = np.random.default_rng(seed)

    def kernel(*shape: int) -> NDArray[np.float32]:
        return rng.normal(0, np.prod(shape[:3]) ** -0.5, shape).astype(np.float32)

    result = {"conv2d_1": {"kernel:0": kernel(3, 3, 1, 8)}}
    result["conv2d_2"] = {"kernel:0": kernel(3, 3, 8, 8)}
    for k, (inputs, outputs) in enumerate(((8, 16), (16, 32), (32, 64), (64, 128)), 3):
        result[f"conv2d_{k}"] = {"kernel:0": kernel(1, 1, inputs, outputs)}
    result["conv2d_7"] = {"kernel:0": kernel(3, 3, 128, 7), "bias:0": kernel(1, 1, 1, 7)[0, 0, 0]}
    for k, (inputs, outputs) in enumerate(zip((8, *WIDTHS), WIDTHS, strict=False), 1):
        result[f"separable_conv2d_{k}"] = {
            "depthwise_kernel:0": kernel(3, 3, inputs, 1),
            "pointwise_kernel:0": kernel(1, 1, inputs, outputs),
        }
    for k, width in enumerate(NORMS, 1):
        result[f"batch_normalization_{k}"] = {
            "gamma:0": rng.uniform(0.5, 1.5, width).astype(np.float32),
            "beta:0": rng.normal(0, 0.2, width).astype(np.float32),
            "moving_mean:0": rng.normal(0, 0.2, width).astype(np.float32),
            "moving_variance:0": rng.uniform(0.3, 2, width).astype(np.float32),
        }
    return result


def write(path: Path, arrays: Layers) -> Path:
    """Write the layers as Keras did."""
    with h5py.File(path, "w") as file:
        for layer, parts in arrays.items():
            for name, array in parts.items():
                file[f"model_weights/{layer}/{layer}_1/{name}"] = array
    return path
