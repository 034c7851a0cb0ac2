"""Glottal flow by iterative adaptive inverse filtering (IAIF) around each closure instant.

Source: Alku 1992, Speech Communication 11(2-3).
"""

from __future__ import annotations

import numpy as np
from scipy import signal

from emocli.features.covarep._signal import Real, Whole, fir, lpc, round_half_up
from emocli.features.covarep._spans import batches_by_length, gather, periods, windows

LEAK = 0.99


def glottal_flow(x: Real, fs: int, gcis: Whole) -> tuple[Real, Real]:
    """Estimate the glottal flow and its derivative from speech.

    Two pitch periods about each closure instant, Hann windowed, are inverse filtered: a first
    vocal-tract filter gives a flow, that gives a model of the source, and with the source taken off
    the final vocal-tract filter is found. The stretches are added up where they overlap.

    Returns
    -------
    flow, derivative : ndarray, shape (samples,)
        On an arbitrary scale; 0 away from closure instants, where the sound is digital silence and
        everywhere if there are fewer than two instants.

    Source: Alku 1992, Speech Communication 11(2-3), figure 2; pitch-synchronous as in COVAREP,
    whose frames begin one sample before the instant less its period.
    """
    flow, derivative = np.zeros(len(x)), np.zeros(len(x))
    if len(gcis) < 2:
        return flow, derivative
    around = periods(gcis)
    starts = np.maximum(gcis - around - 1, 0)
    lengths = np.minimum(gcis + around, len(x)) - starts
    enough = lengths > _vocal_tract_order(fs)
    starts, lengths = starts[enough], lengths[enough]
    high_pass = _high_pass(fs)
    for batch in batches_by_length(lengths):
        frames, _ = gather(x, starts[batch], lengths[batch])
        pulses = _inverse_filter(frames, lengths[batch], fs, high_pass)
        for total, rows in zip((flow, derivative), pulses, strict=True):
            for row, start, length in zip(rows, starts[batch], lengths[batch], strict=True):
                total[start : start + length] += row[:length]
    return flow, derivative


def _vocal_tract_order(fs: int) -> int:
    return 2 * round_half_up(fs / 2000) + 4


def _high_pass(fs: int) -> Real:
    order = round_half_up(300 * fs / 16000)
    return np.asarray(signal.firls(order + order % 2 + 1, [0, 40, 70, fs / 2], [0, 0, 1, 1], fs=fs))


def _inverse_filter(frames: Real, lengths: Whole, fs: int, high_pass: Real) -> tuple[Real, Real]:
    """Return the flow and its derivative in each frame, shape (frames, samples)."""
    window = windows(lengths, 0.5, ends=False)
    x = signal.fftconvolve(frames * window, high_pass[None], mode="full", axes=1)
    delay = len(high_pass) // 2
    x = x[:, delay : delay + frames.shape[1]] * (window > 0)
    order = _vocal_tract_order(fs)
    ramp = x[:, :1] * np.linspace(-1, 1, order + 1)
    speech = np.hstack([ramp, x])

    def model(y: Real, order: int) -> Real:
        return np.nan_to_num(lpc(y * window, order))  # silence has no model and so no flow

    flat = fir(speech, model(x, 1))[:, ramp.shape[1] :]
    tract = model(flat, order)
    source = _integrated(fir(speech, tract))[:, ramp.shape[1] :]
    source_filter = model(source, 2 * round_half_up(fs / 4000))
    vocal = _integrated(fir(speech, source_filter))[:, ramp.shape[1] :]
    derivative = fir(speech, model(vocal, order))
    return _integrated(derivative)[:, ramp.shape[1] :], derivative[:, ramp.shape[1] :]


def _integrated(frames: Real) -> Real:
    return np.asarray(signal.lfilter([1.0], [1.0, -LEAK], frames, axis=1))
