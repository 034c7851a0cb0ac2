from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from emocli import config
from emocli.data.clip import Clip
from emocli.data.track import Absent, Track
from emocli.errors import ConfigError, MediaError
from emocli.features import mel
from tests import media_factory as factory

RATE = 16000


def prepare(**settings: Any) -> mel.Extractor:
    return mel.prepare(config.build(mel.Config, settings, "mel"), [])


def extract(
    folder: Path, samples: NDArray[Any], *, file_rate: int = RATE, **settings: Any
) -> Track:
    path = folder / "a.wav"
    soundfile.write(path, samples, file_rate, subtype="FLOAT")
    return prepare(**settings)(Clip("a", media={"audio": path}), {})


def hum(frequency: float, seconds: float = 1.0, rate: int = RATE) -> NDArray[np.float64]:
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def slaney(frequency: float) -> float:
    """Slaney's mel scale: linear to 1 kHz, logarithmic above."""
    linear = frequency / (200 / 3)
    return linear if frequency < 1000 else 15 + 27 * np.log(frequency / 1000) / np.log(6.4)


def test_a_row_every_ten_milliseconds(tmp_path: Path) -> None:
    track = extract(tmp_path, factory.tone(1.5))
    assert track.values.shape == (151, 128)
    assert track.values.dtype == np.float32
    assert track.times == pytest.approx(np.arange(151) / 100)
    extractor = prepare()
    assert extractor.rate == 100
    assert len(set(extractor.names)) == 128


def test_a_row_is_the_defined_sum(tmp_path: Path) -> None:
    """One row and band by the definition: Hann window, discrete Fourier transform, triangle."""
    samples = factory.tone(1.0).astype(np.float64)
    track = extract(tmp_path, samples)
    row, band, size, window = 40, 30, 1024, 400
    frequencies = np.arange(size // 2 + 1) * RATE / size
    mels = np.linspace(slaney(0), slaney(RATE / 2), 130)
    grid = np.linspace(0, RATE / 2, 800001)
    edges = np.interp(mels, [slaney(f) for f in grid[::100]], grid[::100])
    low, peak, high = edges[band : band + 3]
    triangle = np.minimum((frequencies - low) / (peak - low), (high - frequencies) / (high - peak))
    triangle = np.maximum(triangle, 0) * 2 / (high - low)
    start = row * 160 - window // 2
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    cut = samples[start : start + window] * hann
    time = np.arange(window)
    power = [abs((cut * np.exp(-2j * np.pi * k * time / size)).sum()) ** 2 for k in range(513)]
    wanted = 10 * np.log10(triangle @ power)
    assert track.values[row, band] == pytest.approx(wanted, abs=0.02)


def test_the_loudest_band_is_that_of_the_tone(tmp_path: Path) -> None:
    for frequency in (200.0, 1000.0, 4000.0):
        track = extract(tmp_path, hum(frequency))
        step = slaney(RATE / 2) / 129
        assert track.values[50].argmax() == pytest.approx(slaney(frequency) / step - 1, abs=1)


def test_twice_the_amplitude_is_six_decibels(tmp_path: Path) -> None:
    quiet = extract(tmp_path, 0.1 * hum(500)).values[50]
    loud = extract(tmp_path, 0.2 * hum(500)).values[50]
    heard = quiet > -60
    np.testing.assert_allclose((loud - quiet)[heard], 20 * np.log10(2), atol=0.01)


def test_silence_is_the_floor(tmp_path: Path) -> None:
    track = extract(tmp_path, np.zeros(RATE))
    np.testing.assert_allclose(track.values, -100, atol=1e-4)
    np.testing.assert_allclose(extract(tmp_path, np.zeros(RATE), floor=1e-6).values, -60, atol=1e-4)


@pytest.mark.parametrize(("samples", "rows"), [(1, 1), (100, 1), (160, 2), (399, 3)])
def test_short_clips_have_rows(tmp_path: Path, samples: int, rows: int) -> None:
    track = extract(tmp_path, hum(500)[:samples])
    assert track.values.shape == (rows, 128)
    assert np.isfinite(track.values).all()


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_the_rate_of_the_file_does_not_matter(tmp_path: Path, rate: int) -> None:
    track = extract(tmp_path, hum(500, rate=rate), file_rate=rate)
    wanted = extract(tmp_path, hum(500))
    assert len(track) == len(wanted)
    np.testing.assert_allclose(track.values[50, 5:20], wanted.values[50, 5:20], atol=0.1)


def test_times_count_from_the_clips_start(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.concatenate([np.zeros(RATE), hum(500)]), RATE)
    track = prepare()(Clip("a", start=0.5, end=1.5, media={"audio": path}), {})
    assert len(track) == 101
    onset = int(np.argmax(track.values.max(axis=1) > -20))
    assert track.times is not None
    assert track.times[onset] == pytest.approx(0.5, abs=0.015)


def test_settings_change_the_spectrogram(tmp_path: Path) -> None:
    settings = {"rate": 8000, "bands": 40, "hop_ms": 5, "window_ms": 32, "fmin": 60, "fmax": 3800}
    track = extract(tmp_path, hum(500), **settings)
    assert track.values.shape == (201, 40)
    extractor = prepare(**settings)
    assert (extractor.rate, extractor.window, extractor.hop) == (200, 256, 40)


def test_video_has_sound_too(tmp_path: Path) -> None:
    video = factory.video(tmp_path / "a.mp4", 1.0)
    from_video = prepare()(Clip("a", media={"video": video}), {}).values[5:95]
    from_sound = extract(tmp_path, factory.tone(1.0)).values[5:95]
    assert np.corrcoef(from_video[:, :64].ravel(), from_sound[:, :64].ravel())[0, 1] > 0.95


def test_unusable_media(tmp_path: Path) -> None:
    extractor = prepare()
    with pytest.raises(Absent):
        extractor(Clip("a", text="hi"), {})
    silent = factory.video(tmp_path / "a.mp4", with_sound=False)
    with pytest.raises(MediaError, match="has no sound stream"):
        extractor(Clip("a", media={"video": silent}), {})
    with pytest.raises(MediaError, match="has no sound"):
        extract(tmp_path, np.zeros(0))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"fmax": 9000}, "fmin < fmax <= 8000 Hz"),
        ({"fmin": 500, "fmax": 400}, "bands from 500 to 400 Hz"),
        ({"fft_size": 256}, "a window of 400 and a hop of 160 samples"),
        ({"hop_ms": 0.01}, r"hop_ms' = 0\.01: must be a number from 0\.1 to 10000"),
        ({"fft_size": 512, "bands": 256}, "of 256 bands hold no bin"),
        ({"bands": 0}, r"mel\.bands"),
        ({"band": 64}, r"unknown setting 'mel\.band'; did you mean 'mel.bands'"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        prepare(**settings)


def test_it_travels_to_workers(tmp_path: Path) -> None:
    extractor = prepare()
    again = pickle.loads(pickle.dumps(extractor))
    samples = factory.tone(0.3)
    np.testing.assert_array_equal(again.spectrogram(samples), extractor.spectrogram(samples))


def test_real_recordings(shared_data: Path) -> None:
    extractor = prepare()
    for name in (
        "speech/pyannote_sample.wav",
        "speech/jfk.flac",
        "cremad/VideoFlash/1001_DFA_ANG_XX.flv",
    ):
        track = extractor(Clip("a", media={"audio": shared_data / name}), {})
        assert np.isfinite(track.values).all()
        assert track.values.std() > 5
