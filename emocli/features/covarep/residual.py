"""Residual of linear prediction: speech without formants, where glottal closures stand out.

Source: Makhoul 1975, Proceedings of the IEEE 63(4).
"""

from __future__ import annotations

import numpy as np

from emocli.features.covarep._signal import Real, cut, fir, hanning, lpc, overlap_add, round_half_up

FRAME_S = 0.025
HOP_S = 0.005

BLOCK = 2000
"""Frames filtered at once: 10 s of sound."""


def vocal_tract_order(fs: float) -> int:
    """Order of prediction that covers the formants at a sampling rate."""
    return round_half_up(fs / 1000) + 2


def lp_residual(
    x: Real,
    fs: float,
    order: int,
    predicted_from: Real | None = None,
    *,
    normalised: bool = True,
) -> Real:
    """Return the residual of a signal.

    Frames of 25 ms every 5 ms are windowed, filtered by their own inverse filter, given their
    energy back and added up.

    Parameters
    ----------
    order : int
        Order of the prediction.
    predicted_from : ndarray, shape (samples,), optional
        Another signal to take the filters from, by default ``x``.
    normalised : bool
        Make the largest absolute value 1.

    Returns
    -------
    ndarray, shape (samples,)
        Zero where no filter is defined: in frames of zeros, and at the end beyond the last whole
        frame.
    """
    length, hop = round_half_up(FRAME_S * fs) + 1, round_half_up(HOP_S * fs)
    frames = cut(x, length, hop, strict=True)
    sources = frames if predicted_from is None else cut(predicted_from, length, hop, strict=True)
    window = hanning(length)
    residual = np.zeros(len(x))
    for begin in range(0, len(frames), BLOCK):
        block = frames[begin : begin + BLOCK] * window
        source = block if sources is frames else sources[begin : begin + BLOCK] * window
        part = residual[begin * hop :]
        size = (len(block) - 1) * hop + length
        part[:size] += overlap_add(_whitened(block, lpc(source, order)), hop, size)
    peak = np.abs(residual).max(initial=0)
    return residual / peak if normalised and peak else residual


def _whitened(frames: Real, filters: Real) -> Real:
    """Filter the frames and give each its energy back; those without a filter are zero."""
    whitened = fir(frames, filters)
    energy = np.einsum("fn,fn->f", frames, frames)
    left = np.einsum("fn,fn->f", whitened, whitened)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.sqrt(energy / left)
    usable = np.isfinite(gain)
    return np.where(usable[:, None], whitened, 0) * np.where(usable, gain, 0)[:, None]
