"""Augmentation changes pictures as much as it says, and no more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from emocli.data.manifest import Manifest
from emocli.data.media.content import mixed_down
from emocli.errors import ConfigError
from emocli.features import mel
from emocli.training.encoders.augment import AugmentConfig, Bands, noisy, warped
from emocli.training.encoders.sounds import Sounds, with_noise

RNG = np.random.default_rng(0)
ROWS = np.linspace(0, 1, 90, dtype=np.float32)[:, None] * np.ones((1, 4), np.float32)


def test_warping_moves_rows_and_keeps_the_ends() -> None:
    shifts = []
    for seed in range(40):
        changed = warped(ROWS, 10, np.random.default_rng(seed))
        assert changed.shape == ROWS.shape
        assert changed[0, 0] == ROWS[0, 0]
        assert changed[-1, 0] == pytest.approx(ROWS[-1, 0])
        assert (np.diff(changed[:, 0]) >= 0).all()
        shifts.append(np.abs(changed - ROWS).max() * 89)
    assert 5 < max(shifts) <= 10 + 1e-3


def test_short_sounds_are_warped_less() -> None:
    for count in (1, 2, 3, 4, 7):
        assert warped(ROWS[:count], 40, RNG).shape == (count, 4)
    assert np.array_equal(warped(ROWS, 0, RNG), ROWS)


@pytest.mark.parametrize("snr", [0.0, 10.0, 30.0])
def test_noise_has_the_power_it_is_asked_for(snr: float) -> None:
    loudness = np.full((2000, 20), -20.0, np.float32)
    added = 10 ** (noisy(loudness, snr, RNG) / 10) - 10 ** (loudness / 10)
    assert added.mean() == pytest.approx(0.01 / 10 ** (snr / 10), rel=0.03)
    assert (added > 0).all()


def voice(seconds: float, rate: int, pitch: float, seed: int) -> np.ndarray:
    """Pulses through formants, phrase by phrase with pauses: loud low bands, as speech has."""
    from scipy.signal import lfilter

    rng = np.random.default_rng(seed)
    count = round(seconds * rate)
    phase = np.cumsum(pitch * (1 + 0.1 * np.sin(np.arange(count) / rate * 9))) / rate
    sound = np.diff(np.floor(phase), prepend=0.0) + 0.01 * rng.normal(size=count)
    for formant, width in ((500, 80), (1500, 120), (2500, 160)):
        r, angle = np.exp(-np.pi * width / rate), 2 * np.pi * formant / rate
        sound = lfilter([1 - r], [1, -2 * r * np.cos(angle), r * r], sound)
    sound = lfilter([1.0], [1, -0.9], sound)
    sound = sound * (np.sin(np.arange(count) / rate * 5) > -0.4)
    return np.asarray(0.1 * sound / sound.std())


@pytest.mark.parametrize("snr", [0.0, 10.0, 30.0])
@pytest.mark.parametrize("pitch", [110.0, 220.0])
@pytest.mark.parametrize(
    "settings",
    [{}, {"bands": 40}, {"rate": 8000, "bands": 64}, {"fmin": 80.0, "fmax": 7000.0}],
    ids=str,
)
def test_noise_is_as_loud_as_that_of_the_waveform(
    settings: dict[str, Any], pitch: float, snr: float
) -> None:
    """White noise is added to the sound, and to its spectrogram: the bands have as much of it."""
    extractor = mel.prepare(mel.Config(**settings), [])
    rate, rng = extractor.config.rate, np.random.default_rng(1)
    sound = voice(6, rate, pitch, seed=2)
    noise = rng.normal(size=len(sound)) * np.sqrt(np.square(sound).mean() / 10 ** (snr / 10))
    heard = 10 ** (extractor.spectrogram(noise.astype(np.float32)) / 10)
    clean = extractor.spectrogram(sound.astype(np.float32))
    bands = Bands.of(extractor.config.model_dump())
    pauses = clean.max(axis=1) < -99  # else a loud voice leaves nothing of a noise but rounding
    assert pauses.sum() > 30
    added = 10 ** (noisy(clean, snr, rng, bands)[pauses].astype(np.float64) / 10)
    # As loud on average, and in any quarter of the bands, low or high.
    for part in np.array_split(np.arange(clean.shape[1]), 4):
        off = 10 * np.log10(added[:, part].mean() / heard[:, part].mean())
        assert abs(off) < 0.5


def test_bands_are_those_of_mel() -> None:
    assert Bands.of({}) == Bands.of(mel.Config().model_dump()) == Bands()
    assert Bands.of({"rate": 8000, "fmin": 50, "fmax": 3000}) == Bands(50, 3000, 4000)
    assert Bands().shares(128).sum() == pytest.approx(1)
    assert Bands(0, 4000, 8000).shares(40).sum() == pytest.approx(0.5)


def test_settings_switch_it_off() -> None:
    off = AugmentConfig(warp=0, noise=0, flip=0)
    assert np.array_equal(off.sound(ROWS, RNG), ROWS)
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert np.array_equal(off.picture(picture, RNG), picture)
    assert np.array_equal(AugmentConfig(flip=1).picture(picture, RNG), picture[:, ::-1])
    assert not np.array_equal(AugmentConfig(noise=1).sound(ROWS, RNG), ROWS)


def test_noise_in_the_waveform_is_that_of_the_sound(corpus: Manifest) -> None:
    """The noisy spectrogram is that of the clip's sound with noise of just that ratio."""
    clip = corpus.clips[0]
    sounds = Sounds.of([clip], {})
    sound = mixed_down(clip, 16000).samples
    noise = np.random.default_rng(3).standard_normal(len(sound), np.float32)
    noise *= np.sqrt(np.square(sound).mean() / 10)
    expected = mel.prepare(mel.Config(), []).spectrogram(sound + noise)
    assert_allclose(sounds.noisy(0, 10.0, np.random.default_rng(3)), expected, atol=1e-3)
    added = with_noise(sound, 20.0, RNG) - sound
    ratio = np.square(sound).mean() / np.square(added).mean()
    assert 10 * np.log10(ratio) == pytest.approx(20.0, abs=0.2)
    assert np.array_equal(with_noise(sound[:0], 20.0, RNG), sound[:0])


