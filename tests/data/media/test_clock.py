"""When pictures are shown and sound is heard, where a file's stamps are missing or odd."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from emocli.data.media.content import read_frames, read_sound
from emocli.data.media.recording import decode
from tests import media_factory as factory

RATE = factory.RATE


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
@pytest.mark.parametrize("coding", ["IMA_ADPCM", "MS_ADPCM"])
def test_adpcm_is_as_long_as_its_samples(tmp_path: Path, coding: str, rate: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, factory.tone(3.0, rate), rate, subtype=coding)
    wanted, _ = soundfile.read(path, dtype="float32")
    heard = read_sound(path, rate)
    assert abs(len(heard) - len(wanted)) <= 2048  # the last block is padded
    np.testing.assert_allclose(heard[: len(wanted)], wanted[: len(heard)], atol=3e-3)
    part = read_sound(path, rate, 1.3, 2.6)
    np.testing.assert_array_equal(part, heard[round(1.3 * rate) : round(2.6 * rate)])


@pytest.mark.parametrize(("name", "pictures"), [("a.wma", None), ("a.wmv", "wmv2")])
def test_frames_without_a_stamp_follow(tmp_path: Path, name: str, pictures: str | None) -> None:
    path = factory.encode(
        tmp_path / name, video_codec=pictures, audio_codec="wmav2", rate=48000, seconds=3.0
    )
    heard = read_sound(path, 48000)
    assert len(heard) / 48000 == pytest.approx(3, abs=0.08)
    late, alike = factory.lag(heard, factory.tone(3.0, 48000))
    assert alike > 0.95
    if pictures:
        shown = [frame.time for frame in read_frames(path)]
        assert len(shown) == 75
        assert np.diff(shown) == pytest.approx(1 / 25, abs=0.0011)
        assert late / 48000 - shown[0] == pytest.approx(0, abs=0.002)


OPEN = "open-gop=1:bframes=3:keyint=12:min-keyint=12:b-pyramid=normal:scenecut=0"
H264 = [{"bf": "2", "g": "12"}, {"bf": "0", "g": "12"}, {"x264-params": OPEN}]


def copied(path: Path, fps: Fraction, finer: int, options: dict[str, str]) -> Path:
    """H.264 coded into another file and copied into an avi with a finer unit of time."""
    between = path.with_suffix(".ts")
    with av.open(str(between), "w") as sink:
        stream = sink.add_stream("libx264", rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = factory.SIDE, factory.SIDE, "yuv420p"
        for frame in [*factory.picture_frames(6.0), None]:
            if frame is not None:
                frame.time_base = 1 / fps
            sink.mux(stream.encode(frame))
    with av.open(str(between)) as source, av.open(str(path), "w") as sink:
        target = sink.add_stream_from_template(source.streams.video[0])
        target.time_base = 1 / (fps * finer)
        packets = [packet for packet in source.demux() if packet.dts is not None]
        late = packets[0].dts
        for packet in packets:
            packet.stream, packet.pts, packet.dts = target, packet.pts - late, packet.dts - late
            sink.mux(packet)
    return path


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(25, 2), Fraction(30000, 1001), Fraction(5)])
@pytest.mark.parametrize("finer", [1, 2, 24])
@pytest.mark.parametrize("options", H264)
def test_picture_k_of_an_avi_is_at_k_over_fps(
    tmp_path: Path, fps: Fraction, finer: int, options: dict[str, str]
) -> None:
    path = copied(tmp_path / "a.avi", fps, finer, options)
    with av.open(str(path)) as container:
        assert container.streams.video[0].time_base == 1 / (fps * finer)
    shown = list(read_frames(path))
    assert [frame.time for frame in shown] == pytest.approx(np.arange(150) / float(fps), abs=1e-3)
    assert [factory.seen_at(f.image) for f in shown] == [factory.square_at(k) for k in range(150)]
    begin, end = 60.4 / float(fps), 80.4 / float(fps)
    part = list(read_frames(path, begin, end))
    assert [f.time + begin for f in part] == pytest.approx(np.arange(61, 81) / float(fps), abs=1e-3)
    assert [factory.seen_at(f.image) for f in part] == [factory.square_at(k) for k in range(61, 81)]


RAW = [
    ("a.m1v", "mpeg1video"),
    ("a.m2v", "mpeg2video"),
    ("a.h264", "libx264"),
    ("a.mjpeg", "mjpeg"),
]
WITH_B = [
    ("a.mpg", "mpeg1video"), ("a.mpg", "mpeg2video"), ("a.ts", "mpeg1video"),
    ("a.mkv", "mpeg1video"), ("a.mp4", "mpeg1video"), ("a.avi", "mpeg1video"),
    ("a.avi", "mpeg2video"), ("a.nut", "mpeg2video"), ("a.wmv", "mpeg4"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "coding"), RAW + WITH_B)
def test_pictures_are_shown_at_the_same_time_after_a_seek(
    tmp_path: Path, name: str, coding: str
) -> None:
    path = tmp_path / name
    with av.open(str(path), "w") as sink:
        options = {} if coding == "mjpeg" else {"bf": "2", "g": "15"}
        stream = sink.add_stream(coding, rate=factory.FPS, options=options)
        stream.width, stream.height = factory.SIDE, factory.SIDE
        stream.pix_fmt = "yuvj420p" if coding == "mjpeg" else "yuv420p"
        for frame in [*factory.picture_frames(8.0), None]:
            sink.mux(stream.encode(frame))
    every = list(read_frames(path))
    assert len(every) == 200
    times = np.array([frame.time for frame in every])
    assert times - times[0] == pytest.approx(np.arange(200) / 25, abs=0.0011)
    for begin in (1.3, 3.1, 5.55, 7.0):
        part = list(read_frames(path, begin, begin + 0.8))
        inside = np.flatnonzero((times > begin - 5e-4) & (times < begin + 0.8 - 5e-4))
        assert [f.time + begin for f in part] == pytest.approx(times[inside], abs=0.0011)
        assert [factory.seen_at(f.image) for f in part] == [
            factory.square_at(int(k)) for k in inside
        ]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.ts"])
def test_a_clip_of_a_long_file_is_not_decoded_from_its_beginning(tmp_path: Path, name: str) -> None:
    path = factory.encode(
        tmp_path / name, video_codec="libx264", seconds=20.0, video_options={"g": "25"}
    )
    decoded = [time for time, _ in decode(path, "video", 17.0, 17.5)]
    assert 14.9 <= decoded[0] <= 16.5
    assert decoded[-1] == pytest.approx(17.47, abs=0.05)


def test_two_recordings_in_one_file_follow_each_other(tmp_path: Path) -> None:
    path = factory.encode(tmp_path / "a.opus", audio_codec="libopus", rate=48000)
    alone = read_sound(path, 48000)
    path.write_bytes(2 * path.read_bytes())
    both = read_sound(path, 48000)
    assert len(both) == pytest.approx(2 * len(alone), abs=2000)
    late, alike = factory.lag(both[len(alone) :], alone)
    assert abs(late) < 1500
    assert alike > 0.95
    assert len(read_sound(path, 48000, 2.5, 3.5)) == pytest.approx(48000, abs=400)  # its delay


def test_an_empty_packet_is_no_damage(tmp_path: Path) -> None:
    whole = factory.encode(tmp_path / "whole.mkv", video_codec="ffv1", seconds=2.0)
    path = tmp_path / "still.nut"  # the picture stands still for half of the time
    with av.open(str(whole)) as source, av.open(str(path), "w") as sink:
        stream = sink.add_stream_from_template(source.streams.video[0])
        for k, packet in enumerate(p for p in source.demux(video=0) if p.size):
            sent = av.Packet(b"") if k % 10 > 4 else packet
            sent.pts = sent.dts = packet.pts
            sent.stream, sent.time_base = stream, packet.time_base
            sink.mux(sent)
    shown = [frame.time for frame in read_frames(path)]
    assert shown == pytest.approx([k / 25 for k in range(50) if k % 10 <= 4])


def test_stamps_that_no_recording_has_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.nut"
    whole = factory.encode(tmp_path / "b.mkv", video_codec="ffv1")
    with av.open(str(whole)) as source, av.open(str(path), "w") as sink:
        stream = sink.add_stream_from_template(source.streams.video[0])
        for k, packet in enumerate(p for p in source.demux(video=0) if p.size):
            packet.stream, packet.pts, packet.dts = stream, (10**12) * k, (10**12) * k
            sink.mux(packet)
    assert "usable time stamps" in factory.complaint(path, video=True)
