"""The preparation of a recording for COVAREP: one channel, 16 kHz, no digital silence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emocli.errors import MediaError
from emocli.features.covarep._signal import Flags, Real, round_half_up
from emocli.features.covarep.residual import FRAME_S

FS = 16000
LEAST_BIT = 2.0**-15
HELD = 3
OFFSET = 0.1

LEVEL = 1e-3
STEADY = 1 / 512
"""Silence has a level if it is so far from zero, and so steady in proportion to it, over 25 ms.

Beside a level 55 dB above it noise is lost: the residual is that of the level, in which the hop of
the prediction is a pitch of 200 Hz.
"""


@dataclass(frozen=True)
class Sound:
    """A recording ready for analysis.

    Attributes
    ----------
    x : ndarray, shape (samples,)
        Its first channel at 16 kHz.
    notes : list of str
        What was found and done: ``of_several_channels``, ``resampled``, ``clipped`` (its highest
        or lowest value is held for three samples), ``with_an_offset`` (a mean of more than a tenth
        of the standard deviation), ``dithered``. An offset is left as it is, except that of
        silence (`without_level`).
    """

    x: Real
    notes: list[str]


def prepare_sound(x: ArrayLike, fs: float, seed: int) -> Sound:
    """Bring a recording, as `covarep` takes it, to the form that is analysed.

    Digital silence of 25 ms or longer has no prediction filter: it is dithered, by ``seed``. A
    `MediaError` says if it is no recording: another shape, numbers that are not finite, no rate.
    """
    samples = _checked(np.asarray(x), fs)
    several = samples.ndim == 2 and samples.shape[1] > 1
    recorded = _scaled(samples if samples.ndim == 1 else samples[:, 0])
    brought = _at_rate(without_level(recorded, fs), fs)
    prepared = dithered(brought, FRAME_S, seed)
    facts = {
        "of_several_channels": several,
        "resampled": fs != FS,
        "clipped": _is_clipped(recorded, fs),
        "with_an_offset": len(brought) > 1 and abs(recorded.mean()) > OFFSET * recorded.std(),
        "dithered": prepared is not brought,
    }
    return Sound(prepared, [name for name, so in facts.items() if so])


def without_level(x: Real, fs: float) -> Real:
    """Return a signal without the level of its silence, where that is not zero.

    Between two silences the level changes linearly; before the first and after the last it is
    theirs. A signal whose silence is at zero, or that has none, is returned as it is.
    """
    length = max(round_half_up(FRAME_S * fs), 2)
    if len(x) < length:
        return x
    edges, levels = _steady(x, length)
    if abs(levels).max(initial=0) <= LEVEL:
        return x
    return x - np.interp(np.arange(len(x)), edges, levels)


def _steady(x: Real, length: int) -> tuple[Real, Real]:
    """Return the first and last sample of every steady stretch, and its level at both."""
    from scipy.ndimage import maximum_filter1d, minimum_filter1d

    windows = slice(length // 2, length // 2 + len(x) - length + 1)
    highest, lowest = (f(x, length)[windows] for f in (maximum_filter1d, minimum_filter1d))
    bound = np.maximum(STEADY * np.abs(highest + lowest) / 2, 2 * LEAST_BIT)
    steady = highest - lowest <= bound
    changes = np.flatnonzero(np.diff(steady, prepend=False, append=False)).reshape(-1, 2)
    spans = changes + np.array([0, length - 2])
    levels = [(x[first : last + 1]).mean() for first, last in spans]
    return spans.ravel(), np.repeat(levels, 2)


def dithered(x: Real, seconds: float, seed: int) -> Real:
    """Return a signal at 16 kHz with triangular noise, one step of 16 bits, in digital silence.

    That is where one value is held for so many seconds or longer.
    """
    silent = _held(x, round_half_up(seconds * FS))
    if not silent.any():
        return x
    noise = np.random.default_rng(seed).triangular(-LEAST_BIT, 0, LEAST_BIT, int(silent.sum()))
    noisy = x.copy()
    noisy[silent] += noise
    return noisy


def _checked(x: NDArray[np.generic], fs: float) -> NDArray[np.generic]:
    if x.ndim not in (1, 2) or (x.ndim == 2 and not x.shape[1]) or x.dtype.kind not in "iuf":
        raise MediaError(
            f"an array of shape {x.shape} and type {x.dtype} is no sound",
            where="covarep",
            hint="give real samples, shape (samples,) or (samples, channels)",
        )
    if not (np.isfinite(fs) and fs >= 1):
        raise MediaError(f"no sampling rate: {fs}", where="covarep", hint="give it in Hz")
    if not np.isfinite(x).all():
        raise MediaError("holds samples that are not finite numbers", where="covarep")
    return x


def _scaled(x: NDArray[np.generic]) -> Real:
    values = x.astype(np.float64)
    if x.dtype.kind == "f":
        return values
    half = 2.0 ** (8 * x.dtype.itemsize - 1)
    return values / half - (x.dtype.kind == "u")


def _at_rate(x: Real, fs: float) -> Real:
    import soxr

    if fs == FS or not len(x):
        return x
    return np.asarray(soxr.resample(x, fs, FS, quality="HQ"))


def _is_clipped(x: Real, fs: float) -> bool:
    """Whether the highest or the lowest value is held, for less time than in digital silence."""
    if not len(x):
        return False
    extreme = (x == x.max()) | (x == x.min())
    return bool((extreme & _held(x, HELD) & ~_held(x, round_half_up(FRAME_S * fs))).any())


def _held(x: Real, length: int) -> Flags:
    """Return which samples are in a run of at least ``length``, at least two, equal ones."""
    held = np.zeros(len(x), np.bool_)
    if len(x) >= max(length, 2):
        same = np.concatenate([[False], x[1:] == x[:-1], [False]])
        edges = np.flatnonzero(same[1:] != same[:-1]).reshape(-1, 2)
        for first, last in edges[np.diff(edges, axis=1)[:, 0] >= length - 1]:
            held[first : last + 1] = True
    return held
