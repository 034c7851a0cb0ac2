"""Decoding one stream of a recording, on a time axis that sound and pictures share.

Time is in seconds from the beginning of the file, which is where its first stream begins; a stream
that begins later keeps its delay. What a file says it holds is compared with what is there, so
that a truncated recording is an error and not a short clip; formats that do not say how long they
are (ogg, ts, aac) cannot be checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emocli.data.container import Kind, choose_stream, open_recording
from emocli.data.picture import picture_of
from emocli.errors import MediaError

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame

INSTANT = 0.0005
"""Half the coarsest unit of time stamps (flv, mkv), in seconds."""

PREROLL = 0.5
"""Seconds decoded before a clip that begins inside a file, for the decoder to settle."""

OVERRUN = 0.1
"""Seconds a clip may end after its file does: annotations are rounded."""

TRUNCATED = 0.25
"""Seconds a file may end before it says it does: headers are rounded too."""

LOST = 0.1
"""Seconds of a clip that may be undecodable."""

ESTIMATED = frozenset({"aac"})
"""Formats that do not say how long they are: what libav tells is a guess."""

DECODING_ORDER = frozenset({"avi"})
"""Formats that stamp pictures in the order of decoding, which is not that of showing them."""

SLACK = 1024
"""Bytes a file may be shorter than its RIFF header says."""

MICROSECONDS = 1e6
"""libav's unit of a file's times, in a second."""

UNSTATED = 0x7FFF_F000
"""RIFF sizes from here on stand for 'unknown'."""


def decode(
    path: Path, kind: Kind, begin: float = 0.0, end: float | None = None
) -> Iterator[tuple[float, Any]]:
    """Decode the frames that begin inside [begin, end), and up to `PREROLL` before.

    Parameters
    ----------
    path : Path
        The file.
    kind : {'audio', 'video'}
        Which stream; see `emocli.data.container.choose_stream`.
    begin, end : float
        Seconds from the beginning of the file; no end is the end of the file.

    Yields
    ------
    time : float
        Seconds from the beginning of the file.
    frame : av.AudioFrame or Picture
        The decoded frame; of a picture, with the shape of its pixels.

    Raises
    ------
    MediaError
        If the file cannot be read, has no such stream, is shorter than the clip or than it says,
        or is damaged inside the clip.
    """
    first = None
    if begin > PREROLL:
        frames = _read(path, kind, begin, end, seek=True)
        with suppress(MediaError):
            first = next(frames, None)
    if first is not None and first[0] <= begin:
        yield first
        yield from frames
    else:  # nothing to skip, or a format that cannot seek or lands behind the clip
        yield from _read(path, kind, begin, end, seek=False)


def check_file(path: Path) -> None:
    """Refuse what is no recording at first sight, or shorter than its RIFF header (wav, avi) says.

    Raises
    ------
    MediaError
        If it is so.
    """
    if not path.exists():
        link = path.is_symlink()
        what = (
            f"is a link to '{path.readlink()}', which is not there"
            if link
            else "there is no such file"
        )
        raise MediaError(what, where=path)
    if not path.is_file():
        raise MediaError("is not a file", where=path)
    size = path.stat().st_size
    if not size:
        raise MediaError("is empty (0 bytes)", where=path)
    try:
        with path.open("rb") as file:
            header = file.read(8)
    except OSError as fault:
        raise MediaError(f"cannot be read ({fault.strerror})", where=path) from None
    if header == b"version ":
        raise MediaError("is a Git LFS pointer", where=path, mend="fetch it with `git lfs pull`")
    stated = int.from_bytes(header[4:], "little") + 8
    if header.startswith(b"RIFF") and stated < UNSTATED and stated > size + SLACK:
        raise MediaError(f"is truncated: {size} of {stated} bytes are there", where=path)


def span(begin: float, end: float | None) -> str:
    """Put a clip's times into words."""
    return f"between {begin:g} s and " + ("the end" if end is None else f"{end:g} s")


