"""Wavelet features of voice quality: the maxima dispersion quotient (MDQ) and peakSlope.

Source of the wavelet: d'Alessandro & Sturmel 2011, Sadhana 36(5).
"""

from __future__ import annotations

import numpy as np
from scipy import signal

from emocli.features.covarep._signal import Real, Whole, cut, round_half_up
from emocli.features.covarep._spans import batches_by_length, gather, periods

BANDS = 7  # octaves from half the sampling rate down


def mdq(residual: Real, fs: int, gcis: Whole) -> tuple[Real, Real]:
    """Return the maxima dispersion quotient at closure instants: how far a pulse is spread.

    The mean distance, over the five lower bands of the residual, of the band's maximum from the
    instant, relative to the period: small for tense, large for breathy voice.

    Returns
    -------
    times, values : ndarray, shape (pulses,)
        Seconds of the instants; 0 for an instant less than its period from either end, and if there
        is but one.

    Source: Kane & Gobl 2013, IEEE TASLP 21(6).
    """
    values = np.zeros(len(gcis))
    if len(gcis) < 2:
        return gcis / fs, values
    period = periods(gcis)
    reach = round_half_up(0.2 * period)
    whole = np.flatnonzero((gcis + 1 > period) & (gcis + 1 + period <= len(residual)))
    for band in range(2, BANDS):
        filtered = _band(residual, fs, band)
        for batch in batches_by_length(2 * reach[whole] + 1):
            at = whole[batch]
            rows, inside = gather(filtered, gcis[at] - reach[at], 2 * reach[at] + 1)
            peak = np.where(inside, rows, -np.inf).argmax(axis=1)
            values[at] += np.abs(reach[at] - 1 - peak)
    return gcis / fs, values / (BANDS - 2) / period


def peak_slope(x: Real, fs: int) -> tuple[Real, Real]:
    """Return peakSlope: how the peaks of octave bands rise from low to high frequencies.

    Returns
    -------
    times, values : ndarray, shape (frames,)
        Seconds of the middle of frames of 40 ms, every 10 ms; slope of the decimal logarithm of the
        largest magnitude per octave, falling for breathy and level for tense voice; 0 in silence.

    Source: Kane & Gobl 2011, Interspeech.
    """
    length, hop = round_half_up(0.04 * fs), round_half_up(0.01 * fs)
    peaks = [cut(np.abs(_band(x, fs, band)), length, hop).max(axis=1) for band in range(BANDS)]
    centred = np.arange(BANDS)[::-1] - (BANDS - 1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = centred @ np.log10(peaks) / (centred**2).sum()
    middle = round_half_up((length + 1) / 2) - 1 + hop * np.arange(len(slopes))
    return middle / fs, np.where(np.isfinite(slopes), slopes, 0.0)


def _band(x: Real, fs: int, octave: int) -> Real:
    """Filter a signal by the wavelet ``octave`` octaves below half the sampling rate."""
    t = np.arange(-1000, 1001) / fs / 2**octave
    wavelet = -np.cos(2 * np.pi * (fs / 2) * t) * np.exp(-((t * fs) ** 2) / 2)
    return np.asarray(signal.oaconvolve(x, wavelet, mode="same"))
