"""Harmonic frames: amplitude and phase of every harmonic around an instant, from one spectrum.

The glottal shape (`rd`), the envelope (`envelope`) and the phase distortion (`hmpd`) start here.

Source: McAulay & Quatieri 1986, IEEE TASSP 34(4), one sinusoid per harmonic of a given pitch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from emocli.features.covarep._signal import Flags, Real, Whole, refine, round_half_up

FFT_SIZE = 4096
BLOCK = 512  # frames worked on at once
PERIODS = 3.0  # length of the window
FALLBACK_F0 = 100.0  # Hz, where there is no pitch


@dataclass(frozen=True)
class HarmonicFrames:
    """The harmonics of F frames.

    Attributes
    ----------
    times : ndarray, shape (F,)
        Centres in seconds.
    f0 : ndarray, shape (F,)
        The pitch given, in Hz.
    spacing : ndarray, shape (F,)
        Median distance of the harmonics found, in Hz; harmonic h is taken to be at h times it.
    counts : ndarray of int, shape (F,)
        Harmonics below half the sampling rate, the constant part not counted.
    amplitudes, phases : ndarray, shape (F, 1 + most)
        Of the constant part and harmonics 1, 2, ...; phases in radians, relative to the centre. 0
        beyond a frame's count; ``most`` is the greatest count of the recording.
    log_spectrum : ndarray, shape (F, FFT_SIZE / 2 + 1)
        Natural logarithm of the spectrum's magnitude from 0 Hz to half the sampling rate.
    """

    times: Real
    f0: Real
    spacing: Real
    counts: Whole
    amplitudes: Real
    phases: Real
    log_spectrum: Real

    @property
    def present(self) -> Flags:
        """Which entries of ``amplitudes`` and ``phases`` are harmonics, or the constant part."""
        return np.asarray(np.arange(self.amplitudes.shape[1]) <= self.counts[:, None])


def harmonic_blocks(x: Real, fs: float, times: Real, f0: Real) -> Iterator[HarmonicFrames]:
    """Analyse a signal at given instants with windows of three periods.

    Parameters
    ----------
    x : ndarray, shape (N,)
        The signal, polarity set right.
    times : ndarray, shape (M,)
        Instants in seconds; sample ``round(times fs)``, counted from 0, is a frame's centre.
    f0 : ndarray, shape (M,)
        Pitch there in Hz, voiced or not. 100 Hz replaces what is no pitch: not a number, so low
        that the window is longer than the DFT, or so high that there is no second harmonic.

    Yields
    ------
    HarmonicFrames
        Those of the M frames whose windows lie inside the signal, some hundreds at a time: a frame
        takes some 20 kB.

    Source: McAulay & Quatieri 1986.
    """
    centres, f0, kept = _inside(len(x), fs, times, f0)
    times, most = times[kept], int(_counts(f0, fs).max(initial=2))
    for start in range(0, len(f0), BLOCK):
        rows = slice(start, start + BLOCK)
        yield _analyse(x, fs, times[rows], centres[rows], f0[rows], most)


def _inside(size: int, fs: float, times: Real, f0: Real) -> tuple[Whole, Real, Flags]:
    usable = (f0 * FFT_SIZE > (PERIODS + 1) * fs) & (f0 < fs / 4)
    f0 = np.where(usable, f0, FALLBACK_F0)
    centres, half = round_half_up(times * fs), _half_window(f0, fs)
    kept = (centres >= half) & (centres + half < size)
    return centres[kept], f0[kept], kept


def _half_window(f0: Real, fs: float) -> Whole:
    return round_half_up(PERIODS / 2 * fs / f0)


def _counts(f0: Real, fs: float) -> Whole:
    return round_half_up((fs / 2 - f0 / 2) / f0)


def _analyse(
    x: Real, fs: float, times: Real, centres: Whole, f0: Real, most: int
) -> HarmonicFrames:
    spectrum = fft.rfft(_windowed(x, fs, centres, f0), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    log_spectrum = 0.5 * np.log(np.maximum(power, np.finfo(float).tiny))
    counts = _counts(f0, fs)
    harmonic = np.arange(1, most + 1) <= counts[:, None]
    nominal = np.where(harmonic, f0[:, None] * np.arange(1, most + 1) * FFT_SIZE / fs, 0.0)
    places, heights = _nearest_peaks(log_spectrum, nominal, f0 * FFT_SIZE / fs)
    return HarmonicFrames(
        times=times,
        f0=f0,
        spacing=_median_spacing(places, counts) * fs / FFT_SIZE,
        counts=counts,
        amplitudes=_with_constant(np.exp(heights) * harmonic, np.abs(spectrum[:, 0])),
        phases=_with_constant(_phases(spectrum, places) * harmonic, np.angle(spectrum[:, 0])),
        log_spectrum=log_spectrum,
    )


def _with_constant(harmonics: Real, constant: Real) -> Real:
    return np.concatenate([constant[:, None], harmonics], axis=1)


def _windowed(x: Real, fs: float, centres: Whole, f0: Real) -> Real:
    """Return Blackman-windowed frames, their centre at sample 0 of a circle of FFT_SIZE."""
    half = _half_window(f0, fs)
    widest = int(half.max(initial=0))
    offsets = np.arange(-widest, widest + 1)
    cosine = np.cos(np.pi * offsets / half[:, None])
    window = 0.42 + 0.5 * cosine + 0.08 * (2 * cosine**2 - 1)
    window[np.abs(offsets) > half[:, None]] = 0
    window /= window.sum(axis=1, keepdims=True)
    window *= x[np.clip(centres[:, None] + offsets, 0, len(x) - 1)]
    circle = np.zeros((len(f0), FFT_SIZE))
    circle[:, : widest + 1] = window[:, widest:]
    circle[:, FFT_SIZE - widest :] = window[:, :widest]
    return circle


def _nearest_peaks(log_spectrum: Real, nominal: Real, step: Real) -> tuple[Real, Real]:
    """Return position in bins and log height of the peak within half a step of each position.

    Where there is none, the position itself and the height of the bin nearest to it.
    """
    middle = log_spectrum[:, 1:-1]
    rows, bins = np.nonzero((middle > log_spectrum[:, :-2]) & (middle > log_spectrum[:, 2:]))
    bins += 1
    offset, height = refine(*(log_spectrum[rows, bins + side] for side in (-1, 0, 1)))
    far = 2 * FFT_SIZE  # peaks of another row are never the nearest
    here = np.concatenate([[-np.inf], rows * far + bins + offset, [np.inf]])
    wanted = np.arange(len(nominal))[:, None] * far + nominal
    after = np.searchsorted(here, wanted)
    nearest = after - (wanted - here[after - 1] <= here[after] - wanted)
    near = np.abs(here[nearest] - wanted) < step[:, None] / 2
    peak = np.where(near, nearest - 1, 0)[near]
    places, heights = nominal.copy(), np.take_along_axis(log_spectrum, round_half_up(nominal), 1)
    places[near], heights[near] = (bins + offset)[peak], height[peak]
    return places, heights


def _phases(spectrum: NDArray[np.complex128], places: Real) -> Real:
    """Interpolate the unwrapped phase linearly between bins; wrapped again."""
    below = np.minimum(places.astype(np.int64), spectrum.shape[1] - 2)
    low, high = (np.angle(np.take_along_axis(spectrum, below + side, 1)) for side in (0, 1))
    return wrap(low + (places - below) * wrap(high - low))


def wrap(angle: Real) -> Real:
    """Bring angles in radians to [-pi, pi)."""
    return angle - 2 * np.pi * np.floor(angle / (2 * np.pi) + 0.5)


def _median_spacing(places: Real, counts: Whole) -> Real:
    """Return the median distance of neighbouring harmonics, the constant part among them."""
    spacings = np.diff(places, axis=1, prepend=0.0)
    spacings[np.arange(spacings.shape[1]) >= counts[:, None]] = np.inf
    spacings.sort(axis=1)
    middle = np.stack([(counts - 1) // 2, counts // 2], axis=1)
    return np.asarray(np.take_along_axis(spacings, middle, axis=1).mean(axis=1))
