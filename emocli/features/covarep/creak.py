"""Creaky voice: the posterior of COVAREP's network, with weights from the user's own checkout.

Source: Drugman, Kane & Gobl 2014, Computer Speech & Language 28(5); the measures of secondary
residual peaks of Kane, Drugman & Gobl 2013, Computer Speech & Language 27(4), those of inter-pulse
similarity of Ishi, Sakakibara, Ishiguro & Hagita 2008, IEEE TASLP 16(1).

The network's weights are not free to be shipped with this package.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emocli.errors import ConfigError
from emocli.features.covarep._creak_inputs import INPUTS, creak_inputs
from emocli.features.covarep._signal import Real, round_half_up

FOLDER = Path("glottalsource", "creaky_voice_detection", "private")
NETWORK, LOWEST, HIGHEST = "system_net_creak.mat", "minis_creak.mat", "maxis_creak.mat"


@dataclass(frozen=True)
class CreakNetwork:
    """A network of one hidden layer of tanh units and a logistic output.

    ``lowest`` and ``highest``, shape (36,), are the range of each input; ``hidden``, shape
    (units, 36), and ``output``, shape (units,), are weights.
    """

    lowest: Real
    highest: Real
    hidden: Real
    hidden_bias: Real
    output: Real
    output_bias: float

    def __call__(self, inputs: Real) -> Real:
        """Return the posterior of creak, shape (rows,), of inputs (rows, 36)."""
        known = np.where(np.isnan(inputs), self.lowest, inputs)
        scaled = 2 * (known - self.lowest) / (self.highest - self.lowest) - 1
        units = np.tanh(scaled @ self.hidden.T + self.hidden_bias)
        return np.asarray(1 / (1 + np.exp(-(units @ self.output + self.output_bias))))


def creak(
    x: Real, fs: float, weights: Path | None, residual: Real | None = None
) -> tuple[Real, Real]:
    """Return the probability of creaky voice every 10 ms: seconds from 10 ms on, and values 0 to 1.

    It is 0 where nothing is voiced, for then the inputs are undefined, and without ``weights``, a
    checkout of COVAREP. A `ConfigError` says if these cannot be read.
    """
    hop = round_half_up(0.01 * fs)
    times = np.arange(hop, len(x) + 1, hop) / fs
    if weights is None:
        return times, np.zeros(len(times))
    network = read_network(weights)
    inputs = creak_inputs(x, fs, residual)
    return times, np.zeros(len(times)) if inputs is None else network(inputs)


def read_network(checkout: Path) -> CreakNetwork:
    """Read the network from a checkout of COVAREP.

    Raises
    ------
    ConfigError
        If the files are not there or hold something else.
    """
    folder = checkout / FOLDER
    if not folder.is_dir():
        folder = checkout
    layers = _matrices(folder / NETWORK)
    hidden = _one(layers, "IW", (-1, INPUTS), folder / NETWORK)
    units = len(hidden)
    return CreakNetwork(
        lowest=_range(folder / LOWEST),
        highest=_range(folder / HIGHEST),
        hidden=hidden,
        hidden_bias=_one(layers, "b", (units, 1), folder / NETWORK)[:, 0],
        output=_one(layers, "LW", (1, units), folder / NETWORK)[0],
        output_bias=float(_one(layers, "b", (1, 1), folder / NETWORK)[0, 0]),
    )


def _range(path: Path) -> Real:
    limits = [matrix.ravel() for _, matrix in _matrices(path) if matrix.size == INPUTS]
    if len(limits) != 1:
        raise _unreadable(path, f"the limits of {INPUTS} inputs")
    return limits[0]


def _one(matrices: list[tuple[str, Real]], name: str, shape: tuple[int, int], path: Path) -> Real:
    """Return the only matrix of a name and a shape, in which -1 is any number but 0."""
    for label, matrix in matrices:
        fits = all(n in (m, -1) and m for n, m in zip(shape, matrix.shape, strict=True))
        if label == name and fits:
            return matrix
    raise _unreadable(path, f"weights '{name}' of a network with {INPUTS} inputs")


def _unreadable(path: Path, wanted: str) -> ConfigError:
    return ConfigError(f"does not hold {wanted}", where=path, hint=_hint())


def _hint() -> str:
    return f"creak.weights is the folder of a COVAREP checkout, with {FOLDER / NETWORK}"


def _matrices(path: Path) -> list[tuple[str, Real]]:
    """Return all matrices of a MATLAB file, each with the name of its variable or field."""
    from scipy.io import loadmat

    if not path.is_file():
        raise ConfigError("there is no such file", where=path, hint=_hint())
    try:
        variables = loadmat(path)
    except Exception as error:  # scipy raises many kinds for what is no MATLAB file
        raise ConfigError(f"cannot be read ({error})", where=path, hint=_hint()) from None
    return [
        pair
        for name, value in variables.items()
        if not name.startswith("__")
        for pair in _inside(name, value)
    ]


def _inside(name: str, value: Any) -> Iterator[tuple[str, Real]]:
    """Yield the matrices inside a variable: structures by field, cells under their own name."""
    if not isinstance(value, np.ndarray):
        return
    if value.dtype.names:
        for field in value.dtype.names:
            for item in value[field].ravel():
                yield from _inside(field, item)
    elif value.dtype == object:
        for item in value.ravel():
            yield from _inside(name, item)
    elif value.dtype.kind in "iuf" and value.ndim == 2:
        yield name, value.astype(np.float64)
