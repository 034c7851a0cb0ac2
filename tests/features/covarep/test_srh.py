from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emocli.features.covarep import srh
from emocli.features.covarep._signal import round_half_up
from emocli.features.covarep.residual import lp_residual
from tests.features.covarep.conftest import Reference
from tests.features.covarep.voices import FS, voice


@pytest.mark.parametrize("f0", [60, 100, 173, 320, 480])
def test_a_known_pitch_is_found(f0: float) -> None:
    pitch = srh.srh(voice(f0), FS)
    assert pitch.voiced.all()
    np.testing.assert_allclose(pitch.f0, f0, atol=1)
    assert pitch.median() == pytest.approx(f0, abs=1)


def test_a_gliding_pitch_is_followed() -> None:
    glide = np.linspace(110, 190, 2 * FS)
    pitch = srh.srh(voice(glide, 2.0), FS)
    np.testing.assert_allclose(pitch.f0, glide[(pitch.times * FS).astype(int)], atol=6)


@pytest.mark.parametrize("fs", [8000, 16000, 22050, 44100, 48000])
def test_any_rate_will_do(fs: int) -> None:
    pitch = srh.srh(voice(150, 0.6, fs), fs)
    assert pitch.voiced.all()
    np.testing.assert_allclose(pitch.f0, 150, atol=1.5)
    assert pitch.times[0] == pytest.approx(0.05, abs=0.001)
    np.testing.assert_allclose(np.diff(pitch.times), 0.01, atol=1e-4)
    assert pitch.times[-1] < 0.6


def test_noise_is_hardly_voiced() -> None:
    noise = np.random.default_rng(0).standard_normal(5 * FS)
    pitch = srh.srh(noise, FS)
    assert pitch.voiced.mean() < 0.05
    assert srh.srh(0.2 * noise + np.tile(voice(150), 5), FS).voiced.mean() > 0.8


def test_a_frame_is_the_defined_sum() -> None:
    """One frame by the article: harmonics less the middles between them, from a plain transform."""
    x = voice(137, 0.3, noise=0.01)
    residual = lp_residual(x, FS, 12)
    frame = residual[480 : 480 + 1598] * np.blackman(1598)
    frame -= frame.mean()
    spectrum = np.abs(np.fft.fft(frame, FS))[:8000]
    spectrum /= np.sqrt((spectrum**2).sum())

    def bin_at(hertz: float) -> float:  # counted from 1
        return float(spectrum[round_half_up(hertz) - 1])

    sums = [
        sum(bin_at(h * f) for h in range(1, 6)) - sum(bin_at((h + 0.5) * f) for h in range(1, 5))
        for f in range(50, 501)
    ]
    pitch = srh.srh(x, FS)
    assert pitch.strength[3] == pytest.approx(max(sums))
    assert pitch.f0[3] == 50 + int(np.argmax(sums))
    assert pitch.times[3] == pytest.approx((800 + 480) / FS)


def test_the_second_search_is_an_octave_either_way() -> None:
    f0 = np.array([100.0, 100, 101, 400])
    assert srh._limits(f0, np.array([0.2, 0.2, 0.2, 0.05]), 50, 500) == (50, 200)
    assert srh._limits(f0, np.array([0.2, 0.2, 0.2, 0.05]), 20, 500) == (50, 200)
    assert srh._limits(f0, np.full(4, 0.1), 50, 500) == (50, 500)
    assert srh._limits(f0 * 4, np.full(4, 0.2), 50, 500) == (201, 500)
    x = np.concatenate([voice(110, 1.5), voice(300, 0.4)])
    assert srh.srh(x, FS).f0.max() <= 221


def test_the_threshold_rises_where_strengths_differ() -> None:
    assert srh._threshold(np.array([0.0, 0.2])) == 0.085
    assert srh._threshold(np.array([0.1, 0.15])) == 0.07
    assert srh._threshold(np.array([0.3])) == 0.07


def test_the_median_is_strictly_inside() -> None:
    f0 = np.array([50.0, 100, 110, 500])
    pitch = srh.Pitch(np.arange(4) / 100, f0, np.ones(4), np.array([True, False, True, True]))
    assert pitch.median() == 110
    assert pitch.median(20, 600) == 110
    assert pitch.median(110, 500) is None


@pytest.mark.parametrize(("size", "frames"), [(0, 0), (1, 0), (1598, 0), (1599, 1), (1759, 2)])
def test_a_frame_lies_inside_the_recording(size: int, frames: int) -> None:
    pitch = srh.srh(voice()[:size], FS)
    assert len(pitch.f0) == len(pitch.times) == len(pitch.voiced) == frames


def test_silence_has_the_least_pitch_and_no_strength() -> None:
    pitch = srh.srh(np.zeros(4000), FS)
    assert set(pitch.f0) == {50}
    assert not pitch.strength.any()
    assert not pitch.voiced.any()


def test_it_is_covareps(references: list[Reference]) -> None:
    for each in references:
        pitch = srh.srh(each.x, each.fs)
        np.testing.assert_allclose(pitch.times, each.arrays["srh_time_s"], atol=1e-12)
        np.testing.assert_array_equal(pitch.f0, each.arrays["srh_f0"], each.name)
        np.testing.assert_array_equal(pitch.voiced, each.arrays["srh_vuv"] > 0, each.name)


def test_only_what_is_outside_the_narrower_limits_is_searched_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searched: list[tuple[object, ...]] = []
    search = srh._search

    def watched(*arguments: Any) -> tuple[Any, Any]:
        searched.append(arguments)
        return search(*arguments)

    monkeypatch.setattr(srh, "_search", watched)
    pitch = srh.srh(np.concatenate([voice(110, 1.5), voice(300, 0.4)]), FS)
    (frames, every, *_), (_, again, *limits) = searched
    assert 0 < len(again) < len(every) / 2
    f0, strength = search(frames, every, *limits)
    np.testing.assert_array_equal(pitch.f0, f0)
    np.testing.assert_array_equal(pitch.strength, strength)
