"""The 36 inputs of the detector of creaky voice: twelve measures and their differences in time.

Source: Drugman, Kane & Gobl 2014, Computer Speech & Language 28(5) (the set, H2-H1 and the peaks'
prominence); Ishi, Sakakibara, Ishiguro & Hagita 2008, IEEE TASLP 16(1) (periodicity, similarity
and power of pulses).

A measure's values, shape (frames,), lie at equal distances from the first to the last sample,
whatever their frames, unless it says otherwise; what takes `InputRows` returns a value for each,
shape (rows,).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d
from scipy.signal import butter, buttord, lfilter

from emocli.features.covarep._signal import (
    Real,
    Whole,
    cut,
    hanning,
    local_maxima,
    median_filter,
    moving_average,
    round_half_up,
    zero_phase,
)
from emocli.features.covarep.residual import lp_residual, vocal_tract_order
from emocli.features.covarep.srh import srh

INPUTS = 36

F0_MIN, F0_MAX = 20, 500
LEAST_LAG = 5
QUIET = 4.0
NEAR_S = 0.4
PERIODIC = 0.5
LONGEST_S = 0.015
JITTER_S = 0.001
PEAK_DB, RANGE_DB = 2.0, 30.0
PULSES_S = 0.1
HEARD_S = 0.035
TINY = 1e-300

BLOCK = 500
"""Frames worked on at once."""


def creak_inputs(x: Real, fs: float, residual: Real | None = None) -> Real | None:
    """Return the inputs every 10 ms, shape (rows, 36); none at all where nothing is voiced.

    NaN where a measure is undefined.
    """
    pitch = srh(x, fs, F0_MIN, F0_MAX)
    f0 = pitch.median(F0_MIN, F0_MAX)
    rows = InputRows(len(x), fs)
    if f0 is None or not len(rows.at):
        return None
    if residual is None:
        residual = lp_residual(x, fs, vocal_tract_order(fs))
    energy = log_energy(x, fs)
    difference, own = second_harmonic(residual, fs, f0)
    pulses = band(x, fs)
    static = [
        rows.stretched(difference),
        residual_peaks(rows, resonator(residual, fs, f0, 0.8), f0, energy),
        zero_crossings(rows, x),
        periodicity(rows, pulses),
        *pulse_measures(rows, pulses),
        rows.stretched(pitch.f0),
        np.full(len(rows.at), f0),
        rows.stretched(energy - energy.max(initial=-np.inf)),
        rows.stretched(power_spread(x, fs)),
        rows.stretched(own),
    ]
    values = np.stack(static, axis=1)
    first = np.diff(values, axis=0, prepend=values[:1])
    second = np.diff(first, axis=0, prepend=first[:1])
    return np.concatenate([values, first, second], axis=1)


@dataclass(frozen=True)
class InputRows:
    """The rows of the inputs: every 10 ms of a recording of ``size`` samples."""

    size: int
    fs: float

    @property
    def at(self) -> Whole:
        """Samples of the rows, counted from 1."""
        hop = round_half_up(0.01 * self.fs)
        return np.arange(hop, self.size + 1, hop)

    @property
    def spread(self) -> Whole:
        """As many samples, counted from 1, from the first to the last of the recording."""
        return round_half_up(np.linspace(1, self.size, len(self.at)))

    def stretched(self, values: Real) -> Real:
        """Return values that lie at equal distances over the recording."""
        if not len(values):
            return np.full(len(self.at), np.nan)
        return np.interp(self.at, np.linspace(1, self.size, len(values)), values)


def resonator(residual: Real, fs: float, f0: float, radius: float) -> Real:
    """Let the residual ring at the median pitch, shape (samples,)."""
    a = [1, -2 * radius * np.cos(2 * np.pi * f0 / fs), radius**2]
    return np.asarray(lfilter([1.0], a, residual))


def second_harmonic(residual: Real, fs: float, f0: float) -> tuple[Real, Real]:
    """Return H2 - H1 in dB of the residual ringing at the median pitch, and each frame's own pitch.

    In creaky voice secondary peaks raise the second harmonic.
    """
    length, hop = round_half_up(0.05 * fs), round_half_up(0.01 * fs)
    damped = cut(resonator(residual, fs, f0, 0.8), length, hop, strict=True)
    ringing = cut(resonator(residual, fs, f0, 0.97), length, hop, strict=True)
    window = hanning(length)
    own = _by_block(lambda frames: _own_pitch(autocorrelation(frames * window), fs), damped)
    differences = [
        _harmonics(
            autocorrelation(ringing[k : k + BLOCK] * window**2)[:, 1:], fs, own[k : k + BLOCK]
        )
        for k in range(0, len(own), BLOCK)
    ]
    smooth = moving_average(np.concatenate([*differences, np.zeros(0)]), 9)
    return smooth, moving_average(median_filter(own, 7), 9)


def _own_pitch(correlation: Real, fs: float) -> Real:
    """Return the pitch in Hz at the highest autocorrelation after its first positive stretch."""
    length = correlation.shape[1]
    lags = np.arange(1, length)
    values = correlation[:, 1:] * ((length - 1) / (length - lags))
    values[np.logical_and.accumulate(values > 0, axis=1)] = 0
    lag = LEAST_LAG + values[:, LEAST_LAG - 1 :].argmax(axis=1)
    return np.asarray(round_half_up(fs / lag).astype(np.float64))


def _harmonics(correlation: Real, fs: float, pitch: Real) -> Real:
    """Return how far, in dB, the spectrum at twice the pitch is above that at the pitch."""
    at = np.arange(correlation.shape[1])

    def magnitude(hertz: Real) -> Real:  # bins of 1 Hz, counted from 1
        turns = np.exp(-2j * np.pi / round(fs) * (hertz[:, None] - 1) * at)
        return np.asarray(np.abs(np.einsum("fn,fn->f", correlation, turns)))

    return 20 * np.log10((magnitude(2 * pitch) + TINY) / (magnitude(pitch) + TINY))


def residual_peaks(rows: InputRows, rung: Real, f0: float, energy: Real) -> Real:
    """Return how far the residual's highest peak stands out of its surroundings, in (0, 1)."""
    half = round_half_up(rows.fs / _lowest_pitch(f0))
    hop = round_half_up(0.02 * rows.fs)
    frames = cut(rung, 2 * half, hop)
    if not len(frames):
        return np.zeros(len(rows.at))
    starts = hop * np.arange(len(frames))
    peaks = starts + np.concatenate(
        [np.abs(frames[k : k + BLOCK]).argmax(axis=1) for k in range(0, len(frames), BLOCK)]
    )
    prominence = np.zeros(len(frames))
    inside = np.flatnonzero((peaks >= half) & (peaks + half < len(rung)))
    for k in range(0, len(inside), BLOCK):
        at = inside[k : k + BLOCK]
        prominence[at] = _prominence(rung[peaks[at, None] + np.arange(-half, half + 1)])
    every = np.linspace(0, rows.size - 1, len(energy))
    loud = np.interp(np.arange(rows.size), every, energy)
    near = maximum_filter1d(loud, 2 * round_half_up(NEAR_S * rows.fs) + 1)
    prominence[(near - loud)[peaks] > QUIET] = 0
    return _between(rows, starts + half + 1, median_filter(prominence, 5))


