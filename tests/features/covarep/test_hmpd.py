from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import filtfilt, medfilt

from emocli.features.covarep import hmpd as module
from emocli.features.covarep.harmonics import HarmonicFrames, harmonic_blocks, wrap
from emocli.features.covarep.hmpd import classes, hmpd, median_of_nine, phase_distortion
from tests.features.covarep.conftest import Reference
from tests.features.covarep.voices import FS, harmonic_frames, harmonic_sum, voice

F0 = 125.0  # eight bins
COUNT = 63


def flat_frames(phases: np.ndarray) -> HarmonicFrames:
    """Frames of equal amplitudes, whose envelope has no phase; phases of harmonics 1, 2, ..."""
    count = len(phases)
    padded = np.concatenate([np.zeros((count, 1)), phases], axis=1)
    f0, counts = np.full(count, F0), np.full(count, phases.shape[1])
    times = 0.05 + np.arange(count) / 100
    return HarmonicFrames(times, f0, f0, counts, np.ones_like(padded), padded, np.zeros((count, 0)))


def test_distortion_of_known_phases() -> None:
    phases = np.random.default_rng(0).uniform(-np.pi, np.pi, (4, COUNT))
    result = phase_distortion(flat_frames(phases), FS, np.random.default_rng(1))
    wanted = wrap(np.diff(phases, axis=1) - phases[:, :1])  # of harmonics 2, 3, ... at their own
    np.testing.assert_allclose(np.abs(wrap(result[:, 16:505:8] - wanted)), 0, atol=1e-9)
    assert not result[:, :9].any()  # nothing up to the pitch
    half = result[:, 12:505:8] - result[:, 8:505:8][:, :62]
    np.testing.assert_allclose(  # and half way from one to the next, the shorter way round
        wrap(half), wrap(np.diff(result[:, 8:505:8], axis=1)) / 2, atol=1e-9
    )


def test_a_delay_has_no_distortion() -> None:
    number = np.arange(1, COUNT + 1)
    delayed = np.stack([wrap(number * delay) for delay in (0.3, 1.0, -2.0)])
    result = phase_distortion(flat_frames(delayed), FS, np.random.default_rng(0))
    assert np.abs(result[:, :505]).max() < 1e-9


def test_the_vocal_tracts_phase_is_taken_out() -> None:
    """A minimum-phase filter through which flat harmonics go leaves no distortion."""
    number = np.arange(1, COUNT + 1)
    response = 1 / (1 - 0.8 * np.exp(-2j * np.pi * F0 * number / FS)) ** 2
    frames = flat_frames(np.angle(response)[None])
    before = phase_distortion(frames, FS, np.random.default_rng(0))[:, 20:300]
    amplitudes = np.concatenate([[1.0], np.abs(response)])[None]
    filtered = HarmonicFrames(**{**vars(frames), "amplitudes": amplitudes})
    left = phase_distortion(filtered, FS, np.random.default_rng(0))[:, 20:300]
    assert np.abs(left).max() < 0.05
    assert np.abs(before).max() > 0.3


def test_mean_and_deviation_of_known_phases() -> None:
    random = np.random.default_rng(0)
    number = np.arange(COUNT)
    bent = np.cumsum(np.concatenate([[0.0], 0.1 + 0.02 * number[1:]]))  # distortion .12, .14, ...
    steady = flat_frames(np.tile(bent, (200, 1)))
    noisy = flat_frames(bent + 0.25 * random.standard_normal((200, COUNT)))
    still, shaky = hmpd([steady], FS), hmpd([noisy], FS)
    wanted = np.interp(np.arange(505), 8 * (number + 1), np.r_[0, 0.1 + 0.02 * number[1:]])
    np.testing.assert_allclose(
        still.mean[50:-50, 18], wanted[: 512 - 7][classes()[:505] == 19].mean(), atol=0.02
    )
    assert np.abs(shaky.mean - still.mean)[50:-50, :24].max() < 0.3
    assert (shaky.deviation[50:-50, 0] > still.deviation[50:-50, 0] + 3).all()


def test_the_deviation_is_a_standard_deviation() -> None:
    angles = 0.3 * np.random.default_rng(0).standard_normal((400, 513))
    result = module._deviation(angles, np.cos(angles), np.sin(angles))
    assert result[20:-20].mean() == pytest.approx(0.3, rel=0.1)


@pytest.mark.parametrize("length", [9, 25])
def test_filters_are_zero_phase(length: int) -> None:
    x = np.random.default_rng(0).standard_normal((100, 3))
    taps = np.hanning(length + 2)[1:-1]
    result = module.zero_phase_fir(taps / taps.sum(), x)
    np.testing.assert_allclose(result, filtfilt(taps / taps.sum(), 1.0, x, axis=0), atol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 8, 9, 50])
