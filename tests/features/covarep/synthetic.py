"""Voices made from known parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

Real = NDArray[np.float64]
Whole = NDArray[np.int64]

FS = 16000


def raised_cosines(period: int, opened: int, count: int) -> tuple[Real, Real, Whole]:
    """Return a flow of unit pulses, its derivative and the instants the pulses end.

    The flow is (1 - cos(2 pi t / opened)) / 2 in the last ``opened`` samples of each period, so its
    peak is 1, its steepest slope pi / opened, and it is above one half for opened / 2 samples.
    """
    t = np.arange(opened + 1)
    pulse, slope = np.zeros((2, period))
    pulse[period - opened :] = (1 - np.cos(2 * np.pi * t[1:] / opened)) / 2
    slope[period - opened :] = np.pi / opened * np.sin(2 * np.pi * t[1:] / opened)
    gcis = period * np.arange(1, count + 1) - 1
    return np.tile(pulse, count + 1), np.tile(slope, count + 1), gcis


def vowel(source: Real, formants: tuple[float, ...] = (700, 1200, 2600, 3500)) -> Real:
    """Filter a source by resonances of 80 Hz bandwidth, with a little noise on top."""
    x = source
    radius = np.exp(-np.pi * 80 / FS)
    for formant in formants:
        x = signal.lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * formant / FS), radius**2], x)
    noise = np.random.default_rng(0).normal(size=len(x))
    return x / np.abs(x).max() + 1e-4 * noise


def voice(seed: int = 0, pulses: int = 40) -> tuple[Real, Whole]:
    """Return a vowel of irregular pitch, one long pause in it, and its closure instants."""
    random = np.random.default_rng(seed)
    period = random.integers(60, 190, pulses)
    period[pulses // 2] = 1100
    gcis = np.cumsum(period)
    source = np.zeros(gcis[-1] + 150)
    source[gcis] = -random.uniform(0.5, 1, pulses)
    return vowel(signal.lfilter([1], [1, -0.9], source)), gcis