def _lowest_pitch(f0: float) -> float:
    if f0 == 100:
        return 80
    if f0 > 100:
        return 90
    return 65 if f0 >= 85 else 55


def _prominence(around: Real) -> Real:
    """Return 1 less the highest other peak, of rows centred on a peak."""
    half = around.shape[1] // 2
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = around / around[:, half : half + 1]
    blank = round_half_up(0.4 * half)
    scaled[:, half - blank : half + blank + 1] = 0
    return np.asarray(1 - np.maximum(scaled, 0).max(axis=1))


def zero_crossings(rows: InputRows, x: Real) -> Real:
    """Return the changes of sign per millisecond."""
    length, hop = round_half_up(0.032 * rows.fs), round_half_up(0.005 * rows.fs)
    signs = np.sign(x).astype(np.int8)
    frames = cut((np.diff(signs) != 0).astype(np.float64), length - 1, hop)
    rate = frames.sum(axis=1) / length * rows.fs / 1000
    return _between(rows, hop * np.arange(1, len(rate) + 1), rate)


def band(x: Real, fs: float) -> Real:
    """Return the band from 100 to 1500 Hz, without delay, shape (samples,)."""
    nyquist = fs / 2
    order, edges = buttord([100 / nyquist, 1500 / nyquist], [50 / nyquist, 3000 / nyquist], 3, 40)
    b, a = butter(order, edges, "bandpass")
    return zero_phase(b, a, x)


def periodicity(rows: InputRows, pulses: Real) -> Real:
    """Return how periodic frames are within themselves, at every multiple of the period (IFP)."""
    length, hop = round_half_up(0.032 * rows.fs), round_half_up(0.01 * rows.fs)
    frames = cut(pulses, length, hop)
    values = _by_block(lambda block: _intra_frame(block, rows.fs), frames)
    if len(values) > 3:
        following = np.minimum(values[1:-2], values[2:-1])
        values[:-3] = np.where(following < PERIODIC, 0, values[:-3])
    middles = hop * np.arange(len(values)) + length // 2
    return _between(rows, middles, np.clip(values, 0, 1), rows.spread)


