from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from emocli.features.covarep.residual import lp_residual, vocal_tract_order
from emocli.features.covarep.wavelet import mdq, peak_slope
from tests.features.covarep.conftest import Reference
from tests.features.covarep.voices import FS, irregular, vowel

Real = NDArray[np.float64]


def band(x: Real, octave: int) -> Real:
    """The definition, by a direct convolution."""
    t, fo, tau = np.arange(-1000, 1001) / FS, FS / 2, 1 / FS
    scaled = t / 2**octave
    wavelet = -np.cos(2 * np.pi * fo * scaled) * np.exp(-(scaled**2) / (2 * tau**2))
    return np.convolve(x, wavelet)[1000:-1000]


def test_dispersion_agrees_with_a_loop_over_pulses() -> None:
    x, gcis = irregular()
    times, values = mdq(x, FS, gcis)
    bands = [band(x, octave) for octave in range(2, 7)]
    assert times == pytest.approx(gcis / FS)
    for i, k in enumerate(gcis + 1):
        period = gcis[i] - gcis[i - 1] if i else gcis[1] - gcis[0]
        expected = 0.0
        if k - period > 0 and k + period <= len(x):
            reach = int(np.floor(0.2 * period + 0.5))
            peaks = [1 + int(y[k - reach - 1 : k + reach].argmax()) for y in bands]
            expected = np.mean([abs(reach - peak) for peak in peaks]) / period
        assert values[i] == pytest.approx(expected)


def test_dispersion_of_impulses() -> None:
    """At a negative impulse all bands are highest; the centre is counted one sample off."""
    period = 400
    gcis = period * np.arange(1, 20)
    residual = np.zeros(period * 21)
    residual[gcis] = -1
    _, values = mdq(residual, FS, gcis)
    assert values == pytest.approx(1 / period)
    _, late = mdq(np.roll(residual, 30), FS, gcis)
    assert late == pytest.approx(31 / period)


def test_dispersion_at_the_edges_and_of_few_instants() -> None:
    x, _ = irregular()
    gcis = np.array([60, 180, 330, 480])
    _, values = mdq(x[:500], FS, gcis)
    assert values[[0, 3]].tolist() == [0, 0]
    assert (values[1:3] > 0).all()
    for few in (gcis[:0], gcis[:1]):
        times, values = mdq(x, FS, few)
        assert len(times) == len(values) == len(few)
        assert not values.any()
    assert np.isfinite(mdq(np.zeros(500), FS, gcis)[1]).all()


def test_slope_agrees_with_its_definition() -> None:
    x, _ = irregular()
    times, values = peak_slope(x, FS)
    bands = np.abs([band(x, octave) for octave in reversed(range(7))])
    assert len(values) == (len(x) - 640) // 160 + 1
    for frame in (0, 7, len(values) - 1):
        start = 160 * frame
        peaks = np.log10(bands[:, start : start + 640].max(axis=1))
        assert values[frame] == pytest.approx(np.polyfit(np.arange(1, 8), peaks, 1)[0])
        assert times[frame] * FS == pytest.approx(start + 320)


def test_slope_of_an_impulse_and_of_a_step() -> None:
    """An impulse is as high in every band; a step half as high an octave up."""
    impulse = np.zeros(8000)
    impulse[4000] = 1
    times, values = peak_slope(impulse, FS)
    near = np.abs(times - 0.25) < 0.015
    assert values[near] == pytest.approx(0, abs=1e-9)
    step = np.cumsum(impulse) - 0.5
    low = peak_slope(step, FS)[1][near]
    assert low == pytest.approx(-np.log10(2), abs=0.05)


def test_slope_orders_voices_by_their_tilt() -> None:
    source = np.zeros(8000)
    source[100::128] = 1
    slopes = [
        np.median(peak_slope(vowel(signal.lfilter([1], [1, -pole], source)), FS)[1])
        for pole in (0.0, 0.7, 0.95)
    ]
    assert slopes[0] > slopes[1] + 0.05 > slopes[2] + 0.1


def test_slope_of_silence_and_of_a_short_sound() -> None:
    assert not peak_slope(np.zeros(1600), FS)[1].any()
    for samples in (0, 1, 639):
        times, values = peak_slope(np.ones(samples), FS)
        assert len(times) == len(values) == 0


def test_agrees_with_the_original(references: list[Reference]) -> None:
    for each in references:
        residual = lp_residual(each.x, FS, vocal_tract_order(FS))
        for name, (times, values) in {
            "MDQ": mdq(residual, FS, each.gcis),
            "peakSlope": peak_slope(each.x, FS),
        }.items():
            on_grid = each.on_grid(times * FS, values)
            assert on_grid == pytest.approx(each.features[name], abs=1e-9), (each.name, name)
