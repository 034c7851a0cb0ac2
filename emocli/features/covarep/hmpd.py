"""Phase distortion of the voice, its mean and deviation over time (HMPDM, HMPDD).

Phase distortion is what is left of the harmonics' phases without the vocal tract's and without the
position of the pulse: the shape of the glottal pulse in its mean, its noise in its deviation.

Source: Degottex & Erro 2014, EURASIP Journal on Audio, Speech, and Music Processing 2014:38;
Degottex, Roebel & Rodet 2011, ICASSP (phase distortion).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from scipy import fft

from emocli.features.covarep._signal import Real, Whole, round_half_up
from emocli.features.covarep.envelope import mel_cepstrum
from emocli.features.covarep.harmonics import HarmonicFrames, wrap

FFT_SIZE = 1024
BINS = FFT_SIZE // 2 + 1
CLASSES = 25
DEVIATION_ORDER = 12
MEAN_TAPS, TREND_TAPS, DEVIATION_TAPS = 25, 9, 9
REACH = MEAN_TAPS - 1  # frames on either side that a smoothed frame depends on
LENGTH = 256  # frames smoothed at once
LEAST_DEVIATION = 0.001  # in place of 0
STEP = 0.005  # seconds between the instants of the first resampling


class PhaseDistortion(NamedTuple):
    """Phase distortion at T instants.

    Attributes
    ----------
    times : ndarray, shape (T,)
        Seconds: the multiples of 5 ms between the first frame and the last.
    mean : ndarray, shape (T, 25)
        Mean in 25 bands of frequency, radians in [-pi, pi).
    deviation : ndarray, shape (T, 13)
        Mel cepstrum of the deviation, as of a magnitude.
    """

    times: Real
    mean: Real
    deviation: Real


def hmpd(blocks: Iterable[HarmonicFrames], fs: float, seed: int = 0) -> PhaseDistortion:
    """Return mean and deviation of the phase distortion of a recording's frames.

    Parameters
    ----------
    blocks : iterable of HarmonicFrames
        All frames of the recording in turn, as from `harmonic_blocks`; how they are cut up makes no
        difference. Fewer than the filters' 25 frames are continued by shorter reflections.
    seed : int
        For the random phases above the last harmonic.

    Source: Degottex & Erro 2014.
    """
    rng = np.random.default_rng(seed)
    times: list[Real] = [np.zeros(0)]
    means, deviations = [np.zeros((0, CLASSES))], [np.zeros((0, DEVIATION_ORDER + 1))]

    def distortions() -> Iterator[Real]:
        for frames in blocks:
            times.append(frames.times)
            yield phase_distortion(frames, fs, rng)

    for rows, inner in _overlapping(distortions()):
        cosine, sine = np.cos(rows), np.sin(rows)
        means.append(_compressed(_mean(cosine, sine)[inner]))
        deviation = _deviation(rows, cosine, sine)[inner]
        deviations.append(_deviation_cepstrum(deviation, fs))
    return _resampled(*(np.concatenate(parts) for parts in (times, means, deviations)))


def _resampled(times: Real, mean: Real, deviation: Real) -> PhaseDistortion:
    """Interpolate linearly at the multiples of 5 ms inside the frames, as COVAREP does."""
    if not len(times):
        return PhaseDistortion(times, mean, deviation)
    first, last = np.ceil(times[0] / STEP - 1e-9), np.floor(times[-1] / STEP + 1e-9)
    steps = np.arange(first, last + 1) * STEP if first <= last else times
    columns = np.concatenate([np.unwrap(mean, axis=0), deviation], axis=1)
    resampled = np.stack([np.interp(steps, times, column) for column in columns.T], axis=1)
    return PhaseDistortion(steps, wrap(resampled[:, :CLASSES]), resampled[:, CLASSES:])


def _overlapping(blocks: Iterable[Real]) -> Iterator[tuple[Real, slice]]:
    """Yield rows with their neighbours on both sides, and where among these the rows are."""
    held, before = np.zeros((0, BINS)), 0
    for block in blocks:
        held = np.concatenate([held, block])
        if len(held) >= before + LENGTH + REACH:
            yield held, slice(before, len(held) - REACH)
            held, before = held[-2 * REACH :], REACH
    if len(held):
        yield held, slice(before, len(held))


def phase_distortion(frames: HarmonicFrames, fs: float, rng: np.random.Generator) -> Real:
    """Return the phase distortion of each frame from 0 Hz to fs / 2, shape (F, 513), in radians.

    It is 0 up to the pitch, random above the last harmonic. Entry h of the distortion over
    harmonics is phi(h + 1) - phi(h) - phi(1), phi without the phase of the minimum-phase envelope.

    Source: Degottex, Roebel & Rodet 2011, ICASSP; Degottex & Erro 2014.
    """
    count, width = frames.phases.shape
    fill = rng.uniform(-np.pi, np.pi, (count, width - 1 + BINS))
    phase = wrap(frames.phases - _tract_phase(frames, fs))
    phase[:, 0] = 0
    left = phase - np.arange(width) * phase[:, 1:2]
    distortion = np.where(frames.present[:, 1:], wrap(np.diff(left, axis=1)), fill[:, : width - 1])
    place = np.arange(BINS) * (fs / FFT_SIZE) / frames.f0[:, None] - 1  # harmonics above the first
    return np.where(place > width - 2, fill[:, width - 1 :], wrap(_between(distortion, place)))


def _between(angles: Real, place: Real) -> Real:
    """Interpolate angles at fractional columns, the shorter way round; 0 before the first."""
    below = np.clip(place.astype(np.int64), 0, max(angles.shape[1] - 2, 0))
    low, high = (np.take_along_axis(angles, below + side, 1) for side in (0, 1))
    return np.where(place < 0, 0.0, low + (place - below) * wrap(high - low))


def _tract_phase(frames: HarmonicFrames, fs: float) -> Real:
    """Return the phase of the minimum-phase envelope at each harmonic; 0 above fs / 2."""
    spacing, harmonic = frames.spacing[:, None], np.arange(frames.phases.shape[1])
    log_amplitude = np.log(np.maximum(frames.amplitudes, np.finfo(float).tiny))
    log_amplitude[:, 0] = log_amplitude[:, 1]
    place = np.minimum(np.arange(BINS) * (fs / FFT_SIZE) / spacing, frames.counts[:, None])
    cepstrum = fft.irfft(_linear(log_amplitude, place), axis=1)
    cepstrum[:, 1 : BINS - 1] *= 2
    cepstrum[:, BINS:] = 0
    phase = fft.rfft(cepstrum, axis=1).imag
    place = harmonic * spacing * (FFT_SIZE / fs)
    inside = frames.present & (place <= BINS - 1)
    return np.where(inside, _linear(phase, np.where(inside, place, 0)), 0.0)


def _linear(rows: Real, place: Real) -> Real:
    """Interpolate rows linearly at fractional columns."""
    below = np.minimum(place.astype(np.int64), rows.shape[1] - 2)
    low, high = (np.take_along_axis(rows, below + side, 1) for side in (0, 1))
    return np.asarray(low + (place - below) * (high - low))


def _mean(cosine: Real, sine: Real) -> Real:
    taps = np.full(MEAN_TAPS, 1 / MEAN_TAPS)
    return np.arctan2(zero_phase_fir(taps, sine), zero_phase_fir(taps, cosine))


def _deviation(distortion: Real, cosine: Real, sine: Real) -> Real:
    """Return the standard deviation of angles around their slow trend.

    At the first frame and the last the filters leave an angle as it is, so that the deviation there
    is 0 but for rounding.
    """
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(TREND_TAPS) / (TREND_TAPS - 1))
    window /= window.sum()
    across, along = (zero_phase_fir(window, median_of_nine(x)) for x in (sine, cosine))
    left = distortion - np.arctan2(across, along)
    taps = np.full(DEVIATION_TAPS, 1 / DEVIATION_TAPS)
    along, across = (zero_phase_fir(taps, part(left)) for part in (np.cos, np.sin))
    length = np.minimum(np.sqrt(along**2 + across**2), 1)
    return np.asarray(np.sqrt(-2 * np.log(np.maximum(length, np.finfo(float).tiny))))


def zero_phase_fir(taps: Real, x: Real) -> Real:
    """Filter columns forward and backward, the ends continued by odd reflection.

    Sums run from the oldest sample to the newest, as in a transposed direct form: whether a sum of
    equal angles is 1 or rounded below it decides the deviation.
    """
    reach = len(taps) - 1
    pad = min(reach, len(x) - 1)
    before, after = 2 * x[0] - x[pad:0:-1], 2 * x[-1] - x[-2 : -pad - 2 : -1]
    extended = np.concatenate([before, x, after])
    forward = _fir(taps, extended)
    return _fir(taps, forward[::-1])[::-1][pad : pad + len(x)]


def _fir(taps: Real, x: Real) -> Real:
    """Filter columns that had their first value for ever."""
    reach = len(taps) - 1
    past = np.concatenate([np.repeat(x[:1], reach, axis=0), x])
    total: Real = taps[reach] * past[: len(x)]
    for delay in range(reach - 1, -1, -1):
        total += taps[delay] * past[reach - delay : reach - delay + len(x)]
    return total


def median_of_nine(x: Real) -> Real:
    """Return the running median of nine rows, zeros beyond the ends.

    It is the median of the highest low, the middle middle and the lowest high of three triples.

    Source: Paeth 1990, Median finding on a 3x3 grid, in Graphics Gems.
    """
    count = len(x)
    padded = np.pad(x, ((4, 4), (0, 0)))
    low, middle, high = _ranked(*(padded[k : k + count + 6] for k in range(3)))
    lows, middles, highs = ([y[k : k + count] for k in (0, 3, 6)] for y in (low, middle, high))
    return _ranked(_ranked(*lows)[2], _ranked(*middles)[1], _ranked(*highs)[0])[1]


def _ranked(a: Real, b: Real, c: Real) -> tuple[Real, Real, Real]:
    """Return the lowest, the middle and the highest of three."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    return np.minimum(low, c), np.maximum(low, np.minimum(high, c)), np.maximum(high, c)


def _compressed(mean: Real) -> Real:
    """Return the circular means over the bins of each class, (F, 25)."""
    starts = np.flatnonzero(np.diff(classes(), prepend=0))
    sine, cosine = (
        np.add.reduceat(part(mean[:, :-1]), starts, axis=1) for part in (np.sin, np.cos)
    )
    return np.arctan2(sine, cosine)


def classes() -> Whole:
    """Return the class, 1 to 25, of each bin but the last.

    The first eight bins have their own, the others share by a quadratic Bezier curve. COVAREP's map
    is meant for harmonics but is applied to bins of fs / 1024; so it is here.
    """
    t = np.linspace(0, 1, 101)
    bend, end = 2 * t * (1 - t) * CLASSES, t**2
    start = 8 * (1 - t) ** 2
    number = np.arange(1, BINS)
    curve = np.interp(number, start + bend + end * (BINS - 1), start + bend + end * CLASSES)
    return np.where(number <= 8, number, round_half_up(curve))


def _deviation_cepstrum(deviation: Real, fs: float) -> Real:
    deviation[:, 0] = deviation[:, 1]
    deviation[deviation == 0] = LEAST_DEVIATION
    return mel_cepstrum(deviation, fs, DEVIATION_ORDER)
