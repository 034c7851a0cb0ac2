from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from emocli.data.clip import Clip
from emocli.data.media import frames, read_frames, read_sound, sound, write_video
from emocli.data.track import Absent
from emocli.errors import MediaError
from tests import media_factory as factory

RATE = 16000
LOSSLESS = [("a.wav", "PCM_16"), ("a.wav", "PCM_24"), ("a.wav", "FLOAT"), ("a.flac", "PCM_24")]
CODED = [
    ("a.mp3", None, "libmp3lame", 44100),
    ("a.m4a", None, "aac", 16000),
    ("a.mp4", "libx264", "aac", 44100),
    ("a.mov", "libx264", "aac", 48000),
    ("a.mkv", "libx264", "aac", 16000),
    ("a.webm", "libvpx", "libopus", 48000),
    ("a.avi", "mpeg4", "pcm_s16le", 16000),
    ("a.ts", "libx264", "aac", 48000),
]


def lag(samples: NDArray[np.float32], wanted: NDArray[np.float32]) -> tuple[int, float]:
    """By how many samples the first is late, and how alike they are then."""
    size = 2 * max(len(samples), len(wanted))
    both = np.fft.rfft(samples, size) * np.conj(np.fft.rfft(wanted, size))
    curve = np.fft.irfft(both, size)
    late = int(np.argmax(curve))
    alike = curve[late] / np.sqrt((samples**2).sum() * (wanted**2).sum())
    return late if late < size / 2 else late - size, float(alike)


def complaint(path: Path, *, video: bool = False, **span: float) -> str:
    with pytest.raises(MediaError) as caught:
        list(read_frames(path, **span)) if video else read_sound(path, RATE, **span)
    assert str(caught.value).startswith(str(path))
    return str(caught.value)


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


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_other_rates_are_resampled(tmp_path: Path, rate: int) -> None:
    def hum(rate: int) -> NDArray[np.float64]:
        time = np.arange(rate) / rate
        return 0.5 * np.hanning(rate) * np.sin(2 * np.pi * 440 * time)

    soundfile.write(tmp_path / "a.wav", hum(rate), rate, subtype="FLOAT")
    heard = read_sound(tmp_path / "a.wav", RATE)
    assert len(heard) == RATE
    np.testing.assert_allclose(heard, hum(RATE), atol=2e-3)


@pytest.mark.parametrize(("name", "pictures", "coding", "rate"), CODED)
def test_every_format_keeps_sound_and_pictures_in_time(
    tmp_path: Path, name: str, pictures: str | None, coding: str, rate: int
) -> None:
    path = factory.encode(
        tmp_path / name, video_codec=pictures, audio_codec=coding, rate=rate, seconds=3.0
    )
    late, alike = lag(read_sound(path, rate), factory.tone(3.0, rate))
    assert alike > 0.95
    if pictures:
        shown = list(read_frames(path))
        assert len(shown) == 75
        assert [factory.seen_at(f.image) for f in shown] == [
            factory.square_at(k) for k in range(75)
        ]
        steps = np.diff([frame.time for frame in shown])
        np.testing.assert_allclose(steps, 1 / factory.FPS, atol=0.0011)
        late -= round(shown[0].time * rate)
    assert abs(late) <= 0.003 * rate


@pytest.mark.parametrize(("name", "pictures", "coding", "rate"), CODED)
def test_a_clip_inside_a_file_is_that_part_of_the_whole(
    tmp_path: Path, name: str, pictures: str | None, coding: str, rate: int
) -> None:
    path = factory.encode(
        tmp_path / name,
        video_codec=pictures,
        audio_codec=coding,
        rate=rate,
        seconds=6.0,
        options={"g": "10"},
    )
    whole = read_sound(path, rate)
    part = read_sound(path, rate, 3.1, 4.3)
    assert len(part) == round(1.2 * rate)
    wanted = whole[round(3.1 * rate) : round(4.3 * rate)]
    late, alike = lag(part, wanted)
    assert abs(late) <= 0.001 * rate
    assert alike > 0.99
    if pictures:
        every = list(read_frames(path))
        some = list(read_frames(path, 3.1, 4.3))
        inside = [f for f in every if 3.1 - 1e-6 <= f.time < 4.3 - 1e-6]
        assert len(some) == len(inside) == 30
        for frame, twin in zip(some, inside, strict=True):
            assert frame.time == pytest.approx(twin.time - 3.1, abs=0.0011)
            assert factory.seen_at(frame.image) == factory.seen_at(twin.image)


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


