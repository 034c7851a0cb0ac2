from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import linalg, signal

from emocli.features.covarep.iaif import glottal_flow
from tests.features.covarep.voices import FORMANTS, FS, irregular, raised_cosines, vowel

Real = NDArray[np.float64]


def predictor(x: Real, order: int) -> Real:
    lags = [float(x[: len(x) - lag] @ x[lag:]) for lag in range(order + 1)]
    return np.array([1.0, *linalg.solve_toeplitz(lags[:-1], [-lag for lag in lags[1:]])])


def one_by_one(x: Real, gcis: NDArray[np.int64]) -> tuple[Real, Real]:
    """The definition: a loop over pulses, samples counted from one."""
    flow, derivative = np.zeros((2, len(x)))
    taps = signal.firls(301, [0, 40, 70, FS / 2], [0, 0, 1, 1], fs=FS)
    for i, gci in enumerate(gcis):
        period = gci - gcis[i - 1] if i else gcis[1] - gcis[0]
        first, last = max(gci - period, 1), min(gci + period, len(x))
        frame = x[first - 1 : last]
        window = signal.windows.hann(len(frame) + 2)[1:-1]
        padded = np.concatenate([frame * window, np.zeros(150)])
        frame = signal.lfilter(taps, 1, padded)[150:]
        speech = np.concatenate([np.linspace(-frame[0], frame[0], 21), frame])
        y = signal.lfilter(predictor(frame * window, 1), 1, speech)[21:]
        y = signal.lfilter(predictor(y * window, 20), [1, -0.99], speech)[21:]
        y = signal.lfilter(predictor(y * window, 8), [1, -0.99], speech)[21:]
        tract = predictor(y * window, 20)
        derivative[first - 1 : last] += signal.lfilter(tract, 1, speech)[21:]
        flow[first - 1 : last] += signal.lfilter(tract, [1, -0.99], speech)[21:]
    return flow, derivative


def test_agrees_with_a_loop_over_pulses() -> None:
    x, gcis = irregular()
    for ours, loop in zip(glottal_flow(x, FS, gcis), one_by_one(x, gcis), strict=True):
        assert ours == pytest.approx(loop, abs=1e-8 * np.abs(loop).max())


def test_finds_the_flow_that_made_a_vowel() -> None:
    flow, slope, gcis = raised_cosines(period=128, opened=60, count=30)
    estimate, derivative = glottal_flow(vowel(slope), FS, gcis)
    whole = slice(gcis[5], gcis[-5])
    assert np.corrcoef(derivative[whole], slope[whole])[0, 1] > 0.85
    assert np.corrcoef(estimate[whole], flow[whole])[0, 1] > 0.9


def test_the_estimate_does_not_follow_the_formants() -> None:
    _, slope, gcis = raised_cosines(period=128, opened=60, count=30)
    one, other = (
        glottal_flow(vowel(slope, formants), FS, gcis)[1][gcis[5] : gcis[-5]]
        for formants in (FORMANTS, ((300, 60), (2200, 90), (2900, 120), (3600, 150)))
    )
    assert np.corrcoef(one, other)[0, 1] > 0.9


def test_nothing_without_two_instants_or_away_from_them() -> None:
    x, gcis = irregular()
    for few in (gcis[:0], gcis[:1]):
        assert not np.any(glottal_flow(x, FS, few))
    flow, derivative = glottal_flow(x, FS, gcis[3:6])
    beyond = gcis[5] + gcis[5] - gcis[4]
    assert not flow[beyond:].any()
    assert not derivative[beyond:].any()
    assert flow[gcis[4]] != 0


def test_silence_and_edges_are_finite() -> None:
    gcis = np.array([1, 70, 150, 155, 900, 999])
    x, _ = irregular()
    for sound in (np.zeros(1000), x[:1000], np.where(np.arange(1000) < 300, 0, x[:1000])):
        assert np.isfinite(glottal_flow(sound, FS, gcis)).all()
    assert not np.any(glottal_flow(np.zeros(1000), FS, gcis))
