from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from emocli.data.clip import Clip
from emocli.data.media.content import (
    chosen_frames,
    first_channel,
    frames,
    read_frames,
    read_sound,
    sound,
)
from emocli.data.media.picture import DecodedPicture
from emocli.data.media.writing import write_video
from emocli.data.track import Absent
from emocli.errors import MediaError
from tests import media_factory as factory
from tests.media_factory import complaint, lag

RATE = factory.RATE


RATE = 16000


LOSSLESS = [("a.wav", "PCM_16"), ("a.wav", "PCM_24"), ("a.wav", "FLOAT"), ("a.flac", "PCM_24")]


@pytest.fixture(scope="module")
def mp4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return factory.video(tmp_path_factory.mktemp("media") / "a.mp4", seconds=4.0)


def test_what_is_written_is_read(mp4: Path) -> None:
    shown = list(read_frames(mp4))
    assert [round(frame.time, 6) for frame in shown] == [k / factory.FPS for k in range(100)]
    assert [factory.seen_at(f.image) for f in shown] == [factory.square_at(k) for k in range(100)]
    for frame, image in zip(shown, factory.pictures(4.0), strict=True):
        assert frame.image.dtype == np.uint8
        assert frame.image.shape == (factory.SIDE, factory.SIDE, 3)
        assert np.abs(frame.image.astype(int) - image).mean() < 3
    heard = read_sound(mp4, RATE)
    assert heard.dtype == np.float32
    assert 0 <= len(heard) - 4 * RATE <= 1024
    late, alike = lag(heard, factory.tone(4.0))
    assert late == 0
    assert alike > 0.99


def test_writing_twice_gives_the_same_bytes(mp4: Path, tmp_path: Path) -> None:
    again = factory.video(tmp_path / "b.mp4", seconds=4.0)
    assert again.read_bytes() == mp4.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["b.mp4"]


@pytest.mark.parametrize(("name", "coding"), LOSSLESS)
def test_lossless_sound_is_exact(tmp_path: Path, name: str, coding: str) -> None:
    wanted = factory.tone()
    soundfile.write(tmp_path / name, wanted, RATE, subtype=coding)
    step = 2.0**-15 if coding == "PCM_16" else 2.0**-23
    np.testing.assert_allclose(read_sound(tmp_path / name, RATE), wanted, atol=step)


@pytest.mark.parametrize("coding", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_every_coding_has_the_same_full_scale(tmp_path: Path, coding: str) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.tile([0.5, -0.5], 4000), 8000, subtype=coding)
    np.testing.assert_allclose(read_sound(path, 8000), np.tile([0.5, -0.5], 4000), atol=2**-7)


def test_channels_are_averaged(tmp_path: Path) -> None:
    left, right = factory.tone(seed=1), factory.tone(seed=2)
    for name in ("a.wav", "a.flac"):
        soundfile.write(tmp_path / name, np.stack([left, right], 1), RATE, subtype="PCM_24")
        heard = read_sound(tmp_path / name, RATE)
        np.testing.assert_allclose(heard, (left + right) / 2, atol=1e-6)


