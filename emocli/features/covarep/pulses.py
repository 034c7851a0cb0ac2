"""Parameters of glottal pulses: NAQ, QOQ, H1H2 and PSP, a value of each per closure instant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft, signal

from emocli.features.covarep._signal import (
    Flags,
    Real,
    Whole,
    local_maxima,
    round_half_up,
    thin_peaks,
)
from emocli.features.covarep._spans import batches_by_length, gather, periods, windows

SLOWEST, FASTEST = 20, 500  # Hz; a pulse outside has no parameters
NORMALISED_ERROR = 0.01  # of the parabola, where its fit ends
SPECTRUM = 2048  # points of a pulse's spectrum


@dataclass(frozen=True)
class PulseParameters:
    """The parameters of each pulse, at ``times``, one sample after the closure instant, in seconds.

    Normalised amplitude quotient; quasi-open quotient; first less second harmonic of the flow
    derivative, in dB; parabolic spectral parameter, which is 0 for the first pulse. All are 0 where
    undefined: periods of no more than 20 or no less than 500 Hz, no flow.
    """

    times: Real
    naq: Real
    qoq: Real
    h1h2: Real
    psp: Real


def pulse_parameters(flow: Real, derivative: Real, fs: int, gcis: Whole) -> PulseParameters:
    """Measure each pulse of a glottal flow and its derivative, shape (samples,).

    A pulse is what lies between two closure instants, the first begins with the sound. Zeros
    throughout if there are fewer than two instants.
    """
    naq, qoq, h1h2, psp = np.zeros((4, len(gcis)))
    parameters = PulseParameters((gcis + 1) / fs, naq, qoq, h1h2, psp)
    if len(gcis) < 2:
        return parameters
    period = periods(gcis)
    starts = np.concatenate([[0], gcis[:-1]])
    voiced = np.flatnonzero((period * SLOWEST < fs) & (period * FASTEST > fs))
    for batch in batches_by_length((gcis - starts)[voiced] + 1):
        at = voiced[batch]
        span = starts[at], gcis[at], period[at]
        naq[at], qoq[at] = quotients(flow, derivative, fs, *span)
        psp[at] = parabolic_parameter(flow, fs, *span)
    psp[0] = 0
    for batch in batches_by_length(period[voiced]):
        at = voiced[batch]
        h1h2[at] = harmonic_difference(derivative, fs, gcis[at], period[at])
    return parameters


def quotients(
    flow: Real, derivative: Real, fs: int, starts: Whole, ends: Whole, period: Whole
) -> tuple[Real, Real]:
    """Return NAQ and QOQ of pulses between samples ``starts`` and ``ends`` (inclusive).

    NAQ is the flow's peak, over a line through the pulse's end points, relative to the derivative's
    greatest magnitude and the period; QOQ is the part of the period the flow is above half of that
    peak.

    Source: Alku, Backstrom & Vilkman 2002, JASA 112(2) (NAQ); Laukkanen, Vilkman, Alku & Oksanen
    1996, Journal of Phonetics 24 (QOQ).
    """
    lengths = ends - starts + 1
    pulse, inside = gather(flow, starts, lengths)
    last = np.take_along_axis(pulse, lengths[:, None] - 1, axis=1)
    at = np.arange(pulse.shape[1])
    along = at / np.maximum(lengths[:, None] - 1, 1)
    line = (1 - along) * pulse[:, :1] + along * last  # exact at both ends
    pulse = np.where(inside, pulse - line, -np.inf)
    top = pulse.argmax(axis=1)
    peak = pulse.max(axis=1)

    beyond = round_half_up(0.0005 * fs)
    fits = ends + 1 + beyond <= len(derivative)
    slope, _ = gather(derivative, starts, lengths + beyond * fits)
    steepest = np.abs(slope).max(axis=1)

    low = pulse <= peak[:, None] / 2
    before = (low | (at < 3)) & (at <= top[:, None])
    after = (low | (at >= lengths[:, None] - 3)) & (at >= top[:, None])
    left = pulse.shape[1] - 1 - before[:, ::-1].argmax(axis=1)
    right = after.argmax(axis=1)
    naq = np.divide(peak, steepest * period, out=np.zeros(len(peak)), where=steepest > 0)
    return naq, np.where(steepest > 0, (right - left) / period, 0.0)


def harmonic_difference(derivative: Real, fs: int, gcis: Whole, period: Whole) -> Real:
    """Return H1H2 about closure instants: the first less the second harmonic's level, in dB.

    Three periods of the flow derivative, Hamming windowed; levels are those of the spectral peaks
    nearest to the fundamental and its double, 0 if the spectrum has fewer than five peaks.

    Source: Titze & Sundberg 1992, JASA 91(5).
    """
    reach = round_half_up(1.5 * period)
    starts = np.maximum(gcis - reach, 0)
    lengths = np.minimum(gcis + reach + 1, len(derivative)) - starts
    frames, _ = gather(derivative, starts, lengths)
    frames *= windows(lengths, 0.46, ends=True)
    f0 = fs / period
    few = int(min(5 * f0.max(), fs / 2))
    low = np.abs(signal.zoom_fft(frames, [0, few], few, fs=fs)) ** 2  # 1 Hz bins
    difference = np.zeros(len(gcis))
    for row, frame in enumerate(frames):
        levels = _settled_harmonics(low[row, : int(5 * f0[row])], f0[row])
        if levels is None:
            levels = _harmonics(np.abs(np.fft.fft(frame, fs)) ** 2, f0[row])
        difference[row] = 10 * np.log10(levels[0] / levels[1])
    return difference


def _harmonics(power: Real, f0: float) -> tuple[float, float]:
    """Return the power of the first two harmonics in a whole spectrum; twice 1 if it has none."""
    peaks = thin_peaks(power, local_maxima(power), f0 / 2)
    return _nearest(power, peaks, f0) if len(peaks) >= 5 else (1.0, 1.0)


def _settled_harmonics(power: Real, f0: float) -> tuple[float, float] | None:
    """Return the same from the low part of a spectrum, or None where that does not suffice.

    Peaks below a gap are kept or not whatever is above it, and each has a mirror image.
    """
    peaks = local_maxima(power)
    gaps = np.flatnonzero(np.diff(peaks) > f0 / 2)
    if not len(gaps):
        return None
    peaks = thin_peaks(power, peaks[: gaps[-1] + 1], f0 / 2)
    if len(peaks) < 3 or peaks[-1] < 2 * f0:
        return None
    return _nearest(power, peaks, f0)


def _nearest(power: Real, peaks: Whole, f0: float) -> tuple[float, float]:
    first, second = (peaks[np.abs(peaks + 1 - f).argmin()] for f in (f0, 2 * f0))
    return power[first], power[second]


def parabolic_parameter(flow: Real, fs: int, starts: Whole, ends: Whole, period: Whole) -> Real:
    """Return PSP of pulses between samples ``starts`` and ``ends`` (inclusive).

    The curvature of a parabola fitted to the low part of the pulse's spectrum in dB, relative to
    that of a rectangle as long as the period.

    Source: Alku, Strik & Vilkman 1997, Speech Communication 22(1).
    """
    pulse, inside = gather(flow, starts, ends - starts + 1)
    lowest = np.where(inside, pulse, np.inf).min(axis=1, keepdims=True)
    pulse = np.where(inside, pulse - lowest, 0.0)
    height = pulse.max(axis=1, keepdims=True)
    pulse = np.divide(pulse, height, out=np.zeros_like(pulse), where=height > 0)
    lengths, which = np.unique(period, return_inverse=True)
    rectangle = (np.arange(lengths[-1]) < lengths[:, None]) / lengths[:, None]
    own, most = _curvature(pulse, fs), _curvature(rectangle, fs)[which]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = own / most
    return np.where(np.isfinite(ratio), ratio, 0.0)


def _curvature(pulses: Real, fs: int) -> Real:
    """Return the curvature of the low spectrum of each pulse in dB per squared bin.

    The parabola a k^2 + b is fitted to more and more bins from zero on, at least 3, until its
    normalised error is no longer small; NaN for a pulse of zeros.
    """
    within = int((fs / 2 - 1) * (SPECTRUM - 1) / (fs - 1)) + 1
    power = np.abs(fft.rfft(pulses, SPECTRUM)[:, :within]) ** 2
    curvature, ended = _parabola(power[:, :64])
    if not ended.all():
        curvature[~ended], _ = _parabola(power[~ended])
    return curvature


def _parabola(power: Real) -> tuple[Real, Flags]:
    """Return the curvature of each row's parabola, and where its error was no longer small."""
    k = np.arange(power.shape[1], dtype=np.float64)
    count, square, fourth = k + 1, np.cumsum(k**2), np.cumsum(k**4)
    with np.errstate(divide="ignore", invalid="ignore"):
        level = 10 * np.log10(power)
        total, weighted = np.cumsum(level, axis=1), np.cumsum(level * k**2, axis=1)
        energy = np.cumsum(level**2, axis=1)
        a = (count * weighted - square * total) / (count * fourth - square**2)
        b = (total - a * square) / count
        error = (energy - a * weighted - b * total) / energy
        large = ~(error[:, 2:] < NORMALISED_ERROR)
    ended = large.any(axis=1)
    last = np.where(ended, large.argmax(axis=1) + 2, len(k) - 1)
    return a[np.arange(len(a)), last], ended
