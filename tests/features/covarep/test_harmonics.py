from __future__ import annotations

import numpy as np
import pytest

from emocli.features.covarep import harmonics
from emocli.features.covarep.harmonics import (
    FFT_SIZE,
    HarmonicFrames,
    harmonic_blocks,
    wrap,
)
from tests.features.covarep.voices import FS, harmonic_frames, harmonic_sum, voice

AMPLITUDES = np.array([1.0, 0.5, 0.8, 0.3, 0.2])
PHASES = np.array([0.3, -2.0, 1.0, 3.0, -0.7])


def one_frame(x: np.ndarray, centre: int, f0: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Amplitudes, phases and spacing by the definition, a harmonic at a time."""
    half = int(1.5 * FS / f0 + 0.5)
    window = np.blackman(2 * half + 1)
    spectrum = np.fft.fft(x[centre - half : centre + half + 1] * window / window.sum(), FFT_SIZE)
    spectrum = (spectrum * np.exp(2j * np.pi * np.arange(FFT_SIZE) * half / FFT_SIZE))[:2049]
    log = np.log(np.abs(spectrum))
    peaks = []
    for k in range(1, 2048):
        if log[k - 1] < log[k] > log[k + 1]:
            a, b, c = np.polyfit([-1, 0, 1], log[k - 1 : k + 2], 2)
            peaks.append((k - b / (2 * a), np.exp(c - b * b / (4 * a))))
    step, unwrapped = f0 * FFT_SIZE / FS, np.unwrap(np.angle(spectrum))
    places, amplitudes = [0.0], [np.abs(spectrum[0])]
    for h in range(1, int((FS / 2 - f0 / 2) / f0 + 0.5) + 1):
        place, amplitude = min(peaks, key=lambda peak, at=h * step: abs(peak[0] - at))
        if abs(place - h * step) >= step / 2:
            place, amplitude = h * step, np.abs(spectrum[int(h * step + 0.5)])
        places.append(place)
        amplitudes.append(amplitude)
    phases = np.interp(places, np.arange(2049), unwrapped)
    return np.array(amplitudes), phases, float(np.median(np.diff(places)) * FS / FFT_SIZE)


def test_a_known_sum_is_taken_apart() -> None:
    x = harmonic_sum(200.0, AMPLITUDES, PHASES, 1600, centre=800)
    frames = harmonic_frames(x, FS, np.array([800 / FS]), np.array([200.0]))
    np.testing.assert_allclose(2 * frames.amplitudes[0, 1:6], AMPLITUDES, rtol=5e-3)
    assert np.abs(wrap(frames.phases[0, 1:6] - PHASES)).max() < 0.01
    assert frames.amplitudes[0, 7:].max() < 1e-3


def test_the_spacing_is_that_of_the_peaks() -> None:
    x = harmonic_sum(200.0, np.ones(39), np.zeros(39), 1600)
    frames = harmonic_frames(x, FS, np.array([800 / FS]), np.array([203.0]))
    assert frames.f0 == 203
    assert frames.spacing == pytest.approx(200, abs=0.1)


def test_a_frame_agrees_with_its_definition() -> None:
    x = voice(130.0, 0.5)
    noise = np.random.default_rng(0).standard_normal(len(x))
    for signal in (x, noise):
        times, f0 = np.array([0.1, 0.2, 0.3, 0.4]), np.array([130.0, 77.0, 131.0, 333.0])
        frames = harmonic_frames(signal, FS, times, f0)
        for row in range(4):
            amplitudes, phases, spacing = one_frame(signal, round(times[row] * FS), f0[row])
            count = len(amplitudes)
            assert frames.counts[row] == count - 1
            np.testing.assert_allclose(frames.amplitudes[row, :count], amplitudes, rtol=1e-8)
            assert np.abs(wrap(frames.phases[row, :count] - phases)).max() < 1e-8
            assert frames.spacing[row] == pytest.approx(spacing, rel=1e-10)
            assert not frames.amplitudes[row, count:].any()
            assert frames.present[row].sum() == count


def test_windows_lie_inside_the_signal() -> None:
    half = 120  # of three periods of 200 Hz
    times = np.array([119, 120, 500, 879, 880]) / FS
    frames = harmonic_frames(np.ones(1000), FS, times, np.full(5, 200.0))
    assert frames.times.tolist() == (times[1:4]).tolist()
    assert len(harmonic_frames(np.ones(2 * half), FS, times, np.full(5, 200.0)).times) == 0


@pytest.mark.parametrize("f0", [0.0, 1.0, -3.0, np.nan, 5000.0])
def test_what_is_no_pitch_is_replaced(f0: float) -> None:
    frames = harmonic_frames(voice(100.0, 0.2), FS, np.array([0.1]), np.array([f0]))
    assert frames.f0.tolist() == [100.0]


def test_blocks_are_the_frames_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    x = voice(120.0, 0.5)
    times, f0 = np.arange(5, 45) / 100, np.linspace(80, 300, 40)
    [whole] = harmonic_blocks(x, FS, times, f0)
    monkeypatch.setattr(harmonics, "BLOCK", 7)
    blocks = list(harmonic_blocks(x, FS, times, f0))
    assert [len(block.times) for block in blocks] == [7] * 5 + [5]
    for name in vars(whole):
        joined = np.concatenate([getattr(block, name) for block in blocks])
        np.testing.assert_allclose(joined, getattr(whole, name), atol=1e-9)


def test_silence_and_nothing_are_finite() -> None:
    def finite(frames: HarmonicFrames) -> bool:
        return all(np.isfinite(values).all() for values in vars(frames).values())

    times = np.array([0.2, 0.3])
    assert finite(harmonic_frames(np.zeros(8000), FS, times, np.array([1.0, 100.0])))
    assert finite(harmonic_frames(np.zeros(0), FS, times, np.array([100.0, 100.0])))
    assert list(harmonic_blocks(np.zeros(0), FS, np.zeros(0), np.zeros(0))) == []


def test_angles_are_wrapped() -> None:
    angles = np.linspace(-20, 20, 1001)
    assert np.abs(np.exp(1j * wrap(angles)) - np.exp(1j * angles)).max() < 1e-12
    assert wrap(angles).min() >= -np.pi
    assert wrap(angles).max() <= np.pi
    assert wrap(np.zeros(1)).tolist() == [0.0]