@pytest.mark.parametrize("snr", [10.0, 30.0])
@pytest.mark.parametrize("number", range(4))
def test_noise_in_the_spectrogram_is_as_loud_as_that_in_the_waveform(
    corpus: Manifest, number: int, snr: float
) -> None:
    clip = corpus.clips[number]
    sounds = Sounds.of([clip], {})
    clean = mel.prepare(mel.Config(), []).spectrogram(mixed_down(clip, 16000).samples)
    draws = [np.random.default_rng(seed) for seed in range(16)]
    heard = np.mean([10 ** (sounds.noisy(0, snr, rng) / 10) for rng in draws[:8]], axis=0)
    drawn = np.mean([10 ** (noisy(clean, snr, rng) / 10) for rng in draws[8:]], axis=0)
    assert abs(10 * np.log10(drawn.mean() / heard.mean())) < 0.5
    quiet = clean < np.quantile(clean, 0.2)  # where noise is all that is heard
    assert abs(10 * np.log10(drawn[quiet].mean() / heard[quiet].mean())) < 1.0


def test_without_recordings_the_waveform_cannot_be_had(corpus: Manifest) -> None:
    nowhere = replace(corpus.clips[0], media={"audio": Path("nowhere.wav")})
    with pytest.raises(ConfigError, match=r"recording of clip .* is not there"):
        Sounds.of([nowhere], {})
    with pytest.raises(ConfigError, match="did not compute"):
        Sounds.of(corpus.clips, {"source": "mel.npz", "sha256": ""})
