"""Pitch and voicing by the summation of residual harmonics (SRH).

Source: Drugman & Alwan 2011, Interspeech (SRH).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import resample_poly

from emocli.features.covarep._signal import Flags, Real, Whole, cut, round_half_up
from emocli.features.covarep.residual import lp_residual

F0_MIN = 50
F0_MAX = 500

FRAME_S = 0.1
HOP_S = 0.01
ORDER_PER_KHZ = 0.75
HARMONICS = 5

VOICED = 0.07
VOICED_IF_SPREAD = 0.085
SPREAD = 0.05
CERTAIN = 0.1

HIGHEST_RATE = 16000
BLOCK = 100
"""Frames transformed at once."""


@dataclass(frozen=True)
class Pitch:
    """Pitch track, a row every 10 ms; the first is some 50 ms after the start.

    Attributes
    ----------
    times : ndarray, shape (T,)
        Seconds, by the count of samples that begins with 1.
    f0 : ndarray, shape (T,)
        Hz, whole numbers, in unvoiced frames too.
    strength : ndarray, shape (T,)
        Sum of residual harmonics at that pitch.
    voiced : ndarray of bool, shape (T,)
        Whether the frame is voiced.
    """

    times: Real
    f0: Real
    strength: Real
    voiced: Flags

    def median(self, low: float = F0_MIN, high: float = F0_MAX) -> float | None:
        """Return the median pitch of voiced frames strictly between two limits, if any."""
        inside = self.f0[self.voiced & (self.f0 > low) & (self.f0 < high)]
        return float(np.median(inside)) if len(inside) else None


def srh(x: Real, fs: float, f0_min: int = F0_MIN, f0_max: int = F0_MAX) -> Pitch:
    """Track pitch and voicing.

    The pitch is sought between the limits, and once more between half and twice the median of the
    frames where it is certain.

    Parameters
    ----------
    x : ndarray, shape (samples,)
        The recording, of any polarity; one shorter than 0.1 s has no frame.
    fs : float
        Sampling rate in Hz; above 16 kHz it is brought down to 16 kHz.
    f0_min, f0_max : int
        Limits of the search in Hz.

    Returns
    -------
    Pitch
        A frame without any residual has ``f0_min`` and strength 0, unvoiced.
    """
    if fs > HIGHEST_RATE:
        x, fs = resample_poly(x, HIGHEST_RATE, round(fs)), HIGHEST_RATE
    residual = lp_residual(x, fs, round_half_up(ORDER_PER_KHZ * fs / 1000))
    length = round_half_up(FRAME_S * fs) - 2
    length -= length % 2
    hop = round_half_up(HOP_S * fs)
    frames = cut(residual, length, hop, strict=True)
    f0, strength = _search(frames, np.arange(len(frames)), fs, f0_min, f0_max)
    low, high = _limits(f0, strength, f0_min, f0_max)
    outside = np.flatnonzero((f0 < low) | (f0 > high))  # what is inside would be chosen again
    f0[outside], strength[outside] = _search(frames, outside, fs, low, high)
    times = (length // 2 + 1 + hop * np.arange(len(frames))) / fs
    return Pitch(times, f0, strength, strength > _threshold(strength))


def _limits(f0: Real, strength: Real, low: int, high: int) -> tuple[int, int]:
    """Narrow the limits of the search to an octave around the certain frames' median."""
    certain = f0[strength > CERTAIN]
    if not len(certain):
        return low, high
    median = float(np.median(certain))
    return max(low, round_half_up(median / 2)), min(high, round_half_up(2 * median))


def _threshold(strength: Real) -> float:
    """Return the least strength of a voiced frame; more where strengths differ much."""
    if len(strength) > 1 and np.std(strength, ddof=1) > SPREAD:
        return VOICED_IF_SPREAD
    return VOICED


def _search(frames: Real, rows: Whole, fs: float, low: int, high: int) -> tuple[Real, Real]:
    """Return for some of the frames the pitch with the largest sum of harmonics, and the sum."""
    size = round(fs)
    candidates = np.arange(low, high + 1)
    harmonics, between = _positions(candidates, size // 2)
    window = np.blackman(frames.shape[1])
    best = np.zeros(len(rows), np.int64)
    strength = np.zeros(len(rows))
    for begin in range(0, len(rows), BLOCK):
        here = slice(begin, begin + BLOCK)
        spectra = _spectra(frames[rows[here]] * window, size)
        sums = spectra[:, harmonics].sum(axis=1) - spectra[:, between].sum(axis=1)
        best[here] = sums.argmax(axis=1)
        strength[here] = sums.max(axis=1)
    return candidates[best].astype(np.float64), strength


def _positions(candidates: Whole, bins: int) -> tuple[Whole, Whole]:
    """Return the bins of harmonics and of the middles between them, beyond the last from the first.

    Bins are counted from 1 Hz although the first is 0 Hz, as COVAREP does.
    """
    number = np.arange(1, HARMONICS + 1)[:, None]
    harmonics = number * candidates
    between = round_half_up((number[:-1] + 0.5) * candidates)
    return (harmonics - 1) % bins, (between - 1) % bins


def _spectra(windowed: Real, size: int) -> Real:
    """Return magnitude spectra of unit length, shape (frames, size // 2), a bin per Hz."""
    centred = windowed - windowed.mean(axis=1, keepdims=True)
    magnitude = np.abs(np.fft.rfft(centred, size)[:, : size // 2])
    norm = np.linalg.norm(magnitude, axis=1, keepdims=True)
    return np.asarray(np.divide(magnitude, norm, out=np.zeros_like(magnitude), where=norm > 0))
