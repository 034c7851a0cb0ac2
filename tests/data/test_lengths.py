"""What a file says of its length is a hint; what decodes decides."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from emocli.data.media.content import read_frames, read_sound
from emocli.data.media.whole import missing_bytes
from emocli.errors import MediaError
from tests import media_factory as factory
from tests.media_factory import complaint

RATE = factory.RATE


class Pipe(io.RawIOBase):
    """A file in which nobody can go back."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.data += data
        return len(data)


def piped(path: Path, kind: str, **how: object) -> Path:
    """What `media_factory.encode` writes, written to a pipe."""
    pipe = Pipe()

    def opened(name: str, mode: str, **more: object) -> object:
        return av_open(pipe, mode, format=kind, **more)

    av_open = av.open
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(av, "open", opened)
        factory.encode(path, **how)  # type: ignore[arg-type]
    path.write_bytes(pipe.data)
    return path


def wav(path: Path, seconds: float = 2.0) -> bytearray:
    soundfile.write(path, factory.tone(seconds), RATE, subtype="PCM_16")
    return bytearray(path.read_bytes())


def seconds(path: Path) -> float:
    return len(read_sound(path, RATE)) / RATE


SIZES = [
    ("riff too long", 5000, 0),
    ("riff unknown", "ffffffff", 0),
    ("riff never written", "00000000", 0),
    ("both unknown", "ffffffff", "ffffffff"),
    ("both never written", "00000000", "00000000"),
    ("as sox has it", "00f0ff7f", "00f0ff7f"),
    ("as arecord has it", "24000080", "00000080"),
    ("only the samples too long", 0, 5000),
]


@pytest.mark.parametrize(("name", "riff", "data"), SIZES, ids=[name for name, *_ in SIZES])
def test_a_wav_with_a_wrong_size_is_whole(
    tmp_path: Path, name: str, riff: int | str, data: int | str
) -> None:
    path = tmp_path / "a.wav"
    content = wav(path)
    for at, size in ((4, riff), (40, data)):
        if isinstance(size, str):
            content[at : at + 4] = bytes.fromhex(size)
        else:
            stated = int.from_bytes(content[at : at + 4], "little") + size
            content[at : at + 4] = stated.to_bytes(4, "little")
    path.write_bytes(content)
    assert seconds(path) == 2
    assert len(read_sound(path, RATE, 1.0, 2.0)) == RATE


@pytest.mark.parametrize("form", ["WAV", "AIFF", "AU", "W64", "RF64", "CAF"])
def test_sound_that_is_cut_off(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"a.{form.lower()}"
    soundfile.write(path, factory.tone(), RATE, subtype="PCM_16", format=form)
    assert missing_bytes(path) == 0
    assert seconds(path) == 2
    factory.truncate(path)
    assert "is truncated: it ends at 1." in complaint(path)
    assert "is truncated" in complaint(path, start=1.0, end=1.9)
    assert len(read_sound(path, RATE, 0.25, 1.0)) == 12000  # which is there


PIPED = [
    ("a.avi", "avi", "libx264", "pcm_s16le"),
    ("b.avi", "avi", "mpeg4", "pcm_s16le"),
    ("a.mkv", "matroska", "libx264", "aac"),
    ("a.webm", "webm", "libvpx", "libopus"),
    ("a.flv", "flv", "libx264", "aac"),
    ("a.mp4", "mp4", "libx264", "aac"),
    ("a.wmv", "asf", "wmv2", "wmav2"),
    ("a.nut", "nut", "libx264", "aac"),
    ("a.ts", "mpegts", "libx264", "aac"),
    ("a.wav", "wav", None, "pcm_s16le"),
    ("a.mp3", "mp3", None, "libmp3lame"),
    ("a.flac", "flac", None, "flac"),
    ("a.opus", "opus", None, "libopus"),
    ("a.aac", "adts", None, "aac"),
    ("a.wma", "asf", None, "wmav2"),
    ("a.au", "au", None, "pcm_s16be"),
]


@pytest.mark.parametrize(("name", "kind", "pictures", "coding"), PIPED)
def test_what_was_written_to_a_pipe_is_whole(
    tmp_path: Path, name: str, kind: str, pictures: str | None, coding: str
) -> None:
    options = {"movflags": "frag_keyframe+empty_moov"} if kind == "mp4" else {}
    path = piped(
        tmp_path / name, kind, video_codec=pictures, audio_codec=coding, rate=48000,
        seconds=3.0, options=options, video_options={"g": "10"},
    )  # fmt: skip
    assert seconds(path) == pytest.approx(3, abs=0.09)
    assert len(read_sound(path, RATE, 1.5, 2.5)) == RATE
    if pictures:
        every = [frame.time for frame in read_frames(path)]
        assert np.diff(every) == pytest.approx(1 / 25, abs=0.0011)
        assert len(every) == 75
        some = [frame.time + 1.5 for frame in read_frames(path, 1.5, 2.5)]
        inside = [time for time in every if 1.5 - 5e-4 <= time < 2.5 - 5e-4]
        assert some == pytest.approx(inside, abs=0.0011)


def moved(path: Path, target: Path, late: Callable[[str], float]) -> Path:
    """Copy a recording's streams to other times."""
    with av.open(str(path)) as source, av.open(str(target), "w") as sink:
        streams = {stream: sink.add_stream_from_template(stream) for stream in source.streams}
        packets = [packet for packet in source.demux() if packet.dts is not None]
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base + late(p.stream.type)):
            delay = round(late(packet.stream.type) / packet.time_base)
            packet.pts, packet.dts = (packet.pts or packet.dts) + delay, packet.dts + delay
            packet.stream = streams[packet.stream]
            sink.mux(packet)
    return target


