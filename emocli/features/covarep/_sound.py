"""What a recording needs before it is analysed: one channel, 16 kHz, no digital silence."""

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


@dataclass(frozen=True)
class Sound:
    """A recording ready for analysis.

    Attributes
    ----------
    x : ndarray, shape (samples,)
        Its first channel at 16 kHz.
    notes : list of str
        What was found and done: ``of_several_channels``, ``resampled``, ``clipped`` (its peak is
        held for three samples), ``with_an_offset`` (a mean of more than a tenth of the standard
        deviation), ``dithered``.
    """

    x: Real
    notes: list[str]


def prepare_sound(x: ArrayLike, fs: float, seed: int) -> Sound:
    """Bring a recording to the form that is analysed.

    Digital silence, that is one value for 25 ms or longer, has no prediction filter: it gets
    triangular noise of one step of 16 bits.

    Parameters
    ----------
    x : array_like, shape (samples,) or (samples, channels)
        Full scale is 1; whole numbers are scaled by their type.
    fs : float
        Sampling rate in Hz.
    seed : int
        Of the noise.

    Raises
    ------
    MediaError
        If it is no recording: another shape, numbers that are not finite, no rate.
    """
    samples = _checked(np.asarray(x), fs)
    several = samples.ndim == 2 and samples.shape[1] > 1
    recorded = _scaled(samples if samples.ndim == 1 else samples[:, 0])
    brought = _at_rate(recorded, fs)
    silent = _held(brought, round_half_up(FRAME_S * FS))
    facts = {
        "of_several_channels": several,
        "resampled": fs != FS,
        "clipped": _is_clipped(recorded),
        "with_an_offset": len(brought) > 1 and abs(brought.mean()) > OFFSET * brought.std(),
        "dithered": silent.any(),
    }
    return Sound(_dithered(brought, silent, seed), [name for name, so in facts.items() if so])


def _checked(x: NDArray[np.generic], fs: float) -> NDArray[np.generic]:
    if x.ndim not in (1, 2) or (x.ndim == 2 and not x.shape[1]) or x.dtype.kind not in "iuf":
        raise MediaError(
            f"an array of shape {x.shape} and type {x.dtype} is no sound",
            where="covarep",
            mend="give real samples, shape (samples,) or (samples, channels)",
        )
    if not (np.isfinite(fs) and fs >= 1):
        raise MediaError(f"no sampling rate: {fs}", where="covarep", mend="give it in Hz")
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
    resampled: Real = soxr.resample(x, fs, FS, quality="HQ")
    return resampled


def _dithered(x: Real, silent: Flags, seed: int) -> Real:
    noise = np.zeros(len(x))
    size = int(silent.sum())
    noise[silent] = np.random.default_rng(seed).triangular(-LEAST_BIT, 0, LEAST_BIT, size)
    return x + noise


def _is_clipped(x: Real) -> bool:
    """Whether the largest magnitude is held for some samples, not all of them."""
    size = np.abs(x)
    held = (size == size.max(initial=0)) & _held(x, HELD)
    return bool(held.any() and not held.all())


def _held(x: Real, length: int) -> Flags:
    """Return which samples are in a run of at least ``length`` equal ones."""
    starts = np.flatnonzero(np.diff(x, prepend=np.nan) != 0)
    lengths = np.diff(starts, append=len(x))
    return np.repeat(lengths >= length, lengths)