def test_the_median_is_of_nine(size: int) -> None:
    x = np.random.default_rng(0).standard_normal((size, 4))
    wanted = np.stack([medfilt(np.pad(column, 8), 9)[8:-8] for column in x.T], axis=1)
    np.testing.assert_array_equal(median_of_nine(x), wanted)


def test_classes_widen_with_frequency() -> None:
    result = classes()
    assert result[:8].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert len(result) == 512
    assert result[-1] == 25
    assert set(np.diff(result).tolist()) == {0, 1}


@pytest.mark.parametrize("count", [0, 1, 2, 5, 24, 25, 73])
def test_any_number_of_frames_will_do(count: int) -> None:
    x, times = voice(120.0, 1.0), 0.1 + np.arange(count) / 100
    result = hmpd(harmonic_blocks(x, FS, times, np.full(count, 120.0)), FS)
    assert result.mean.shape == (len(result.times), 25)
    assert result.deviation.shape == (len(result.times), 13)
    assert len(result.times) == max(2 * count - 1, 0)
    assert all(np.isfinite(values).all() for values in result)


def test_times_are_multiples_of_5_ms() -> None:
    frames = harmonic_frames(voice(120.0, 0.5), FS, np.array([0.1012, 0.1112]), np.full(2, 120.0))
    np.testing.assert_allclose(hmpd([frames], FS).times, [0.105, 0.11])
    between = HarmonicFrames(**{name: values[:1] for name, values in vars(frames).items()})
    np.testing.assert_allclose(hmpd([between], FS).times, [0.1012])


def test_how_frames_are_cut_up_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    x = voice(np.linspace(100, 200, FS * 2), 2.0, noise=1e-3)
    times = 0.1 + np.arange(180) / 100
    f0 = np.interp(times, [0, 2], [100, 200])
    whole = harmonic_frames(x, FS, times, f0)
    one = hmpd([whole], FS)
    monkeypatch.setattr(module, "LENGTH", 40)
    cut = (
        HarmonicFrames(**{name: values[k : k + 13] for name, values in vars(whole).items()})
        for k in range(0, 180, 13)
    )
    parts = hmpd(cut, FS)
    np.testing.assert_allclose(np.exp(1j * parts.mean), np.exp(1j * one.mean), atol=1e-9)
    np.testing.assert_allclose(parts.deviation[1:-1], one.deviation[1:-1], atol=1e-9)


def test_only_what_is_above_the_last_harmonic_is_random() -> None:
    x = harmonic_sum(120.0, np.ones(60), np.linspace(0, 9, 60), FS)
    frames = harmonic_frames(x, FS, 0.1 + np.arange(80) / 100, np.full(80, 120.0))
    one, other = hmpd([frames], FS, seed=0), hmpd([frames], FS, seed=1)
    np.testing.assert_array_equal(one.mean[:, :24], other.mean[:, :24])
    assert (one.mean[:, 24] != other.mean[:, 24]).any()
    np.testing.assert_array_equal(one.mean, hmpd([frames], FS, seed=0).mean)


def test_they_are_covareps(references: list[Reference]) -> None:
    deviations = []
    for each in references:
        arrays = each.arrays
        blocks = harmonic_blocks(each.x, FS, arrays["srh_time_s"], arrays["srh_f0"].astype(float))
        result = hmpd(blocks, FS)
        places, voiced = result.times * FS + 1, each.features["VUV"] > 0
        for k, track in enumerate(np.unwrap(result.mean, axis=0).T):
            apart = np.exp(1j * (each.on_grid(places, track) - each.features[f"HMPDM_{k}"]))
            if k < 24:
                np.testing.assert_allclose(apart, 1, atol=1e-9)
            else:
                assert np.abs(apart[voiced].mean()) > 0.9
        columns = [each.on_grid(places, column) for column in result.deviation.T]
        inner = (
            voiced & (np.cumsum(columns[0] != 0) > 1) & (np.cumsum(columns[0][::-1] != 0) > 1)[::-1]
        )
        for k, column in enumerate(columns):  # but for the ends, where it is rounding
            original = each.features[f"HMPDD_{k}"]
            assert np.corrcoef(column[inner], original[inner])[0, 1] > 0.99 or voiced.mean() < 0.1
        pairs = [(c[voiced], each.features[f"HMPDD_{k}"][voiced]) for k, c in enumerate(columns)]
        deviations.append([np.corrcoef(*pair)[0, 1] for pair in pairs])
    assert np.min(deviations) > 0.8
    assert np.median(deviations, axis=0).min() > 0.97
