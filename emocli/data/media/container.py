"""Opened recordings: the formats that are allowed, their largest sizes, the choice of a stream.

A recording is one file. Playlists, lists of files and descriptions of streams elsewhere are
recordings to libav, too, whatever their name ends in; here they are refused, so that nothing is
read but the file that was named.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from emocli.errors import MediaError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream

StreamKind = Literal["audio", "video"]
NAMES = {"audio": "sound", "video": "picture"}

FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,live_flv,kux,asf,asf_o,mpeg,mpegts,mpegvideo,"
    "mpegtsraw,dv,mxf,gxf,wtv,nut,ogg,rm,ivr,ivf,obu,h261,h263,h264,hevc,vvc,m4v,mjpeg,vc1,av1,"
    "dirac,yuv4mpegpipe,gif,apng,swf,nsv,nuv,pva,ty,roq,smjpeg,lmlm4,dhav,"
    "wav,w64,aiff,au,caf,flac,mp3,aac,loas,ac3,eac3,dts,dtshd,truehd,mlp,amr,amrnb,amrwb,ape,wv,"
    "tta,tak,mpc,mpc8,shn,gsm,g722,g723_1,g729,ilbc,sln,voc,ircam,nistsphere,pvf,sox,avr,qcp,oma,"
    "dsf,iff,xwma,act,dss,aptx,aptx_hd,sbc,qoa,bonk,osq,wavarc,rka,spdif,ast"
)
"""libav's names of the containers that hold all of a recording: none of them opens another file."""

OPENING = {
    "format_whitelist": FORMATS,
    "protocol_whitelist": "file",
    "enable_drefs": "0",
    "max_streams": "64",
}
"""libav's options. A QuickTime file may keep its data in another file (``dref``): not followed."""

MOST_PIXELS = 2**26
"""Pixels of the largest picture of a video, 8192 x 8192."""

LEAST_RATE, MOST_RATE = 1000, 768_000
"""Sampling rates in Hz: telephones have 8000, the highest studios use 768 000."""

MOST_CHANNELS = 64
"""Channels of sound, as many as Ambisonics of seventh order has."""

PLAYLISTS = {
    b"#EXTM3U": "an HLS playlist",
    b"ffconcat": "an ffconcat list of files",
    b"v=0": "an SDP description",
    b"<mpd": "a DASH manifest",
    b"<smil": "a SMIL playlist",
    b"<asx": "an ASX playlist",
    b"<playlist": "an XSPF playlist",
    b"<html": "a web page",
    b"[playlist]": "a PLS playlist",
    b"[Reference]": "an ASF reference",
    b"rtsp://": "a RealMedia redirector",
    b"http://": "a list of addresses",
    b"https://": "a list of addresses",
    b"file ": "an ffconcat list of files",
}
"""What a file begins with that only tells where a recording is."""

HEAD = 4096
"""Bytes in which to look for that."""

ALIAS = 150
"""Bytes of the smallest QuickTime alias that libav takes for the name of another file."""

MOST_HEADER = 2**26
"""Bytes of a QuickTime file's description that are looked at."""

SECONDARY = ("comment", "visual_impaired", "clean_effects", "descriptions", "dependent", "karaoke")
"""Dispositions of streams that stand in for another: commentary, audio description, no dialogue."""


@contextmanager
def media_errors(path: Path) -> Iterator[None]:
    """Turn what libraries raise over a file they cannot read into a `MediaError`."""
    import av

    try:
        yield
    except MemoryError:
        raise MediaError("needs more memory than there is", where=path) from None
    except av.FFmpegError as fault:
        what = f"cannot be decoded ({(fault.strerror or str(fault)).lower()})"
        raise MediaError(what, where=path) from None
    except (OSError, ValueError, RuntimeError, ArithmeticError, LookupError) as fault:
        what = f"cannot be decoded ({fault or type(fault).__name__})"
        raise MediaError(what, where=path) from None


@contextmanager
def open_recording(path: Path) -> Iterator[InputContainer]:
    """Open a recording; no other file is opened, whatever it says.

    Raises
    ------
    MediaError
        If it is none, or one of the formats that refer to other files.
    """
    import av

    options = {**OPENING, "max_pixels": str(MOST_PIXELS)}
    with media_errors(path):
        try:
            container = av.open(f"file:{path}", metadata_errors="replace", options=options)
        except MemoryError:
            raise
        except av.FFmpegError as fault:
            raise MediaError(_no_recording(path, fault), where=path, hint=_hint(path)) from None
    with container:
        _check_own_data(container, path)
        yield container


