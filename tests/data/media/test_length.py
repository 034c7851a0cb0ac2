"""The length of recordings by their packets, against what is written and other decoders."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from emocli.data.media.content import read_frames, read_sound
from emocli.data.media.length import length_of
from emocli.errors import MediaError
from tests import media_factory

DATA = Path(__file__).parents[4] / "shared" / "data"
REAL = sorted(
    path
    for pattern in ("media/*.m*", "ravdess/video/*.mp4", "cremad/VideoFlash/*", "speech/*.[fw]*")
    for path in DATA.glob(pattern)
)


@pytest.mark.parametrize(
    ("suffix", "coding", "delay"),  # avi counts the pictures that the coder holds back
    [("mp4", "aac", 0), ("mkv", "aac", 0), ("mov", "aac", 0), ("avi", "mp3", 2)],
)
def test_what_was_written(tmp_path: Path, suffix: str, coding: str, delay: int) -> None:
    path = tmp_path / f"a.{suffix}"
    media_factory.encode(path, video_codec="mpeg4", audio_codec=coding, seconds=2.0)
    length = length_of(path)
    assert length.pictures == pytest.approx(2.0 + delay / media_factory.FPS, abs=0.01)
    assert length.sound == pytest.approx(2.0, abs=0.1)  # whole packets of 64 ms
    assert length.seconds == max(length.sound or 0, length.pictures or 0)


def test_sound_alone_and_pictures_alone(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(24_000), 16_000)
    assert length_of(tmp_path / "a.wav").sound == pytest.approx(1.5)
    assert length_of(tmp_path / "a.wav").pictures is None
    silent = media_factory.video(tmp_path / "a.mp4", 1.0, with_sound=False)
    assert length_of(silent).sound is None
    assert length_of(silent).seconds == pytest.approx(1.0, abs=0.01)


def test_what_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no film")
    with pytest.raises(MediaError):
        length_of(tmp_path / "a.mp4")


@pytest.mark.skipif(not REAL, reason="real recordings are not at hand")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_recordings_against_what_decodes(path: Path) -> None:
    length = length_of(path)
    if length.sound is not None:
        samples = len(read_sound(path, 16_000)) / 16_000
        assert length.sound == pytest.approx(samples, abs=0.06)  # whole packets
    if length.pictures is not None:
        last = max(frame.time for frame in read_frames(path))
        assert last < length.pictures < last + 0.1
    if path.suffix in (".wav", ".flac"):
        assert length.sound == pytest.approx(soundfile.info(path).duration, abs=1e-3)


@pytest.mark.skipif(not REAL, reason="real recordings are not at hand")
@pytest.mark.parametrize("path", [p for p in REAL if "ravdess" in str(p)], ids=lambda p: p.name)
def test_real_films_against_another_decoder(path: Path) -> None:
    film = cv2.VideoCapture(str(path))
    seconds = film.get(cv2.CAP_PROP_FRAME_COUNT) / film.get(cv2.CAP_PROP_FPS)
    assert length_of(path).pictures == pytest.approx(seconds, abs=0.002)
