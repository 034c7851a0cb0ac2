from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from emocli.data.media.content import read_frames, read_sound
from tests import media_factory as factory
from tests.media_factory import complaint, lag

RATE = factory.RATE


@pytest.fixture(scope="module")
def mp4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return factory.video(tmp_path_factory.mktemp("media") / "a.mp4", seconds=4.0)


CODED = [
    *[("a.mp3", None, "libmp3lame", 44100), ("a.m4a", None, "aac", 16000)],
    *(
        (f"a.{suffix}", "libx264", "aac", rate)
        for suffix, rate in (("mp4", 44100), ("mov", 48000), ("mkv", 16000), ("ts", 48000))
    ),
    *[("a.webm", "libvpx", "libopus", 48000), ("a.avi", "mpeg4", "pcm_s16le", 16000)],
]


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
        video_options={"g": "10"},
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


@pytest.mark.parametrize(
    ("codec", "options"), [("mpeg4", {"bf": "2", "g": "12"}), ("libx264", {"g": "20"})]
)
def test_avi_stamps_pictures_in_the_order_of_decoding(
    tmp_path: Path, codec: str, options: dict[str, str]
) -> None:
    path = factory.encode(tmp_path / "a.avi", video_codec=codec, seconds=6.0, video_options=options)
    shown = list(read_frames(path))
    assert [frame.time for frame in shown] == pytest.approx(np.arange(150) / 25)
    assert [factory.seen_at(f.image) for f in shown] == [factory.square_at(k) for k in range(150)]
    part = list(read_frames(path, 3.1, 4.3))
    assert [frame.time for frame in part] == pytest.approx(np.arange(30) / 25 + 0.02)
    assert [factory.seen_at(f.image) for f in part] == [
        factory.square_at(k) for k in range(78, 108)
    ]


def test_a_late_stream_keeps_its_delay(tmp_path: Path) -> None:

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


def test_pictures_may_come_at_any_pace(tmp_path: Path) -> None:

    path = tmp_path / "a.mp4"
    moments = [0, 1, 2, 10, 11, 30, 31]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = factory.SIDE
        stream.pix_fmt = "yuv420p"
        for moment, frame in zip(moments, factory.picture_frames(1.0), strict=False):
            frame.pts = moment
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert [frame.time for frame in read_frames(path)] == pytest.approx([m / 25 for m in moments])


def test_absent_empty_and_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    for video in (False, True):
        assert "there is no such file" in complaint(path, video=video)
        assert "is not a file" in complaint(tmp_path, video=video)
    (tmp_path / "link.mp4").symlink_to("nothing.mp4")
    assert "is a link to 'nothing.mp4', which is not there" in complaint(tmp_path / "link.mp4")
    path.touch()
    assert "is empty" in complaint(path)
    path.write_text("This is a text.\n" * 100)
    assert "is truncated or no recording" in complaint(path)
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\n")
    assert "Git LFS pointer" in complaint(path)
    path.write_text("#EXTM3U\n#EXTINF:10,\nhttp://localhost/a.ts\n")
    assert "is an HLS playlist, not a recording" in complaint(path)


def test_a_missing_stream_is_named(tmp_path: Path) -> None:
    silent = factory.video(tmp_path / "a.mp4", with_sound=False)
    assert "has no sound stream" in complaint(silent)
    wav = tmp_path / "a.wav"
    soundfile.write(wav, factory.tone(), RATE)
    assert "has no picture stream" in complaint(wav, video=True)


def test_cover_art_is_no_video(tmp_path: Path) -> None:

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
        container.mux(audio.encode(factory.sound_frame(factory.tone(), RATE)))
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
        message = complaint(mp4, video=video, start=5.0, end=6.0)
        assert "the clip between 5 s and 6 s is outside the file, which lasts 4.0" in message
        assert "outside" in complaint(mp4, video=video, start=4.5)
        assert "outside" in complaint(mp4, video=video, start=3.0, end=4.5)
        assert "has no" in complaint(mp4, video=video, start=1.00001, end=1.00002)
    assert 0 < 4 * RATE - len(read_sound(mp4, RATE, 0.05, 4.05)) <= 0.05 * RATE


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
