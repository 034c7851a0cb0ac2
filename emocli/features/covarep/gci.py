"""Instants of glottal closure (SEDREAMS).

Source: Drugman & Dutoit 2009, Interspeech; Drugman et al. 2012, IEEE TASLP 20(3).

A running mean over somewhat less than two periods goes up and down once a period. The closure is
the residual's highest peak within a stretch that lies alike in every cycle of that mean.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import oaconvolve

from emocli.features.covarep._blocks import BLOCK_S, blocks
from emocli.features.covarep._signal import Real, Whole, high_pass, local_maxima, round_half_up
from emocli.features.covarep.residual import lp_residual, vocal_tract_order
from emocli.features.covarep.srh import Pitch

PERIODS = 1.7
EDGE_HZ = 50
STOP_HZ = 30
HIGH_PEAK = 0.4
REACH = 0.35

BATCH = 4096
"""Cycles searched at once."""


def sedreams(
    x: Real, fs: float, pitch: Pitch, residual: Real | None = None, block_s: float = BLOCK_S
) -> Whole:
    """Find the instants of glottal closure in voiced speech.

    Parameters
    ----------
    x : ndarray, shape (samples,)
        The recording, upright (see `emocli.features.covarep.polarity`).
    pitch : Pitch
        Its pitch track; the median decides the length of the mean, one for the whole recording.
    residual : ndarray, shape (samples,), optional
        The residual, where it is known; its largest absolute value is 1.

    Returns
    -------
    ndarray of int, shape (instants,)
        Sample numbers from 0, rising; none where nothing is voiced.
    """
    median = pitch.median()
    if median is None:
        return np.zeros(0, np.int64)
    if residual is None:
        residual = lp_residual(x, fs, vocal_tract_order(fs))
    lows, highs = _cycles(x, fs, median, block_s)
    if not len(lows):
        return lows
    instants = np.unique(_peaks(residual, lows, highs))
    instants = instants[instants >= 1]
    positions = round_half_up(pitch.times * fs)
    voiced = np.interp(instants, positions, pitch.voiced, left=0, right=0)
    return instants[voiced >= 0.5]


def _cycles(x: Real, fs: float, f0: float, block_s: float) -> tuple[Whole, Whole]:
    """Return the lows of the running mean and the high that follows each."""
    lows: list[Whole] = []
    highs: list[Whole] = []
    for block in blocks(len(x), fs, block_s):
        mean = _mean(x[block.begin : block.stop], fs, f0)
        for extrema, sign in ((lows, -1), (highs, 1)):
            at = local_maxima(sign * mean) + block.begin
            extrema.append(at[(at >= block.first) & (at < block.last)])
    low, high = np.concatenate(lows), np.concatenate(highs)
    if not (len(low) and len(high)):
        return low[:0], high[:0]
    low, high = low[low < high[-1]], high[high > low[0]]
    return low, high


def _mean(x: Real, fs: float, f0: float) -> Real:
    """Return the running mean of a signal less its slow drift; zero where it passes the ends."""
    half = round_half_up(PERIODS * round_half_up(fs / f0) / 2)
    mean = np.zeros(len(x))
    if len(x) > 2 * half:
        window = np.blackman(2 * half + 1) / (2 * half + 1)
        mean[half : len(x) - half] = oaconvolve(x, window, "valid")
    return high_pass(mean, fs, EDGE_HZ, STOP_HZ)


def _peaks(residual: Real, lows: Whole, highs: Whole) -> Whole:
    """Return where the residual is highest about the usual place of closures in each cycle."""
    usual = _usual_place(residual, lows, highs)
    length = highs - lows
    start = np.clip(lows + round_half_up((usual - REACH) * length), 0, len(residual) - 1)
    stop = np.clip(lows + round_half_up((usual + REACH) * length), 0, len(residual) - 1)
    peaks = np.empty_like(lows)
    for begin in range(0, len(lows), BATCH):
        here = slice(begin, begin + BATCH)
        at = start[here, None] + np.arange((stop - start)[here].max() + 1)
        inside = at <= stop[here, None]
        values = np.where(inside, residual[np.minimum(at, len(residual) - 1)], -np.inf)
        peaks[here] = start[here] + values.argmax(axis=1)
    return peaks


def _usual_place(residual: Real, lows: Whole, highs: Whole) -> float:
    """Return the median place of high peaks between the nearest low (0) and its high (1)."""
    peaks = np.flatnonzero(residual > HIGH_PEAK)
    if not len(peaks):
        return 0.0
    after = np.clip(np.searchsorted(lows, peaks), 1, len(lows) - 1) if len(lows) > 1 else 0
    before = np.maximum(after - 1, 0)
    nearest = np.where(peaks - lows[before] <= np.abs(lows[after] - peaks), before, after)
    places = (peaks - lows[nearest]) / (highs - lows)[nearest]
    return float(np.median(places))
