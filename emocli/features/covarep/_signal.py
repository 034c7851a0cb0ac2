"""Numerical conventions of COVAREP: rounding, windows, frames, linear prediction.

Signals are float64. Whatever takes frames takes them as rows, shape (frames, samples), and works on
all of them at once.
"""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray
from scipy import signal

Real = NDArray[np.float64]
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]


@overload
def round_half_up(value: float) -> int: ...
@overload
def round_half_up(value: NDArray[np.floating]) -> Whole: ...
def round_half_up(value: float | NDArray[np.floating]) -> int | Whole:
    """Round to the nearest whole number, halves away from zero (numpy rounds them to even)."""
    rounded = np.sign(value) * np.floor(np.abs(value) + 0.5)
    return rounded.astype(np.int64) if isinstance(value, np.ndarray) else int(rounded)


def hanning(length: int) -> Real:
    """Return the Hann window without its zero end points, shape (length,)."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1, length + 1) / (length + 1))


def cut(x: Real, length: int, hop: int, *, strict: bool = False) -> Real:
    """Return the frames of a signal as a read-only view, shape (frames, length).

    Frame k begins at sample k hop and must end inside the signal, with ``strict`` before its last
    sample.
    """
    if len(x) < length + strict:
        return np.zeros((0, length))
    return np.asarray(sliding_window_view(x[: len(x) - strict], length)[::hop])


def overlap_add(frames: Real, hop: int, size: int) -> Real:
    """Add up frames that begin ``hop`` samples apart into a signal of ``size`` samples."""
    count, length = frames.shape
    total = np.zeros(size)
    stride = -(-length // hop)  # frames k, k + stride, ... do not overlap
    for phase in range(min(stride, count)):
        block = frames[phase::stride]
        spread = np.zeros((len(block), stride * hop))
        spread[:, :length] = block
        part = total[phase * hop : phase * hop + spread.size]
        part += spread.ravel()[: len(part)]
    return total


def lpc(frames: Real, order: int) -> Real:
    """Return linear prediction filters by the autocorrelation method (Levinson-Durbin).

    Frames are windowed already, and may be padded with zeros at the end. Returns the inverse
    filters [1, a1, ..., a_order], shape (frames, order + 1); NaN for a frame of zeros.

    Source: Makhoul 1975, Proceedings of the IEEE 63(4).
    """
    count, length = frames.shape
    correlation = np.zeros((count, order + 1))
    for lag in range(min(order + 1, length)):
        left, right = frames[:, : length - lag], frames[:, lag:]
        correlation[:, lag] = np.einsum("fn,fn->f", left, right)
    return levinson(correlation)


def levinson(correlation: Real) -> Real:
    """Solve the normal equations of linear prediction for autocorrelations (frames, order + 1)."""
    count, width = correlation.shape
    taps = np.zeros((count, width))
    taps[:, 0] = 1
    error = correlation[:, 0].copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        for order in range(1, width):
            ahead = np.einsum("fk,fk->f", taps[:, :order], correlation[:, order:0:-1])
            reflection = -ahead / error
            taps[:, 1 : order + 1] += reflection[:, None] * taps[:, order - 1 :: -1][:, :order]
            error *= 1 - reflection**2
    taps[correlation[:, 0] == 0] = np.nan
    return taps


def fir(frames: Real, taps: Real) -> Real:
    """Filter each frame by its own taps from rest; (frames, samples) by (frames, taps)."""
    filtered = frames * taps[:, :1]
    for delay in range(1, min(taps.shape[1], frames.shape[1])):
        filtered[:, delay:] += taps[:, delay : delay + 1] * frames[:, :-delay]
    return filtered


def high_pass(x: Real, fs: float, edge: float, stop: float) -> Real:
    """Filter by an elliptic high-pass, forward and backward.

    Above ``edge`` Hz at most 3 dB are lost by the filter, which has the least order that loses 60
    dB within the distance to ``stop`` Hz.
    """
    order, _ = signal.ellipord(2 * edge / fs, 2 * stop / fs, 3, 60)
    b, a = signal.ellip(order, 3, 60, 2 * edge / fs, "highpass")
    return zero_phase(b, a, x)


def zero_phase(b: ArrayLike, a: ArrayLike, x: Real) -> Real:
    """Filter forward and backward along the first axis, the ends continued by odd reflection.

    Too short a signal for the whole reflection is reflected as far as it goes.
    """
    if not len(x):
        return x
    reflected = 3 * (max(np.size(a), np.size(b)) - 1)
    return np.asarray(signal.filtfilt(b, a, x, axis=0, padlen=min(reflected, len(x) - 1)))


def moving_average(x: Real, length: int) -> Real:
    """Return the mean over an odd number of neighbours, fewer of them towards the ends."""
    half = min(length // 2, (len(x) - 1) // 2)
    if half < 1:
        return x
    total = np.concatenate([[0.0], np.cumsum(x)])
    at = np.arange(len(x))
    reach = np.minimum(half, np.minimum(at, len(x) - 1 - at))
    return np.asarray((total[at + reach + 1] - total[at - reach]) / (2 * reach + 1))


def median_filter(x: Real, length: int) -> Real:
    """Return the running median of odd length along the first axis, zeros beyond the ends."""
    pad = [(length // 2, length // 2), *[(0, 0)] * (x.ndim - 1)]
    return np.asarray(np.median(sliding_window_view(np.pad(x, pad), length, axis=0), axis=-1))


def local_maxima(x: Real) -> Whole:
    """Return where a signal is higher than on both sides; the first sample of a plateau."""
    if len(x) < 3:
        return np.zeros(0, np.int64)
    starts = np.flatnonzero(np.diff(x, prepend=x[0] - 1) != 0)  # one per run of equal samples
    level = x[starts]
    peak = (level[1:-1] > level[:-2]) & (level[1:-1] > level[2:])
    return starts[1:-1][peak]


def thin_peaks(x: Real, peaks: Whole, distance: float) -> Whole:
    """Return the peaks left when of any two neighbours within ``distance`` the lower goes.

    All neighbouring pairs are judged at once, again and again until none is too close; of two equal
    ones the later goes.
    """
    while True:
        close = np.flatnonzero(np.diff(peaks) <= distance)
        if not len(close):
            return peaks
        lower = np.where(x[peaks[close + 1]] > x[peaks[close]], close, close + 1)
        peaks = np.delete(peaks, lower)


def refine(before: Real, peak: Real, after: Real) -> tuple[Real, Real]:
    """Return where, relative to a peak's sample, a parabola through it is highest, and its height.

    Three samples each, peaks of any shape; a peak whose three samples are on a line stays.
    """
    slope = (after - before) / 2
    bend = peak - slope - before
    with np.errstate(divide="ignore", invalid="ignore"):
        offset = np.where(bend == 0, 0.0, slope / (2 * bend))
    return offset, peak + slope * offset / 2