def test_a_late_stream_keeps_its_delay(tmp_path: Path) -> None:
    import av

    path = factory.encode(tmp_path / "a.mkv", video_codec="mpeg4", audio_codec="pcm_s16le")
    late = tmp_path / "late.mkv"
    with av.open(str(path)) as source, av.open(str(late), "w") as target:
        streams = {s: target.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is None:
                continue
            delay = 0.7 if packet.stream.type == "audio" else 0.0
            packet.pts += round(delay / packet.time_base)
            packet.dts += round(delay / packet.time_base)
            packet.stream = streams[packet.stream]
            target.mux(packet)
    heard = read_sound(late, RATE)
    assert not heard[: round(0.7 * RATE)].any()
    assert lag(heard, factory.tone()) == (
        pytest.approx(0.7 * RATE, abs=16),
        pytest.approx(1, abs=0.01),
    )
    assert next(iter(read_frames(late))).time == 0
    part = read_sound(late, RATE, 1.0, 1.5)
    assert lag(part, factory.tone()[round(0.3 * RATE) : round(0.8 * RATE)])[0] == pytest.approx(
        0, abs=16
    )


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


def test_pictures_may_come_at_any_pace(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.mp4"
    moments = [0, 1, 2, 10, 11, 30, 31]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = factory.SIDE
        stream.pix_fmt = "yuv420p"
        for moment, frame in zip(moments, factory._picture_frames(1.0), strict=False):
            frame.pts = moment
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert [frame.time for frame in read_frames(path)] == pytest.approx([m / 25 for m in moments])


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_still_image_is_one_picture(tmp_path: Path, suffix: str) -> None:
    image = next(factory.pictures())
    path = tmp_path / f"a%d{suffix}"
    path.write_bytes(cv2.imencode(suffix, image[..., ::-1])[1].tobytes())
    (frame,) = read_frames(path)
    assert frame.time == 0
    assert np.abs(frame.image.astype(int) - image).mean() < 3
    path.write_text("no image")
    assert "is not an image" in complaint(path, video=True)


def test_absent_empty_and_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    for video in (False, True):
        assert "there is no such file" in complaint(path, video=video)
        assert "is not a file" in complaint(tmp_path, video=video)
    path.touch()
    assert "is empty" in complaint(path)
    path.write_text("This is a text.\n" * 100)
    assert "is truncated or no recording" in complaint(path)
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\n")
    assert "Git LFS pointer" in complaint(path)
    path.write_text("#EXTM3U\n#EXTINF:10,\nhttp://localhost/a.ts\n")
    assert "is truncated or no recording" in complaint(path)


def test_a_missing_stream_is_named(tmp_path: Path) -> None:
    silent = factory.video(tmp_path / "a.mp4", with_sound=False)
    assert "has no sound stream" in complaint(silent)
    wav = tmp_path / "a.wav"
    soundfile.write(wav, factory.tone(), RATE)
    assert "has no picture stream" in complaint(wav, video=True)


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.mp3"
    with av.open(str(path), "w") as container:
        audio = container.add_stream("libmp3lame", rate=RATE)
        cover = container.add_stream("png")
        cover.width = cover.height = factory.SIDE
        cover.pix_fmt = "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(next(factory.pictures()), format="rgb24")
        for packet in [*cover.encode(picture), *cover.encode(None)]:
            container.mux(packet)
        container.mux(audio.encode(factory._sound_frame(factory.tone(), RATE)))
        container.mux(audio.encode(None))
    assert lag(read_sound(path, RATE), factory.tone())[1] > 0.95
    assert "has no picture stream" in complaint(path, video=True)


TRUNCATED = [c for c in CODED if not c[0].endswith(".ts")] + [
    ("fast.mp4", "libx264", "aac", 16000),
    ("a.flv", "flv", "libmp3lame", 22050),
    ("a.wav", None, "pcm_s16le", 16000),
    ("a.flac", None, "flac", 16000),
]


@pytest.mark.parametrize(("name", "pictures", "coding", "rate"), TRUNCATED)
def test_truncated_files_are_found_out(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    name: str,
    pictures: str | None,
    coding: str,
    rate: int,
) -> None:
    options = {"movflags": "faststart"} if name == "fast.mp4" else {}
    path = factory.encode(
        tmp_path / name, video_codec=pictures, audio_codec=coding, rate=rate, options=options
    )
    assert len(read_sound(path, rate))
    factory.truncate(path)
    assert "truncated" in complaint(path)
    if pictures:
        assert "truncated" in complaint(path, video=True)
    assert capfd.readouterr() == ("", "")


def test_the_whole_part_of_a_truncated_file_can_be_used(tmp_path: Path) -> None:
    path = factory.encode(tmp_path / "a.flac", audio_codec="flac", seconds=4.0)
    factory.truncate(path)
    np.testing.assert_allclose(
        read_sound(path, RATE, 0.5, 1.5), factory.tone(4.0)[8000:24000], atol=1e-4
    )
    assert "truncated" in complaint(path, start=0.5, end=3.9)


def test_a_damaged_file_is_not_a_short_clip(tmp_path: Path) -> None:
    path = factory.encode(tmp_path / "a.mp4", audio_codec="aac", seconds=4.0)
    data = bytearray(path.read_bytes())
    noise = np.random.default_rng(0).integers(0, 256, len(data) // 4, np.uint8).tobytes()
    data[len(data) // 4 : len(data) // 4 + len(noise)] = noise
    path.write_bytes(data)
    assert "cannot be decoded" in complaint(path)


def test_a_clip_outside_its_file_is_refused(mp4: Path) -> None:
    for video in (False, True):
        said = complaint(mp4, video=video, start=5.0, end=6.0)
        assert "the clip between 5 s and 6 s is outside the file, which lasts 4.0" in said
        assert "outside" in complaint(mp4, video=video, start=4.5)
        assert "outside" in complaint(mp4, video=video, start=3.0, end=4.5)
        assert "has no" in complaint(mp4, video=video, start=1.00001, end=1.00002)
    assert 0 < 4 * RATE - len(read_sound(mp4, RATE, 0.05, 4.05)) <= 0.05 * RATE


def test_silence_is_sound(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE), RATE)
    assert not read_sound(tmp_path / "a.wav", RATE).any()


def test_sound_without_a_sample_or_a_number_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(0), RATE)
    assert "has no sound between 0 s and the end" in complaint(path)
    soundfile.write(path, np.full(RATE, np.nan), RATE, subtype="FLOAT")
    assert "not finite" in complaint(path)


def test_real_recordings(shared_data: Path) -> None:
    videos = sorted(
        [*shared_data.glob("cremad/VideoFlash/*.flv"), *shared_data.glob("ravdess/video/*.mp4")]
    )
    assert len(videos) == 13
    for path in videos:
        shown = [frame.time for frame in read_frames(path)]
        heard = len(read_sound(path, RATE)) / RATE
        assert np.diff(shown) == pytest.approx(1 / 29.97, abs=0.002)
        assert abs(heard - shown[-1]) < 0.1


def test_sound_of_a_real_video_is_that_of_the_separate_recording(shared_data: Path) -> None:
    video = shared_data / "ravdess/video/01-01-01-01-01-01-01.mp4"
    audio = shared_data / "ravdess/audio/Actor_01/03-01-01-01-01-01-01.flac"
    late, alike = lag(read_sound(video, RATE), read_sound(audio, RATE))
    # The coder that made these files delays sound by 1600 samples and does not say so.
    assert late == pytest.approx(1600 / 48000 * RATE, abs=8)
    assert alike > 0.9


def test_odd_sizes_are_a_mistake_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="even"):
        write_video(tmp_path / "a.mp4", [np.zeros((63, 64, 3), np.uint8)], 25, None, RATE)