@pytest.mark.parametrize("name", ["a.mkv", "a.webm", "a.ts", "a.nut", "a.flv"])
def test_a_recording_need_not_begin_at_0(tmp_path: Path, name: str) -> None:
    kinds = {"a.webm": ("libvpx", "libopus")}
    pictures, coding = kinds.get(name, ("libx264", "aac"))
    path = factory.encode(
        tmp_path / f"0{name}", video_codec=pictures, audio_codec=coding, rate=48000,
        video_options={"bf": "0"} if pictures == "libx264" else {},
    )  # fmt: skip
    late = moved(path, tmp_path / name, lambda kind: 20.0)
    assert seconds(late) == pytest.approx(2, abs=0.06)
    shown = [frame.time for frame in read_frames(late)]
    assert len(shown) == 50
    assert shown[0] < 0.1
    assert len(list(read_frames(late, 1.0, 1.8))) == 20
    assert "outside the file, which lasts 2.0" in complaint(late, start=1.0, end=5.0)


@pytest.mark.parametrize("name", ["a.mov", "a.nut", "a.mkv"])
def test_sound_may_begin_later_than_pictures(tmp_path: Path, name: str) -> None:
    path = factory.encode(tmp_path / "0.mkv", video_codec="mpeg4", audio_codec="pcm_s16le")
    late = moved(path, tmp_path / name, lambda kind: 0.7 * (kind == "audio"))
    heard = read_sound(late, RATE)
    assert not heard[: round(0.69 * RATE)].any()
    assert factory.lag(heard, factory.tone()) == (
        pytest.approx(0.7 * RATE, abs=32),
        pytest.approx(1, abs=0.01),
    )
    assert len(list(read_frames(late))) == 50


@pytest.mark.parametrize("coding", ["pcm_s16le", "libmp3lame"])
def test_sound_of_an_avi_may_begin_later(tmp_path: Path, coding: str) -> None:
    path = factory.encode(tmp_path / "a.avi", video_codec="mpeg4", audio_codec=coding)
    content = bytearray(path.read_bytes())
    at = content.index(b"strh", content.index(b"strh") + 4) + 8
    scale, rate = (int.from_bytes(content[at + k : at + k + 4], "little") for k in (20, 24))
    begins = round(0.7 * rate / scale)
    content[at + 28 : at + 32] = begins.to_bytes(4, "little")
    path.write_bytes(content)
    heard, begins = read_sound(path, RATE), round(begins * scale * RATE / rate)
    assert not heard[: begins - 16].any()
    assert factory.lag(heard[begins:], factory.tone())[1] > 0.95
    assert len(heard) - begins == pytest.approx(2 * RATE, abs=0.1 * RATE)
    np.testing.assert_allclose(read_sound(path, RATE, 1.2, 2.4), heard[19200:38400], atol=1e-3)


