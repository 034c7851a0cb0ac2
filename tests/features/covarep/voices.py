"""Generated voices: pulses of known pitch and closure instants through formants."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import lfilter

from emocli.features.covarep.harmonics import HarmonicFrames, harmonic_blocks

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
    """A vowel of given pitch."""
    source = flow_derivative(closures(f0, seconds, fs), round(seconds * fs))
    return vowel(source, fs=fs, noise=noise, seed=seed)


def irregular(seed: int = 0, pulses: int = 40) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """A vowel of irregular pitch, one long pause in it, and its closure instants."""
    random = np.random.default_rng(seed)
    period = random.integers(60, 190, pulses)
    period[pulses // 2] = 1100
    gcis = np.cumsum(period)
    source = np.zeros(gcis[-1] + 150)
    source[gcis] = -random.uniform(0.5, 1, pulses)
    return vowel(lfilter([1.0], [1, -0.9], source)), gcis


def raised_cosines(
    period: int, opened: int, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """A flow of unit pulses, its derivative and the instants the pulses end.

    The flow is (1 - cos(2 pi t / opened)) / 2 in the last ``opened`` samples of each period, so its
    peak is 1, its steepest slope pi / opened, and it is above one half for opened / 2 samples.
    """
    t = np.arange(1, opened + 1)
    pulse, slope = np.zeros((2, period))
    pulse[period - opened :] = (1 - np.cos(2 * np.pi * t / opened)) / 2
    slope[period - opened :] = np.pi / opened * np.sin(2 * np.pi * t / opened)
    gcis = period * np.arange(1, count + 1) - 1
    return np.tile(pulse, count + 1), np.tile(slope, count + 1), gcis


def vowel(
    source: NDArray[np.float64],
    formants: tuple[tuple[float, float], ...] = FORMANTS,
    fs: int = FS,
    noise: float = 1e-4,
    seed: int = 0,
) -> NDArray[np.float64]:
    """A source through formants, its largest absolute value 0.5, and a little noise."""
    x = source
    for frequency, bandwidth in formants:
        if frequency < fs / 2:
            radius, angle = np.exp(-np.pi * bandwidth / fs), 2 * np.pi * frequency / fs
            x = lfilter([1.0], [1, -2 * radius * np.cos(angle), radius**2], x)
    x = x * (0.5 / np.abs(x).max())
    return x + noise * np.random.default_rng(seed).standard_normal(len(x))


def all_pole(
    formants: tuple[tuple[float, float], ...] = FORMANTS, fs: int = FS
) -> NDArray[np.float64]:
    """The denominator of the filter with given frequencies and bandwidths."""
    taps = np.ones(1)
    for frequency, bandwidth in formants:
        radius, angle = np.exp(-np.pi * bandwidth / fs), 2 * np.pi * frequency / fs
        taps = np.convolve(taps, [1, -2 * radius * np.cos(angle), radius**2])
    return taps


def harmonic_sum(
    f0: float, amplitudes: ArrayLike, phases: ArrayLike, size: int, centre: int = 0, fs: int = FS
) -> NDArray[np.float64]:
    """Cosines at f0, 2 f0, ... of given amplitudes, and phases at a sample."""
    turn = 2 * np.pi * f0 / fs * (np.arange(size) - centre)
    total = np.zeros(size)
    for number, (amplitude, phase) in enumerate(
        zip(np.asarray(amplitudes), np.asarray(phases), strict=True), 1
    ):
        total += amplitude * np.cos(number * turn + phase)
    return total


def harmonic_frames(
    x: NDArray[np.float64], fs: float, times: NDArray[np.float64], f0: NDArray[np.float64]
) -> HarmonicFrames:
    """The frames of all blocks as one; there may be none."""
    silence = harmonic_blocks(np.zeros(round(fs)), fs, np.array([0.5]), np.array([100.0]))
    none = [HarmonicFrames(*(values[:0] for values in vars(next(silence)).values()))]
    blocks = list(harmonic_blocks(x, fs, times, f0)) or none
    columns = {name: [getattr(block, name) for block in blocks] for name in vars(blocks[0])}
    return HarmonicFrames(**{name: np.concatenate(parts) for name, parts in columns.items()})