def test_the_first_channel_is_as_recorded(tmp_path: Path) -> None:
    left, right = factory.tone(rate=22050, seed=1), factory.tone(rate=22050, seed=2)
    for name, channels in (("a.wav", [left, right]), ("b.flac", [left, right]), ("c.wav", [left])):
        path = tmp_path / name
        soundfile.write(path, np.stack(channels, 1), 22050, subtype="PCM_24")
        heard = first_channel(Clip("a", media={"audio": path}, start=0.5, end=1.0))
        assert (heard.rate, heard.channels) == (22050, len(channels))
        np.testing.assert_allclose(heard.samples, left[11025:22050], atol=1e-6)
    with pytest.raises(Absent):
        first_channel(Clip("a", text="hi"))


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_other_rates_are_resampled(tmp_path: Path, rate: int) -> None:
    def hum(rate: int) -> NDArray[np.float64]:
        time = np.arange(rate) / rate
        return 0.5 * np.hanning(rate) * np.sin(2 * np.pi * 440 * time)

    soundfile.write(tmp_path / "a.wav", hum(rate), rate, subtype="FLOAT")
    heard = read_sound(tmp_path / "a.wav", RATE)
    assert len(heard) == RATE
    np.testing.assert_allclose(heard, hum(RATE), atol=2e-3)


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_start_and_end_are_honoured_to_the_sample(tmp_path: Path, name: str) -> None:
    wanted = factory.tone(8.0)
    soundfile.write(tmp_path / name, wanted, RATE, subtype="PCM_24")
    for start, end in [(0.25, 0.75), (0.00003, 1.5), (3.33337, 4.1), (6.0, 8.0), (7.9, None)]:
        heard = read_sound(tmp_path / name, RATE, start, end)
        stop = len(wanted) if end is None else round(end * RATE)
        np.testing.assert_allclose(heard, wanted[round(start * RATE) : stop], atol=1e-6)


def test_pictures_of_a_clip_count_from_its_start(mp4: Path) -> None:
    some = list(read_frames(mp4, 1.0, 1.2))
    assert [round(f.time, 6) for f in some] == [0.0, 0.04, 0.08, 0.12, 0.16]
    assert [factory.seen_at(f.image) for f in some] == [factory.square_at(k) for k in range(25, 30)]


def test_pictures_can_be_thinned(mp4: Path) -> None:
    clip = Clip("a", media={"video": mp4})
    times = [round(frame.time, 6) for frame in frames(clip, every=0.1)]
    assert times[:5] == [0.0, 0.12, 0.2, 0.32, 0.4]
    assert len(times) == 40
    assert len(list(frames(clip, every=0.04))) == 100
    assert len(list(frames(clip))) == 100


