from __future__ import annotations

import numpy as np
import pytest

from emocli.features.covarep import _sound, covarep
from tests.features.covarep.voices import FS, voice


@pytest.mark.parametrize("length", [2, 3, 5, 40])
def test_runs_of_equal_values(length: int) -> None:
    for seed in range(20):
        x = np.random.default_rng(seed).integers(0, 2, seed + 1).astype(float)
        wanted = np.zeros(len(x), bool)
        for n in range(len(x)):
            first = last = n
            while first and x[first - 1] == x[n]:
                first -= 1
            while last < len(x) - 1 and x[last + 1] == x[n]:
                last += 1
            wanted[n] = last - first + 1 >= length
        np.testing.assert_array_equal(_sound._held(x, length), wanted)


def test_only_digital_silence_is_dithered() -> None:
    x = np.concatenate([voice(seconds=0.2), np.zeros(400), voice(seconds=0.2), np.zeros(399)])
    sound = _sound.prepare_sound(x, FS, 0)
    silent = slice(3200, 3600)
    changed = sound.x != x
    assert changed[silent].mean() > 0.99
    assert not changed[:3200].any()
    assert not changed[3600:].any()
    assert np.abs(sound.x[silent]).max() <= 2**-15
    assert sound.notes == ["dithered"]
    np.testing.assert_array_equal(_sound.prepare_sound(x, FS, 0).x, sound.x)
    assert (_sound.prepare_sound(x, FS, 1).x != sound.x).any()


def test_what_is_clipped() -> None:
    x = voice(seconds=0.3)
    assert not _sound.prepare_sound(x, FS, 0).notes
    for clipped in (np.clip(x, -0.2, 0.2), np.clip(x, -0.2, 1), np.clip(x, -1, 0.2) / 0.2):
        assert _sound.prepare_sound(clipped, FS, 0).notes == ["clipped"]


def test_other_rates_keep_length_and_sound() -> None:
    for fs in (8000, 44100):
        time = np.arange(fs) / fs
        result = _sound.prepare_sound(np.sin(2 * np.pi * 300 * time) * np.hanning(fs), fs, 0)
        wanted = np.sin(2 * np.pi * 300 * np.arange(FS) / FS) * np.hanning(FS)
        np.testing.assert_allclose(result.x, wanted, atol=2e-3)
        assert result.notes == ["resampled"]


NOISE = np.random.default_rng(0)
LEVELS = {
    "one level": np.full(FS, 0.25),
    "full scale": np.full(FS, -1.0),
    "one bit flickers": 0.25 + 2.0**-15 * NOISE.integers(0, 2, FS),
    "noise": 0.5 + 3e-5 * NOISE.standard_normal(FS),
    "steps": np.repeat([0.1, 0.5, -0.5, 0.0, 0.9], FS // 5),
}


@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.parametrize("fs", [8000, FS, 44100])
def test_silence_at_a_level_is_no_voice(name: str, fs: int) -> None:
    x = np.resize(LEVELS[name], fs)
    by_itself = covarep(x - x.mean() if name != "steps" else np.zeros(fs), fs)[0]
    assert covarep(x, fs)[0][:, 1].mean() <= by_itself[:, 1].mean() + 0.05


def test_silence_at_a_level_is_silence() -> None:
    zeros, at_zero = covarep(np.zeros(FS), FS)
    level, at_level = covarep(np.full(FS, 0.25), FS)
    np.testing.assert_allclose(level, zeros, atol=1e-9)
    assert at_level == {**at_zero, "clips.with_an_offset": 1}


def test_an_offset_without_silence_is_left_as_it_is() -> None:
    x = voice(seconds=0.5)
    assert _sound.without_level(x + 0.25, FS).max() == (x + 0.25).max()
    for silence in (0.0, 1e-4):
        quiet = np.concatenate([np.full(FS, silence), x])
        assert _sound.without_level(quiet, FS) is quiet
    both = np.concatenate([np.full(FS, 0.25), x + 0.25])
    np.testing.assert_allclose(_sound.without_level(both, FS)[FS:], x, atol=1e-6)