def _intra_frame(frames: Real, fs: float) -> Real:
    length = frames.shape[1]
    longest, jitter = round_half_up(LONGEST_S * fs), round_half_up(JITTER_S * fs)
    correlation = autocorrelation(frames)[:, : longest + 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = correlation / correlation[:, :1]
    correlation[:, : round_half_up(fs / 1000)] = 0
    correlation *= length / (length - np.arange(1, longest + 2))
    correlation = np.nan_to_num(correlation)
    peak = correlation.argmax(axis=1)
    least: Real = correlation.max(axis=1)
    around = maximum_filter1d(correlation, 2 * jitter + 1, axis=1, mode="constant")
    for multiple in range(2, longest // max(1, round_half_up(fs / 1000)) + 1):
        at = multiple * peak
        value = np.take_along_axis(around, np.minimum(at, longest)[:, None], axis=1)[:, 0]
        least = np.where(at <= longest, np.minimum(least, value), least)
    return least


def pulse_measures(rows: InputRows, pulses: Real) -> tuple[Real, Real, Real]:
    """Return likeness to the pulse before (IPS), fall and rise of power, of the next pulse."""
    step = round_half_up(0.002 * rows.fs)
    power = short_power(pulses, rows.fs)
    peaks = _power_peaks(power)
    nothing = np.zeros(len(rows.at))
    if not len(peaks):
        return nothing, nothing, nothing
    padded = np.pad(power, 5, constant_values=np.inf)
    around = padded[peaks[:, None] + np.arange(11)]
    rise = power[peaks] - around[:, :5].min(axis=1)
    fall = power[peaks] - around[:, 6:].min(axis=1)
    places = step * peaks + step
    likeness = _likeness(pulses, places, rows.fs)
    following = np.searchsorted(places, rows.spread - 1)
    there = np.minimum(following, len(places) - 1)
    heard = (following < len(places)) & (places[there] - (rows.spread - 1) < HEARD_S * rows.fs)
    ips, falls, rises = (np.where(heard, v[there], 0) for v in (likeness, fall, rise))
    return ips, falls, rises


def _power_peaks(power: Real) -> Whole:
    """Return the peaks of short-term power that are pulses: high above what is 6 ms away."""
    peaks = local_maxima(power)
    peaks = peaks[(peaks >= 3) & (peaks + 3 < len(power))]
    above = power[peaks] - np.maximum(power[peaks - 3], power[peaks + 3])
    loud = power[peaks] >= power.max(initial=-np.inf) - RANGE_DB
    return np.asarray(peaks[(above >= PEAK_DB) & loud])


def _likeness(pulses: Real, places: Whole, fs: float) -> Real:
    """Return the maximum correlation of the window around each place with that of the last one."""
    length = round_half_up(LONGEST_S * fs)
    padded = np.pad(pulses, length)
    size = 2 * length + 1
    spectra = []
    norms = []
    for k in range(0, len(places), BLOCK):
        offsets = np.arange(length) - length // 2 + length
        around = padded[np.minimum(places[k : k + BLOCK, None] + offsets, len(padded) - 1)]
        spectra.append(np.fft.rfft(around, size))
        norms.append(np.linalg.norm(around, axis=1))
    spectrum, norm = np.concatenate(spectra), np.concatenate(norms)
    crossed = np.fft.irfft(spectrum[1:] * spectrum[:-1].conj(), size)
    with np.errstate(divide="ignore", invalid="ignore"):
        similarity = np.nan_to_num(crossed.max(axis=1) / (norm[1:] * norm[:-1]))
    similarity[np.diff(places) > PULSES_S * fs] = 0
    return np.concatenate([[0.0], similarity])


def log_energy(x: Real, fs: float) -> Real:
    """Return the natural logarithm of windowed mean squares, 32 ms every 5 ms."""
    length, hop = round_half_up(0.032 * fs), round_half_up(0.005 * fs)
    window = hanning(length)
    squares = _by_block(lambda frames: ((frames * window) ** 2).mean(axis=1), cut(x, length, hop))
    return np.log(squares + TINY)


def short_power(x: Real, fs: float) -> Real:
    """Return the power in dB, as 20 log10 of mean squares, of 4 ms every 2 ms."""
    length, step = round_half_up(0.004 * fs), round_half_up(0.002 * fs)
    squares = _by_block(lambda frames: (frames**2).mean(axis=1), cut(x, length, step))
    return 20 * np.log10(squares + TINY)


def power_spread(x: Real, fs: float) -> Real:
    """Return the standard deviation of short-term power over 33 values, smoothed by a median."""
    power = short_power(x, fs)
    if len(power) < 2:
        return power * 0
    frames = cut(np.pad(power, 16, constant_values=np.nan), 33, 1)
    return median_filter(_by_block(lambda block: np.nanstd(block, axis=1, ddof=1), frames), 13)


def autocorrelation(frames: Real) -> Real:
    """Return the autocorrelation of frames (F, N) at lags 0 to N - 1, of the same shape."""
    length = frames.shape[1]
    size = 2 ** int(np.ceil(np.log2(2 * length)))
    return np.asarray(np.fft.irfft(np.abs(np.fft.rfft(frames, size)) ** 2, size)[:, :length])


def _by_block(measure: Callable[[Real], Real], frames: Real) -> Real:
    """Measure frames a block at a time."""
    parts = [measure(frames[k : k + BLOCK]) for k in range(0, len(frames), BLOCK)]
    return np.concatenate([*parts, np.zeros(0)])


def _between(rows: InputRows, places: Whole, values: Real, at: Whole | None = None) -> Real:
    """Interpolate values at samples counted from 1; 0 outside."""
    wanted = rows.at if at is None else at
    if not len(values):
        return np.zeros(len(wanted))
    return np.nan_to_num(np.interp(wanted, places, values, left=0, right=0))