@pytest.mark.parametrize("span", [(None, None), (1.0, 3.0)], ids=str)
def test_pictures_are_chosen_by_their_places(
    mp4: Path, span: tuple[float | None, float | None]
) -> None:
    clip = Clip("a", start=span[0], end=span[1], media={"video": mp4})
    every = list(frames(clip))
    counted = []

    def choose(count: int) -> list[int]:
        counted.append(count)
        return [3, count // 2, count - 1]

    result = chosen_frames(clip, choose)
    assert counted == [len(every)]
    for frame, place in zip(result, (3, len(every) // 2, len(every) - 1), strict=True):
        assert frame.time == every[place].time
        np.testing.assert_array_equal(frame.image, every[place].image)


def test_only_what_is_chosen_is_in_memory(mp4: Path) -> None:
    clip, images = Clip("a", media={"video": mp4}), DecodedPicture.image
    converted = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DecodedPicture, "image", lambda *args: converted.append(1) or images(*args))
        assert len(chosen_frames(clip, lambda count: [count // 2])) == 1
    assert len(converted) == 1


def test_what_cannot_be_chosen_from(tmp_path: Path, mp4: Path) -> None:
    with pytest.raises(Absent):
        chosen_frames(Clip("a", text="hi"), lambda count: [0])
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(mp4.read_bytes()[: mp4.stat().st_size // 2])
    with pytest.raises(MediaError):
        chosen_frames(Clip("a", media={"video": cut}), lambda count: [0])


def test_a_clip_takes_its_sound_from_audio_or_else_from_video(mp4: Path, tmp_path: Path) -> None:
    other = tmp_path / "a.wav"
    soundfile.write(other, factory.tone(1.0, seed=5), RATE, subtype="PCM_24")
    both = sound(Clip("a", end=0.5, media={"audio": other, "video": mp4}), RATE)
    np.testing.assert_allclose(both, factory.tone(1.0, seed=5)[: RATE // 2], atol=1e-6)
    only = sound(Clip("a", start=1.0, end=2.0, media={"video": mp4}), RATE)
    assert lag(only, factory.tone(4.0)[RATE : 2 * RATE]) == (0, pytest.approx(1, abs=0.02))
    with pytest.raises(Absent):
        sound(Clip("a", text="hi"), RATE)
    with pytest.raises(Absent):
        frames(Clip("a", media={"audio": other}))


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_pictures_are_upright(tmp_path: Path, turn: int) -> None:
    path = factory.video(tmp_path / "a.mp4", seconds=0.4)
    plain = next(iter(read_frames(path))).image
    path.write_bytes(turned(path.read_bytes(), turn))
    shown = next(iter(read_frames(path))).image
    capture = cv2.VideoCapture(str(path))
    _, other = capture.read()
    np.testing.assert_array_equal(shown, other[..., ::-1])
    np.testing.assert_array_equal(shown, np.rot90(plain, -turn // 90))


def turned(mp4: bytes, degrees: int) -> bytes:
    """Write a clockwise rotation into the track header of a video's first track."""
    cos, sin = round(np.cos(np.radians(degrees))), round(np.sin(np.radians(degrees)))
    at = mp4.index(b"tkhd") + 4 + 40
    matrix = [cos << 16, sin << 16, 0, -sin << 16, cos << 16, 0, 0, 0, 1 << 30]
    return mp4[:at] + b"".join(v.to_bytes(4, "big", signed=True) for v in matrix) + mp4[at + 36 :]


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_still_image_is_one_picture(tmp_path: Path, suffix: str) -> None:
    image = next(factory.pictures())
    path = tmp_path / f"a%d{suffix}"
    path.write_bytes(cv2.imencode(suffix, image[..., ::-1])[1].tobytes())
    (frame,) = read_frames(path)
    (chosen,) = chosen_frames(Clip("a", media={"video": path}), lambda count: [count // 2])
    np.testing.assert_array_equal(chosen.image, frame.image)
    assert frame.time == chosen.time == 0
    with pytest.raises(Absent):
        sound(Clip("a", media={"video": path}), RATE)
    assert np.abs(frame.image.astype(int) - image).mean() < 3
    path.write_text("no image")
    assert "is not an image" in complaint(path, video=True)


def test_silence_is_sound(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE), RATE)
    assert not read_sound(tmp_path / "a.wav", RATE).any()


def test_sound_without_a_sample_or_a_number_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(0), RATE)
    assert "has no sound between 0 s and the end" in complaint(path)
    soundfile.write(path, np.full(RATE, np.nan), RATE, subtype="FLOAT")
    assert "not finite" in complaint(path)


def test_odd_sizes_are_a_mistake_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="even"):
        write_video(tmp_path / "a.mp4", [np.zeros((63, 64, 3), np.uint8)], 25, None, RATE)


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No garbage collection but that which is asked for."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
def test_threads_end_with_the_reading_that_nobody_needs_any_more(tmp_path: Path) -> None:
    """Those of the decoder and of each picture's conversion: an hour has some ten thousand."""
    tasks = Path("/proc/self/task")
    if not tasks.is_dir():
        pytest.skip("threads are counted in /proc")

    def threads() -> int:
        return len(list(tasks.iterdir()))

    path = factory.video(tmp_path / "a.mp4")
    gc.collect()
    before = threads()
    reading = read_frames(path, 0.5)
    assert next(reading).time >= 0
    del reading
    assert threads() == before


@pytest.mark.usefixtures("uncollected")
def test_the_memory_of_a_picture_ends_with_it(tmp_path: Path) -> None:
    """PyAV's frames are kept by their own side data: an hour has some hundred thousand."""

    def frames() -> int:
        return sum(type(thing).__name__ == "VideoFrame" for thing in gc.get_objects())

    path = factory.video(tmp_path / "a.mp4")
    gc.collect()
    before = frames()
    assert len(list(read_frames(path))) > 2
    assert frames() <= before + 1  # the one that the decoder had last