def test_an_mp3_without_a_length_is_as_long_as_it_decodes(tmp_path: Path) -> None:
    for name, quiet in (("a.mp3", slice(0, 64000)), ("b.mp3", slice(64000, None))):
        path, samples = tmp_path / name, factory.tone(8.0)
        samples[quiet] = 0
        with av.open(str(path), "w", options={"write_xing": "0"}) as sink:
            stream = sink.add_stream("libmp3lame", rate=RATE, options={"q": "4"})
            stream.codec_context.options = {"compression_level": "2"}
            for frame in [factory.sound_frame(samples, RATE), None]:
                sink.mux(stream.encode(frame))
        assert seconds(path) == pytest.approx(8.1, abs=0.1)
        assert len(read_sound(path, RATE, 6.0, 7.9)) == round(1.9 * RATE)
        assert "outside the file, which lasts 8." in complaint(path, start=6.0, end=9.0)


def test_a_clip_without_a_start_is_its_whole_file(tmp_path: Path) -> None:
    path = factory.video(tmp_path / "a.mp4")
    assert len(list(read_frames(path, None, 2.5))) == 50
    assert len(read_sound(path, RATE, None, 1000.0)) == len(read_sound(path, RATE))
    assert len(read_sound(path, RATE, None, 1.5)) == 24000
    assert "outside the file, which lasts 2." in complaint(path, start=0.0, end=2.5)
    assert "outside" in complaint(path, start=0.0, end=2.5, video=True)
    factory.truncate(factory.encode(path, video_codec="libx264", options={"movflags": "faststart"}))
    with pytest.raises(MediaError, match="truncated"):
        list(read_frames(path, None, 2.5))


CUT = [
    ("a.ogg", None, "libopus", {}),
    ("a.opus", None, "libopus", {}),
    ("a.oga", None, "flac", {}),
    ("a.wmv", "wmv2", "wmav2", {}),
    ("a.mp4", "libx264", "aac", {"movflags": "frag_keyframe+empty_moov"}),
    ("a.m4a", None, "aac", {"movflags": "faststart"}),
    ("a.3gp", "mpeg4", "aac", {"movflags": "faststart"}),
]


@pytest.mark.parametrize(("name", "pictures", "coding", "options"), CUT)
@pytest.mark.parametrize("share", [0.55, 0.83])
def test_files_that_are_cut_off(
    tmp_path: Path,
    name: str,
    pictures: str | None,
    coding: str,
    options: dict[str, str],
    share: float,
) -> None:
    path = factory.encode(
        tmp_path / name, video_codec=pictures, audio_codec=coding, rate=48000, seconds=4.0,
        options=options,
    )  # fmt: skip
    assert missing_bytes(path) == 0
    assert seconds(path) == pytest.approx(4, abs=0.1)
    factory.truncate(path, share)
    assert "truncated" in complaint(path)


def patched(path: Path, name: bytes, skip: int, new: bytes) -> Path:
    """Write other bytes some way behind a name in a file."""
    content = bytearray(path.read_bytes())
    at = content.index(name) + skip
    content[at : at + len(new)] = new
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "field", "skip", "new"),
    [
        ("a.mp4", b"mvhd", 20, (90_000).to_bytes(4, "big")),
        ("a.mkv", b"\x44\x89\x88", 3, struct.pack(">d", 500_000.0)),
        ("a.flv", b"duration", 9, struct.pack(">d", 500.0)),
    ],
)
def test_a_header_may_state_any_length(
    tmp_path: Path, name: str, field: bytes, skip: int, new: bytes
) -> None:
    path = factory.encode(
        tmp_path / name, video_codec="libx264", audio_codec="aac", rate=44100,
        video_options={"g": "10"},
    )  # fmt: skip
    long = patched(path, field, skip, new)
    assert seconds(long) == pytest.approx(2, abs=0.11)
    assert len(list(read_frames(long))) == 50
    assert len(read_sound(long, RATE, 1.0, 1.9)) == round(0.9 * RATE)


def test_a_flac_cut_out_of_another_is_whole(tmp_path: Path) -> None:
    path = factory.encode(tmp_path / "a.flac", audio_codec="flac", seconds=4.0)
    stated = path.read_bytes()[21:26]  # the count of samples
    short = factory.encode(tmp_path / "b.flac", audio_codec="flac", seconds=1.5)
    content = bytearray(short.read_bytes())
    content[21:26] = stated
    short.write_bytes(content)
    assert seconds(short) == 1.5
    short.write_bytes(content + b"TAG" + bytes(125))  # as ID3v1 has it
    assert seconds(short) == 1.5
    short.write_bytes(content[:-7])
    assert "truncated" in complaint(short)
