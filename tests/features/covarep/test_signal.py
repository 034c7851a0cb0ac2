"""The shared conventions against definitions written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg, signal

from emocli.features.covarep import _signal


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def test_halves_are_rounded_away_from_zero() -> None:
    assert [_signal.round_half_up(v) for v in (0.5, 1.5, 2.5, -0.5, -2.5, 2.4)] == [
        1, 2, 3, -1, -3, 2,
    ]  # fmt: skip
    rounded = _signal.round_half_up(np.array([2.5, -2.5, 0.49]))
    assert rounded.tolist() == [3, -3, 0]
    assert rounded.dtype == np.int64


def test_the_window_has_no_zero_ends() -> None:
    for length in (1, 2, 7, 400):
        wanted = signal.windows.hann(length + 2)[1:-1]
        np.testing.assert_allclose(_signal.hanning(length), wanted, atol=1e-15)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(("length", "hop"), [(7, 3), (4, 4), (3, 5), (20, 1)])
def test_frames_lie_inside_the_signal(length: int, hop: int, strict: bool) -> None:
    for size in range(25):
        x = noise(size)
        last = size - 1 if strict else size
        begins = [k for k in range(0, size, hop) if k + length <= last]
        frames = _signal.cut(x, length, hop, strict=strict)
        assert frames.shape == (len(begins), length)
        for frame, begin in zip(frames, begins, strict=True):
            np.testing.assert_array_equal(frame, x[begin : begin + length])


@pytest.mark.parametrize(("length", "hop"), [(7, 3), (4, 4), (3, 5), (20, 1)])
def test_overlapping_frames_add_up(length: int, hop: int) -> None:
    for count in range(6):
        frames = noise(count, length)
        for size in (0, 3, count * hop + length, 60):
            wanted = np.zeros(1000)
            for k, frame in enumerate(frames):
                wanted[k * hop : k * hop + length] += frame
            added = _signal.overlap_add(frames, hop, size)
            np.testing.assert_allclose(added, wanted[:size], atol=1e-12)


def test_prediction_solves_the_normal_equations() -> None:
    frames = noise(5, 200) * _signal.hanning(200)
    for frame, taps in zip(frames, _signal.lpc(frames, 12), strict=True):
        correlation = np.correlate(frame, frame, "full")[199:]
        wanted = linalg.solve_toeplitz(correlation[:12], -correlation[1:13])
        np.testing.assert_allclose(taps, [1, *wanted], atol=1e-9)


def test_prediction_recovers_a_resonator() -> None:
    taps = np.array([1, -1.6, 0.81])
    x = signal.lfilter([1.0], taps, noise(20000))
    np.testing.assert_allclose(_signal.lpc(x[None], 2)[0], taps, atol=0.02)


def test_zeros_have_no_prediction_and_padding_changes_none() -> None:
    frames = np.vstack([np.zeros(50), noise(50)])
    taps = _signal.lpc(frames, 4)
    assert np.isnan(taps[0]).all()
    assert np.isfinite(taps[1]).all()
    np.testing.assert_allclose(_signal.lpc(np.pad(frames, ((0, 0), (0, 9))), 4)[1], taps[1])
    assert _signal.lpc(noise(1, 3), 5).shape == (1, 6)


def test_each_frame_has_its_own_filter() -> None:
    frames, taps = noise(4, 30), noise(4, 6, seed=1)
    wanted = [signal.lfilter(b, [1.0], x) for b, x in zip(taps, frames, strict=True)]
    np.testing.assert_allclose(_signal.fir(frames, taps), wanted, atol=1e-12)


def test_the_high_pass_lets_through_what_is_above_its_edge() -> None:
    time = np.arange(16000) / 16000
    bands = ((20, 0, 1e-3), (30, 0, 1e-3), (60, 0.45, 1), (500, 0.45, 1))
    for frequency, least, most in bands:
        passed = _signal.high_pass(np.sin(2 * np.pi * frequency * time), 16000, 50, 30)
        assert least <= np.abs(passed[6000:10000]).max() <= most + 1e-3


@pytest.mark.parametrize("size", [0, 1, 2, 5, 400])
def test_short_signals_can_be_filtered(size: int) -> None:
    x = noise(size)
    assert _signal.high_pass(x, 16000, 50, 30).shape == (size,)
    if size > 80:
        wanted = signal.filtfilt(np.ones(9) / 9, 1, x)
        np.testing.assert_array_equal(_signal.zero_phase(np.ones(9) / 9, 1, x), wanted)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 8, 9, 30])
def test_the_moving_average_narrows_towards_the_ends(size: int) -> None:
    x = noise(size)
    wanted = []
    for n in range(size):
        reach = min(4, n, size - 1 - n)
        wanted.append(x[n - reach : n + reach + 1].mean())
    np.testing.assert_allclose(_signal.moving_average(x, 9), wanted, atol=1e-12)


@pytest.mark.parametrize("size", [1, 4, 30])
def test_the_median_sees_zeros_beyond_the_ends(size: int) -> None:
    x = noise(size)
    padded = np.pad(x, 2)
    wanted = [sorted(padded[n : n + 5])[2] for n in range(size)]
    np.testing.assert_array_equal(_signal.median_filter(x, 5), wanted)
    two = _signal.median_filter(np.stack([x, -x], axis=1), 5)
    np.testing.assert_array_equal(two, np.stack([wanted, np.negative(wanted)], axis=1))


def test_maxima_are_inside_and_a_plateau_counts_once() -> None:
    x = np.array([5.0, 1, 3, 3, 2, 2, 4, 4, 5, 1, 1, 0, 2])
    assert _signal.local_maxima(x).tolist() == [2, 8]
    assert _signal.local_maxima(np.array([0.0, 1, 1])).tolist() == []
    for short in range(3):
        assert _signal.local_maxima(noise(short)).tolist() == []


def test_of_peaks_too_close_the_lower_goes() -> None:
    x = np.zeros(40)
    x[[2, 5, 9, 20, 24, 39]] = [1, 3, 2, 4, 4, 1]
    peaks = np.array([2, 5, 9, 20, 24, 39])
    assert _signal.thin_peaks(x, peaks, 4).tolist() == [5, 20, 39]
    assert _signal.thin_peaks(x, peaks, 3).tolist() == [5, 9, 20, 24, 39]
    falling = np.arange(5.0, 0, -1)  # judged all at once, not one after the other
    assert _signal.thin_peaks(falling, np.arange(5), 1).tolist() == [0]


def test_a_parabola_is_refined_exactly() -> None:
    at = np.array([-0.3, 0.0, 0.45])
    height = np.array([2.0, -1.0, 7.0])
    left, middle, right = (height - 3 * (n - at) ** 2 for n in (-1, 0, 1))
    offset, top = _signal.refine(left, middle, right)
    np.testing.assert_allclose(offset, at, atol=1e-12)
    np.testing.assert_allclose(top, height, atol=1e-12)
    flat = np.ones(1)
    assert [v.tolist() for v in _signal.refine(flat, flat, flat)] == [[0.0], [1.0]]