def _read(
    path: Path, kind: Kind, begin: float, end: float | None, seek: bool
) -> Iterator[tuple[float, Any]]:
    import av

    with _open(path) as container:
        reader = _Reader(container, choose_stream(container, kind, path))
        length = _length(container)
        _check_span(begin, end, length, path)
        if seek:
            try:
                reader.seek(begin - PREROLL)
            except av.FFmpegError:
                return
        for time, frame in reader.frames(begin, end):
            if end is not None and time >= end - INSTANT:
                break
            yield time, picture_of(frame, reader.stream) if kind == "video" else frame
        else:
            _check_whole(reader.reached, end, length, path)
        if reader.lost > LOST:
            what = f"{reader.lost:.2f} s {span(begin, end)} cannot be decoded"
            raise MediaError(what, where=path)


class _Reader:
    """Decodes a stream, and keeps account of the packets of its file.

    Attributes
    ----------
    reached : float
        Where the last packet read, of any stream, ends.
    lost : float
        Seconds of the stream that were wanted and could not be decoded.
    """

    def __init__(self, container: InputContainer, stream: Stream) -> None:
        self.container = container
        self.stream = stream
        self.zero = (container.start_time or 0) / MICROSECONDS
        self.reached = 0.0
        self.lost = 0.0
        self.reordered = stream.type == "video" and container.format.name in DECODING_ORDER
        self.stamp: int | None = None

    def seek(self, time: float) -> None:
        """Go to the last point at or before ``time`` where decoding may begin."""
        position = Fraction(self.zero + time) / (self.stream.time_base or 1)
        self.container.seek(round(position), stream=self.stream)

    def frames(self, begin: float, end: float | None) -> Iterator[tuple[float, Any]]:
        """Decode on: (time, frame). Damage between ``begin`` and ``end`` counts as lost."""
        import av

        for packet in self._packets():
            starts, lasts = self._account(packet)
            try:
                decoded = packet.decode()
            except av.FFmpegError:
                if begin <= starts and (end is None or starts < end):
                    self.lost += lasts or LOST / 2
                continue
            for frame in decoded:
                yield self._time(frame), frame

    def _packets(self) -> Iterator[Packet[Any]]:
        import av

        packets = self.container.demux()
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                return  # the file breaks off; how far it reached tells whether that matters
            if packet is None:
                return
            if packet.stream is self.stream:
                yield packet
            else:
                self._account(packet)

    def _account(self, packet: Packet[Any]) -> tuple[float, float]:
        stamp = packet.dts if packet.pts is None else packet.pts
        if stamp is None:
            return self.reached, 0.0
        starts = float(stamp * packet.time_base) - self.zero
        lasts = float((packet.duration or 0) * packet.time_base)
        self.reached = max(self.reached, starts + lasts)
        return starts, lasts

    def _time(self, frame: AudioFrame | VideoFrame) -> float:
        self.stamp = self._shown_at(frame) if self.reordered else frame.pts
        if self.stamp is None or frame.time_base is None:
            raise MediaError(
                "has frames without time stamps",
                where=self.container.name.removeprefix("file:"),
                mend="convert it to mp4",
            )
        return float(self.stamp * frame.time_base) - self.zero

    def _shown_at(self, frame: AudioFrame | VideoFrame) -> int | None:
        # A picture carries the stamp of the packet that pushed it out of the decoder.
        if frame.dts is not None:
            return frame.dts - getattr(self.stream.codec_context, "reorder_depth", 0)
        return None if self.stamp is None else self.stamp + 1


@contextmanager
def _open(path: Path) -> Iterator[InputContainer]:
    check_file(path)
    with open_recording(path) as container:
        yield container


def _length(container: InputContainer) -> float | None:
    if container.duration is None or container.format.name in ESTIMATED:
        return None
    return float(container.duration / MICROSECONDS)


def _check_span(begin: float, end: float | None, length: float | None, path: Path) -> None:
    if length is None:
        return
    if begin >= length or (end is not None and end > length + OVERRUN):
        what = f"the clip {span(begin, end)} is outside the file, which lasts {length:.3f} s"
        raise MediaError(what, where=path)


def _check_whole(reached: float, end: float | None, length: float | None, path: Path) -> None:
    if length is None:
        return
    wanted = length if end is None else min(end, length)
    if reached < wanted - TRUNCATED:
        what = f"is truncated: it ends at {reached:.2f} s and should last {length:.2f} s"
        raise MediaError(what, where=path)
