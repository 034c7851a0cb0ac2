"""The mini-Xception that reads seven expressions off a face, from a Keras file of its weights.

Source: Arriaga, Valdenegro-Toro & Plöger 2017, arXiv:1710.07557 (mini-Xception); FER2013.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from emocli.data.hdf5 import Hdf5
from emocli.errors import ConfigError, StoreError

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The expressions, in the order of the network's outputs."""

SIDE = 64
"""Pixels of a side of the pictures it reads."""

WIDTHS = (16, 32, 64, 128)
"""Channels after each block."""

EPSILON = 1e-3
"""Of the batch normalisations."""


def same_pool(maps: Tensor) -> Tensor:
    """Take the largest of 3 x 3 in steps of 2, padded as TensorFlow's ``same``: at the end first.

    Shape (n, channels, height, width) to (n, channels, ceil(height / 2), ceil(width / 2)).
    """
    pads = []
    for size in reversed(maps.shape[2:]):
        total = 2 * (-(-size // 2) - 1) + 3 - size
        pads += [total // 2, total - total // 2]
    return functional.max_pool2d(functional.pad(maps, pads, value=-torch.inf), 3, 2)


class Separable(nn.Module):
    """A convolution of each channel by itself, one across channels, and batch normalisation."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=EPSILON)

    def forward(self, maps: Tensor) -> Tensor:
        """Convolve and normalise."""
        normed: Tensor = self.norm(self.pointwise(self.depthwise(maps)))
        return normed


class ResidualBlock(nn.Module):
    """Two separable convolutions and a pooling, beside a convolution of 1 x 1 in steps of 2."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = Separable(inputs, outputs), Separable(outputs, outputs)
        self.short = nn.Conv2d(inputs, outputs, 1, stride=2, bias=False)
        self.short_norm = nn.BatchNorm2d(outputs, eps=EPSILON)

    def forward(self, maps: Tensor) -> Tensor:
        """Add both paths."""
        deep = self.second(torch.relu(self.first(maps)))
        shortcut: Tensor = self.short_norm(self.short(maps))
        return same_pool(deep) + shortcut


class MiniXception(nn.Module):
    """The network: pictures (n, 1, 64, 64) from -1 to 1, to probabilities of `CLASSES` (n, 7)."""

    def __init__(self) -> None:
        super().__init__()
        self.entry = nn.ModuleList([nn.Conv2d(1, 8, 3, bias=False), nn.Conv2d(8, 8, 3, bias=False)])
        self.entry_norms = nn.ModuleList([nn.BatchNorm2d(8, eps=EPSILON) for _ in range(2)])
        sizes = zip((8, *WIDTHS), WIDTHS, strict=False)
        self.blocks = nn.ModuleList([ResidualBlock(inputs, outputs) for inputs, outputs in sizes])
        self.last = nn.Conv2d(WIDTHS[-1], len(CLASSES), 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the probability of each expression."""
        for convolution, norm in zip(self.entry, self.entry_norms, strict=True):
            maps = torch.relu(norm(convolution(maps)))
        for block in self.blocks:
            maps = block(maps)
        scores: Tensor = self.last(maps).mean(dim=(2, 3))
        return scores.softmax(dim=1)


def read_expression(path: Path) -> MiniXception:
    """Read the network from a Keras file of HDF5; nothing in it is executed.

    Raises
    ------
    ConfigError
        If it is absent, damaged, or holds another network.
    """
    hint = "give the file of `emocli models get face-expression`"
    network = MiniXception()
    try:
        with Hdf5(path) as file:
            arrays = {name: _array(file, *place) for name, place in _places().items()}
        network.load_state_dict(arrays, strict=False)
    except (StoreError, RuntimeError) as error:
        what = str(error).splitlines()[-1].strip()
        raise ConfigError(
            f"holds no mini-Xception of 7 expressions ({what})", where=path, hint=hint
        ) from None
    network.train(False)
    return network


def _array(file: Hdf5, layer: str, name: str) -> Tensor:
    """Read an array of a layer; kernels lie as (height, width, inputs, outputs)."""
    array = torch.from_numpy(file.numbers("model_weights", layer, f"{layer}_1", name))
    if array.ndim != 4:
        return array
    # A depthwise kernel has its channels where others have their inputs.
    order = (2, 3, 0, 1) if name.startswith("depthwise") else (3, 2, 0, 1)
    return array.permute(order).contiguous()


def _places() -> Mapping[str, tuple[str, str]]:
    """Say which array of which layer each parameter of the network is."""
    places: dict[str, tuple[str, str]] = {}
    for k in range(2):
        places[f"entry.{k}.weight"] = (f"conv2d_{k + 1}", "kernel:0")
        places |= _norm(f"entry_norms.{k}", k + 1)
    for k in range(len(WIDTHS)):
        own = f"blocks.{k}"
        places[f"{own}.short.weight"] = (f"conv2d_{k + 3}", "kernel:0")
        places |= _norm(f"{own}.short_norm", 3 * k + 3)
        for number, part in enumerate(("first", "second")):
            layer = f"separable_conv2d_{2 * k + number + 1}"
            places[f"{own}.{part}.depthwise.weight"] = (layer, "depthwise_kernel:0")
            places[f"{own}.{part}.pointwise.weight"] = (layer, "pointwise_kernel:0")
            places |= _norm(f"{own}.{part}.norm", 3 * k + number + 4)
    places["last.weight"] = ("conv2d_7", "kernel:0")
    places["last.bias"] = ("conv2d_7", "bias:0")
    return places


def _norm(own: str, number: int) -> Mapping[str, tuple[str, str]]:
    names = {
        "weight": "gamma:0",
        "bias": "beta:0",
        "running_mean": "moving_mean:0",
        "running_var": "moving_variance:0",
    }
    layer = f"batch_normalization_{number}"
    return {f"{own}.{name}": (layer, array) for name, array in names.items()}
