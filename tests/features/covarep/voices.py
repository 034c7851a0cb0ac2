"""Generated voices: pulses of known pitch and closure instants through formants."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import lfilter

FS = 16000
FORMANTS = ((700.0, 80.0), (1220.0, 90.0), (2600.0, 120.0), (3500.0, 150.0))


def closures(f0: ArrayLike, seconds: float, fs: int = FS) -> NDArray[np.int64]:
    """Samples at which the phase of a pitch (Hz, constant or one value per sample) completes."""
    phase = np.cumsum(np.broadcast_to(np.asarray(f0, float), round(seconds * fs))) / fs
    return np.flatnonzero(np.diff(np.floor(phase)))


def flow_derivative(closed: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Flow that swells for the last 60 % of each period and ends abruptly (Rosenberg's pulse)."""
    flow = np.zeros(size)
    for before, at in pairwise(closed):
        length = round(0.6 * (at - before))
        phase = np.arange(1, length + 1) / length
        flow[at - length + 1 : at + 1] = 3 * phase**2 - 2.4 * phase**3 - 0.6 * phase**6
    return np.diff(flow, append=0.0)


def voice(
    f0: ArrayLike = 120.0, seconds: float = 1.0, fs: int = FS, noise: float = 1e-4, seed: int = 0
) -> NDArray[np.float64]:
    """A vowel with its largest absolute value 0.5, and a little noise."""
    size = round(seconds * fs)
    x = flow_derivative(closures(f0, seconds, fs), size)
    for frequency, bandwidth in FORMANTS:
        if frequency < fs / 2:
            radius, angle = np.exp(-np.pi * bandwidth / fs), 2 * np.pi * frequency / fs
            x = lfilter([1.0], [1, -2 * radius * np.cos(angle), radius**2], x)
    x *= 0.5 / np.abs(x).max()
    return x + noise * np.random.default_rng(seed).standard_normal(size)
