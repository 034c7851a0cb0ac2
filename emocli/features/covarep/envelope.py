"""Spectral envelope of the voice as a mel cepstrum: the curve over the harmonics, not through them.

Source: Roebel & Rodet 2005, DAFx, and Roebel, Villavicencio & Rodet 2007, Pattern Recognition
Letters 28(11) (true envelope); Makhoul & Cosell 1976, ICASSP (mel scale).
"""

from __future__ import annotations

import numpy as np

from emocli.features.covarep._signal import Real, Whole, round_half_up
from emocli.features.covarep.harmonics import HarmonicFrames

ORDER = 24
TOLERANCE = np.log(10) / 10  # 2 dB, in nepers
ITERATIONS = 200
SMOOTHING = 1.2  # longer order that makes up for the window over the cepstrum
GROUP = 32  # frames of similar order iterated together


def mel_cepstra(frames: HarmonicFrames, fs: float, order: int = ORDER) -> Real:
    """Return mel cepstra of the true envelopes of harmonic frames, shape (F, order + 1).

    They are of the natural logarithm of magnitude: the mean, then coefficients twice.

    Source: Roebel, Villavicencio & Rodet 2007; Makhoul & Cosell 1976.
    """
    orders = round_half_up(0.5 * fs / frames.f0)
    return mel_cepstrum(np.exp(true_envelope(frames.log_spectrum, orders)), fs, order)


def stretched(count: int, samples: int) -> Whole:
    """Return the sample, from 1, at which COVAREP places each of a recording's mel cepstra.

    The frames begin and end some 50 ms inside the recording; COVAREP spreads them over all of it.
    """
    return round_half_up(np.linspace(1, samples, count))


def mel_cepstrum(magnitude: Real, fs: float, order: int) -> Real:
    """Return the cepstra of half spectra (F, bins) once their frequencies are mel, (F, order + 1).

    Source: Makhoul & Cosell 1976, ICASSP.
    """
    bins = magnitude.shape[1]
    frequency = np.linspace(0, fs / 2, bins)
    warped = fs / 2 * _mel(frequency) / _mel(fs / 2)
    above = np.clip(np.searchsorted(warped, frequency), 1, bins - 1)
    share = (frequency - warped[above - 1]) / (warped[above] - warped[above - 1])
    low = magnitude[:, above - 1]
    level = low + (magnitude[:, above] - low) * share
    return _cepstrum(np.log(level), order)


def _mel(frequency: float | Real) -> Real:
    return np.asarray(1127.01048 * np.log1p(np.asarray(frequency) / 700))


def _cosines(count: int, bins: int) -> Real:
    """Return cos(pi n k / (bins - 1)) for n below count and every bin k, shape (count, bins)."""
    period = 2 * (bins - 1)
    table = np.cos(2 * np.pi * np.arange(period) / period)
    return table[np.outer(np.arange(count), np.arange(bins)) % period]


def _shares(bins: int) -> Real:
    """Return the part each bin of a half spectrum has in the mean over the whole circle."""
    shares = np.full(bins, 1 / (bins - 1))
    shares[[0, -1]] /= 2
    return shares


def _cepstrum(log_magnitude: Real, order: int) -> Real:
    """Return c0, 2 c1, ... 2 c_order of symmetric spectra given by their first half."""
    bins = log_magnitude.shape[1]
    cepstrum = 2 * log_magnitude @ (_cosines(order + 1, bins) * _shares(bins)).T
    cepstrum[:, 0] /= 2
    return cepstrum


def true_envelope(log_magnitude: Real, orders: Whole) -> Real:
    """Return the true envelopes of spectra, corrected where there is no harmonic.

    Parameters
    ----------
    log_magnitude : ndarray, shape (F, bins)
        Natural logarithm of half spectra.
    orders : ndarray of int, shape (F,)
        Half the sampling rate over the pitch, rounded: harmonics an envelope may not resolve.

    Returns
    -------
    ndarray, shape (F, bins)
        Of the same kind: no more than 2 dB below the spectrum (or after 200 iterations).

    Source: Roebel, Villavicencio & Rodet 2007.
    """
    bins = log_magnitude.shape[1]
    orders = _smoothing_order(orders, bins)
    lower = _smoothing_order(round_half_up(orders / 2), bins)
    cosines = _cosines(int(orders.max(initial=0)) + 1, bins)
    edge = round_half_up(0.25 * 2 * (bins - 1) / orders)[:, None]
    at = np.arange(bins)
    outside = (at < edge) | (at > bins - edge)
    held = np.where(outside, _iterated(log_magnitude, lower, cosines), log_magnitude)
    return _iterated(held, orders, cosines)


def _smoothing_order(orders: Whole, bins: int) -> Whole:
    return np.minimum(round_half_up(SMOOTHING * orders), bins - 2)


def _iterated(target: Real, orders: Whole, cosines: Real) -> Real:
    """Raise spectra to their smoothed selves until the smoothed are nowhere far below them."""
    envelope = np.empty_like(target)
    ranked = np.argsort(orders, kind="stable")
    for start in range(0, len(target), GROUP):
        rows = ranked[start : start + GROUP]
        first = cosines[: int(orders[rows].max()) + 1]
        envelope[rows] = _iterated_together(target[rows], orders[rows], first)
    return envelope


def _iterated_together(target: Real, orders: Whole, cosines: Real) -> Real:
    window, shares = _half_hamming(orders, len(cosines)), _shares(cosines.shape[1])
    kept, cepstrum = window > 0, np.zeros(window.shape)
    envelope, level, left = target.copy(), target, np.arange(len(orders))
    for _ in range(ITERATIONS):
        shared = level * shares
        series = 2 * kept * (shared @ cosines.T)
        series[:, 0] /= 2
        gain = _gain(series, np.einsum("fk,fk->f", shared, level), shared)
        cepstrum = cepstrum + gain * window * (series - cepstrum)
        smooth = cepstrum @ cosines
        envelope[left] = smooth
        far = (target - smooth).max(axis=1) > TOLERANCE
        if not far.any():
            break
        level = np.maximum(level, smooth)
        if not far.all():
            target, level, left = target[far], level[far], left[far]
            window, kept, cepstrum = window[far], kept[far], cepstrum[far]
    return envelope


def _gain(series: Real, power: Real, shared: Real) -> Real:
    """Return (Ei + Eo) / Ei, Ei and Eo the norms of the series kept and of what is left out.

    The mean square is that of all coefficients, so that those left out need not be known; the
    highest cosine of all counts as neither.
    """
    inner, constant = np.sum(series**2, axis=1), series[:, 0] ** 2
    highest = shared[:, ::2].sum(axis=1) - shared[:, 1::2].sum(axis=1)
    outer = np.maximum(2 * (power - constant - highest**2) - (inner - constant), 0)
    gain: Real = 1 + np.sqrt(outer / np.maximum(inner, np.finfo(float).tiny))
    return gain[:, None]


def _half_hamming(orders: Whole, count: int) -> Real:
    """Return Hamming windows from their peak at 0 to their end at each order, 0 beyond."""
    number, last = np.arange(count), orders[:, None]
    return np.where(number <= last, 0.54 + 0.46 * np.cos(np.pi * number / last), 0.0)
