from __future__ import annotations

import os
import shutil
import struct
import zlib
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import soundfile

from emocli.data.clip import Clip
from emocli.data.media.container import FORMATS
from emocli.data.media.content import first_channel, read_frames, read_sound
from emocli.data.track import Absent
from emocli.errors import EmocliError, MediaError
from tests import media_factory as factory
from tests.media_factory import complaint, lag

RATE = factory.RATE

PLAYLISTS = {
    "an HLS playlist": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nb.ts\n#EXT-X-ENDLIST\n",
    "an ffconcat list": "ffconcat version 1.0\nfile b.ts\n",
    "an SDP description": "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=audio 5004 RTP/AVP 0\r\n",
    "a DASH manifest": '<?xml version="1.0"?>\n<MPD><Period><BaseURL>b.ts</BaseURL></Period></MPD>',
    "a PLS playlist": "[playlist]\nFile1=b.ts\n",
    "an ASX playlist": '<ASX version="3.0"><entry><ref href="b.ts"/></entry></ASX>',
    "an XSPF playlist": '<?xml version="1.0"?><playlist><trackList></trackList></playlist>',
    "a RealMedia redirector": "rtsp://localhost/b.rm\n",
    "a web page": "<!DOCTYPE html>\n<html><body>404 Not Found http://localhost</body></html>",
}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a playlist names."""
    path = tmp_path_factory.mktemp("film") / "b.ts"
    return factory.encode(path, video_codec="mpeg2video", audio_codec="aac", rate=48000)


@pytest.mark.parametrize("name", PLAYLISTS)
@pytest.mark.parametrize("suffix", [".m3u8", ".ffconcat", ".sdp", ".mpd", ".mp4", ".wav", ""])
def test_playlists_are_no_recordings(film: Path, tmp_path: Path, name: str, suffix: str) -> None:
    shutil.copy(film, tmp_path)
    path = tmp_path / f"a{suffix}"
    for before in (b"", b"\xef\xbb\xbf"):
        path.write_bytes(before + PLAYLISTS[name].encode())
        for video in (False, True):
            assert f"is {name}" in complaint(path, video=video)


@pytest.mark.parametrize(
    "name", ["concat:b.wav|b.wav", "subfile,,start,0,end,9,,:b.wav", "a%d.png"]
)
def test_names_are_names_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    soundfile.write("b.wav", factory.tone(), RATE)
    Path("a1.png").write_bytes(cv2.imencode(".png", next(factory.pictures()))[1].tobytes())
    for video in (False, True):
        assert "there is no such file" in complaint(Path(name), video=video)
    soundfile.write("c.wav", factory.tone(), RATE)
    Path("c.wav").rename("concat:b.wav")
    assert lag(read_sound(Path("concat:b.wav"), RATE), factory.tone())[1] > 0.99


def test_a_film_in_two_files_is_refused(tmp_path: Path) -> None:
    whole = factory.encode(tmp_path / "b.mov", video_codec="mpeg4", audio_codec="pcm_s16le")
    path = tmp_path / "a.mov"
    path.write_bytes(referring(whole.read_bytes(), os.fsencode(whole)))
    for video in (False, True):
        assert "keeps its data in another file" in complaint(path, video=video)


def referring(movie: bytes, name: bytes) -> bytes:
    """Replace the data references of a film by an alias of another file."""
    parents = {b"moov", b"trak", b"mdia", b"minf", b"dinf"}
    result, at = b"", 0
    while at < len(movie):
        size, kind = struct.unpack(">I4s", movie[at : at + 8])
        inner = movie[at + 8 : at + size]
        if kind in parents:
            inner = referring(inner, name)
        if kind == b"dref":
            alias = bytes(10) + b"\x04root".ljust(28, b"\0") + bytes(12) + b"\x05b.mov".ljust(64)
            alias += bytes(16) + struct.pack(">HH", 1, 1) + bytes(16)
            alias += struct.pack(">HH", 2, len(name)) + name + bytes(len(name) % 2)
            alias += struct.pack(">HH", 0xFFFF, 0)
            inner = struct.pack(">II", 0, 1) + struct.pack(">I4sI", len(alias) + 12, b"alis", 0)
            inner += alias
        result += struct.pack(">I4s", len(inner) + 8, kind) + inner
        at += size
    return result


def test_no_container_that_refers_to_other_files_is_read() -> None:
    referring = (
        "hls dash concat concatf sdp rtsp rtp sap image2 image2pipe imf vobsub mlv lavfi tty"
    )
    assert not set(FORMATS.split(",")) & set(referring.split())
    known = {name for listed in av.formats_available for name in listed.split(",")}
    assert set(FORMATS.split(",")) <= known


def header_of(suffix: str, width: int, height: int) -> bytes:
    """An image that says that it is very large."""
    image = np.zeros((16, 16, 3), np.uint8)
    data = bytearray(cv2.imencode(suffix, image)[1].tobytes())
    if suffix == ".png":
        data[16:24] = struct.pack(">II", width, height)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    elif suffix == ".jpg":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", height, width)
    elif suffix == ".bmp":
        data[18:26] = struct.pack("<ii", width, height)
    elif suffix == ".webp":
        at = data.index(b"VP8L") + 9
        data[at : at + 4] = struct.pack("<I", (width - 1) | (height - 1) << 14)
    elif suffix == ".tif":
        (at,) = struct.unpack("<I", data[4:8])
        for number in range(*struct.unpack("<H", data[at : at + 2])):
            entry = at + 2 + 12 * number
            tag = struct.unpack("<H", data[entry : entry + 2])[0]
            if tag in (256, 257):
                value = width if tag == 256 else height
                data[entry : entry + 12] = struct.pack("<HHII", tag, 4, 1, value)
    return bytes(data)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif", ".webp"])
def test_images_larger_than_any_are_refused_before_they_are_decoded(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    sides = [(16383, 16383)] if suffix == ".webp" else [(60000, 60000), (40000, 4000)]
    for side in sides:
        path.write_bytes(header_of(suffix, *side))
        assert "at most 134,217,728 pixels can be read" in complaint(path, video=True)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif", ".webp"])
def test_images_that_break_off_are_refused(
    tmp_path: Path, suffix: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"a{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    data = cv2.imencode(suffix, noise)[1].tobytes()
    for share in (0.3, 0.9):
        path.write_bytes(data[: int(share * len(data))])
        complaint(path, video=True)
    assert capfd.readouterr() == ("", "")


def test_videos_larger_than_any_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    small = cv2.imencode(".jpg", next(factory.pictures()))[1].tobytes()
    for side in (9000, 60000):
        (tmp_path / "a.mjpeg").write_bytes(header_of(".jpg", side, side) * 3)
        (tmp_path / "grows.mjpeg").write_bytes(small * 60 + header_of(".jpg", side, side) * 30)
        for name in ("a.mjpeg", "grows.mjpeg"):
            path = remuxed(tmp_path / name) if name == "grows.mjpeg" else tmp_path / name
            with pytest.raises(
                MediaError, match=r"pixels can be read|cannot be decoded|no recording"
            ):
                list(read_frames(path))


def remuxed(path: Path) -> Path:
    """Put raw pictures into a container with time stamps."""
    target = path.with_suffix(".mkv")
    with av.open(str(path)) as source, av.open(str(target), "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(p for p in source.demux() if p.size):
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = number
            packet.duration = 1
            container.mux(packet)
    return target


def test_the_default_sound_is_taken_and_not_a_commentary(tmp_path: Path) -> None:
    from av.stream import Disposition

    path, wanted = tmp_path / "a.mkv", factory.tone(seed=3)
    with av.open(str(path), "w") as container:
        kinds = [Disposition.comment, Disposition(0), Disposition.default]
        streams = [container.add_stream("flac", rate=RATE, layout="mono") for _ in kinds]
        for stream, kind in zip(streams, kinds, strict=True):
            stream.disposition = kind
        for seed, stream in enumerate(streams, 1):
            for piece in [factory.sound_frame(factory.tone(seed=seed), RATE), None]:
                container.mux(stream.encode(piece))
    assert lag(read_sound(path, RATE), wanted)[1] > 0.99


SOURCES = [
    ("a.mp4", "libx264", "aac", 16000),
    ("a.avi", "mpeg4", "pcm_s16le", 16000),
    ("a.mkv", "libx264", "libopus", 48000),
    ("a.flv", "flv", "libmp3lame", 22050),
    ("a.mp3", None, "libmp3lame", 16000),
    ("a.wav", None, "pcm_s16le", 16000),
    ("a.flac", None, "flac", 16000),
]


@pytest.mark.parametrize("seed", range(3))
def test_damaged_files_are_read_or_refused(tmp_path: Path, seed: int) -> None:
    """Nothing but our own errors, whatever bytes change; they are always of one line."""
    rng = np.random.default_rng(seed)
    image = next(factory.pictures())
    whole = {s: cv2.imencode(s, image)[1].tobytes() for s in (".png", ".jpg", ".webp", ".tif")}
    for name, pictures, coding, rate in SOURCES:
        path = factory.encode(
            tmp_path / name, video_codec=pictures, audio_codec=coding, rate=rate, seconds=0.4
        )
        whole[path.suffix] = path.read_bytes()
    for suffix, data in whole.items():
        path = tmp_path / f"damaged{suffix}"
        clip = Clip("a", media={"video": path})
        for _ in range(12):
            path.write_bytes(damaged(data, rng))
            for read in (lambda p: list(read_frames(p)), lambda p: read_sound(p, RATE)):
                with suppress(EmocliError, Absent):  # a still image has no sound
                    read(path)
                    first_channel(clip)


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Change, insert or take out some bytes, most of them near the beginning."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 10))):
        at = int(rng.integers(min(len(changed), rng.choice([60, 400, len(changed)]))))
        size = int(rng.integers(1, 9))
        filler = rng.choice([b"\xff", b"\0", b"\x7f", rng.bytes(1)]) * size
        changed[at : at + int(rng.choice([0, size, 4 * size]))] = filler
    return bytes(changed)


def test_time_stamps_far_away_fill_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for begin in (0, 11_000 * RATE):
            frame = factory.sound_frame(factory.tone(), RATE)
            frame.pts = begin
            container.mux(stream.encode(frame))
    assert "has no sound for 10998 s" in complaint(path)
