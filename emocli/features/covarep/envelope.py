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
    """Return mel cepstra of the true envelopes of harmonic frames.

    Parameters
    ----------
    frames : HarmonicFrames
        F frames.
    fs : float
        Sampling rate in Hz.
    order : int
        Of the cepstrum.

    Returns
    -------
    ndarray, shape (F, order + 1)
        Cepstra of the natural logarithm of magnitude: the mean, then coefficients twice.

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


def _analysis(cosines: Real) -> Real:
    """Return the matrix from log magnitudes to c0, 2 c1, 2 c2, ..., shape (bins, count)."""
    matrix = (cosines * _shares(cosines.shape[1])).T
    matrix[:, 1:] *= 2
    return np.ascontiguousarray(matrix)


def _cepstrum(log_magnitude: Real, order: int) -> Real:
    """Return c0, 2 c1, ... 2 c_order of symmetric spectra given by their first half."""
    return log_magnitude @ _analysis(_cosines(order + 1, log_magnitude.shape[1]))


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
    smooth = _iterate(log_magnitude, _smoothing_order(round_half_up(orders / 2), bins))
    edge = round_half_up(0.25 * 2 * (bins - 1) / orders)[:, None]
    at = np.arange(bins)
    outside = (at < edge) | (at > bins - edge)
    return _iterate(np.where(outside, smooth, log_magnitude), orders)


def _smoothing_order(orders: Whole, bins: int) -> Whole:
    return np.minimum(round_half_up(SMOOTHING * orders), bins - 2)


def _iterate(target: Real, orders: Whole) -> Real:
    """Raise spectra to their smoothed selves until the smoothed are nowhere far below them."""
    envelope = np.empty_like(target)
    ranked = np.argsort(orders, kind="stable")
    for start in range(0, len(target), GROUP):
        rows = ranked[start : start + GROUP]
        envelope[rows] = _iterate_group(target[rows], orders[rows])
    return envelope


def _iterate_group(target: Real, orders: Whole) -> Real:
    count, bins = int(orders.max()) + 1, target.shape[1]
    synthesis, shares = _cosines(count, bins), _shares(bins)
    analysis, alternating = _analysis(synthesis), np.where(np.arange(bins) % 2, -shares, shares)
    window, level, cepstrum = _half_hamming(orders, count), target, np.zeros((len(target), count))
    envelope, left = np.empty_like(target), np.arange(len(target))
    for _ in range(ITERATIONS):
        folded = (level @ analysis) * (window > 0)
        inner = np.sum(folded**2, axis=1)
        constant, highest = folded[:, 0] ** 2, (level @ alternating) ** 2
        outer = 2 * ((level**2) @ shares - constant - highest) - (inner - constant)
        gain = 1 + np.sqrt(np.maximum(outer, 0) / np.maximum(inner, np.finfo(float).tiny))
        cepstrum = cepstrum + gain[:, None] * window * (folded - cepstrum)
        smooth = cepstrum @ synthesis
        envelope[left] = smooth
        above = (target[left] - smooth).max(axis=1) > TOLERANCE
        if not above.any():
            break
        level = np.maximum(level, smooth)[above]
        window, cepstrum, left = window[above], cepstrum[above], left[above]
    return envelope


def _half_hamming(orders: Whole, count: int) -> Real:
    """Return Hamming windows from their peak to their end at each order, 0 beyond."""
    at, last = np.arange(count), orders[:, None]
    return np.where(at <= last, 0.54 + 0.46 * np.cos(np.pi * at / last), 0.0)