def choose_stream(container: InputContainer, kind: StreamKind, path: Path) -> Stream:
    """Choose the stream that is meant: not cover art; the default one, not a commentary; the first.

    Raises
    ------
    MediaError
        If there is none that can be decoded, or it is larger than any recording.
    """
    from av.stream import Disposition

    streams = [stream for stream in container.streams if stream.type == kind]
    streams = [s for s in streams if not s.disposition & Disposition.attached_pic]  # cover art
    if not streams:
        raise MediaError(f"has no {NAMES[kind]} stream", where=path)
    # A stream in an unknown coding has no codec.
    decodable = [stream for stream in streams if getattr(stream, "codec_context", None)]
    if not decodable:
        raise MediaError(f"has a {NAMES[kind]} stream in an unknown coding", where=path)
    chosen = min(decodable, key=_rank)
    _check_size(chosen, path)
    return chosen


def check_sound(rate: int, channels: int, path: Path) -> None:
    """Refuse sound of a rate or of so many channels as no recording has.

    Raises
    ------
    MediaError
        If it is so.
    """
    if not LEAST_RATE <= rate <= MOST_RATE:
        what = f"has a sampling rate of {rate} Hz"
        hint = f"{LEAST_RATE} to {MOST_RATE} Hz can be read"
        raise MediaError(what, where=path, hint=hint)
    if not 1 <= channels <= MOST_CHANNELS:
        count = str(channels) if channels else "no, or far too many,"  # libav says 0 of either
        hint = f"1 to {MOST_CHANNELS} can be read"
        raise MediaError(f"has {count} channels of sound", where=path, hint=hint)


def check_picture(width: int, height: int, most: int, path: Path) -> None:
    """Refuse a picture of more pixels than ``most``, with a `MediaError`."""
    if width * height > most:
        what = f"has pictures of {width} x {height} pixels"
        raise MediaError(what, where=path, hint=f"at most {most:,} pixels can be read")


def _check_size(stream: Stream, path: Path) -> None:
    context: Any = stream.codec_context  # of sound, or of pictures
    if context.type == "audio":
        check_sound(context.sample_rate, context.channels, path)
    else:
        check_picture(context.width, context.height, MOST_PIXELS, path)
        context.options = {"max_pixels": str(MOST_PIXELS)}  # pictures may grow midway


def _rank(stream: Stream) -> tuple[bool, bool, int]:
    from av.stream import Disposition

    secondary = any(stream.disposition & Disposition[name] for name in SECONDARY)
    return secondary, not stream.disposition & Disposition.default, stream.index


def _no_recording(path: Path, fault: Exception) -> str:
    import av

    listed = _playlist(path)
    if listed:
        return f"is {listed}, not a recording"
    if isinstance(fault, av.error.ArgumentError):  # what is not among FORMATS
        return "is no recording, or in a container that is not read"
    message = getattr(fault, "strerror", None) or str(fault)
    return f"is truncated or no recording ({message.lower()})"


def _hint(path: Path) -> str:
    return "name the recording itself" if _playlist(path) else ""


def _playlist(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(HEAD).removeprefix(b"\xef\xbb\xbf").lstrip()
    lower = head.lower()
    for mark, what in PLAYLISTS.items():
        # What a document is stands behind its declaration.
        if head.startswith(mark) or (
            head.startswith(b"<") and mark.startswith(b"<") and mark in lower
        ):
            return what
    return None


def _check_own_data(container: InputContainer, path: Path) -> None:
    """Refuse a QuickTime film whose data are in another file."""
    if not container.format.name.startswith("mov"):
        return
    movie = _movie_box(path)
    at = movie.find(b"dref")
    while at >= 0:
        size, kind = int.from_bytes(movie[at + 12 : at + 16]), movie[at + 16 : at + 20]
        if kind == b"alis" and size > ALIAS:
            what = "is a QuickTime film that keeps its data in another file"
            raise MediaError(what, where=path, hint="save it as a self-contained film")
        at = movie.find(b"dref", at + 4)


def _movie_box(path: Path) -> bytes:
    """Return what a QuickTime file says of its streams."""
    with path.open("rb") as file:
        while len(header := file.read(8)) == 8:
            size, kind = int.from_bytes(header[:4]), header[4:]
            if kind == b"moov":
                return file.read(min(max(size - 8, 0), MOST_HEADER))
            if size == 1:
                size = int.from_bytes(file.read(8)) - 8
            if size < 8:
                break
            file.seek(size - 8, os.SEEK_CUR)
    return b""
