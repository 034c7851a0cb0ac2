"""The decoder of one stream of a recording, on a time axis that sound and pictures share.

Time is in seconds from the beginning of the file, which is where its first stream begins; a stream
that begins later keeps its delay. What decodes decides how long a recording is: the length that a
file states is a hint, for programs that write to a pipe guess it and programs that cut copy the
old one. A file is said to be truncated where its own structure breaks off (`missing_bytes`), or
where a format whose stated length is exact holds less.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from emocli.data.media.clock import NO_TIMESTAMPS, SeekError, clock_of, first_frame
from emocli.data.media.container import StreamKind, choose_stream, open_recording
from emocli.data.media.picture import picture_of
from emocli.data.media.whole import ends_whole, missing_bytes
from emocli.errors import MediaError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

ReadWay = Literal["seek", "skip", "all"]
"""How to come to a clip inside a file: let libav find it, read on without decoding, or decode."""

INSTANT = 0.0005
"""Half the coarsest unit of time stamps (flv, mkv), in seconds."""

PREROLL = 0.5
"""Seconds decoded before a clip that begins inside a file, for the decoder to settle."""

SETTLED = 0.25
"""Seconds before such a clip from which sound is placed: a decoder's first stamps may be off."""

OVERRUN = 0.1
"""Seconds a clip may end after its file does: annotations are rounded."""

TRUNCATED = 0.25
"""Seconds a file may end before it says it does: headers are rounded too."""

LOST = 0.1
"""Seconds of a clip that may be undecodable."""

LONGEST = 10**7
"""Seconds: no recording lasts so long (116 days)."""

EXACT = frozenset({"flac", "mp3", "tta", "wv", "ape"})
"""Formats whose structure does not tell whether they are whole, but whose stated length is exact
(of mp3, where an encoder wrote one)."""

CLIPPED = frozenset({"wav", "avi", "w64", "aiff", "au", "caf"})
"""Formats of which libav states what is there, and not what should be."""

SLACK = 1024
"""Bytes such a file may be shorter than it says."""

GUESSED = frozenset({"ogg"})
"""Formats that state no length: what libav tells is where the file ends."""

SEEKABLE = frozenset(
    {
        "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "flv", "nut", "mxf",
        "wav", "w64", "aiff", "au", "caf", "flac",
    }
)  # fmt: skip
"""Formats in which times are the same after a seek; in others a clip's packets are counted."""

UNEVEN = frozenset({"wav", "w64", "aiff", "au", "caf"})
"""Formats of which that holds for plain samples (pcm) only."""

BLIND = frozenset({"adpcm_yamaha", "adpcm_g726", "adpcm_g726le", "adpcm_g722"})
"""Codings that cannot be entered midway: every sample builds on all before it."""

PRIMED = frozenset({"wmav1", "wmav2"})
"""Codings whose first packets decode to nothing, which the file's start does not tell."""

MICROSECONDS = 1e6
"""libav's unit of a file's times, in a second."""


def decode(
    path: Path, kind: StreamKind, begin: float | None = None, end: float | None = None
) -> Iterator[tuple[float, Any]]:
    """Decode the frames that begin inside [begin, end), and up to `PREROLL` before.

    Parameters
    ----------
    kind : {'audio', 'video'}
        Which stream; see `emocli.data.media.container.choose_stream`.
    begin, end : float, optional
        Seconds from the beginning of the file. No end is the end of the file. No beginning is the
        beginning of the file: the clip is the whole file then, and an end, which may lie behind
        that of the file, only limits it.

    Yields
    ------
    time : float
        Seconds from the beginning of the file.
    frame : av.AudioFrame or Picture
        The decoded frame; of a picture, with the shape of its pixels.

    Raises
    ------
    MediaError
        If the file cannot be read, has no such stream, is shorter than the clip, is truncated or
        is damaged inside the clip.
    """
    ways: tuple[ReadWay, ...] = ("seek", "skip", "all") if (begin or 0) > PREROLL else ("all",)
    for way in ways:
        frames = _read(path, kind, begin, end, way)
        try:
            first = next(frames, None)
        except (MediaError, SeekError):
            if way == "all":
                raise
            continue
        if way == "all" or (first is not None and first[0] <= (begin or 0)):
            if first is not None:
                yield first
                yield from frames
            return


def check_file(path: Path) -> None:
    """Refuse what is no recording at first sight, with a `MediaError`."""
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
    if not path.stat().st_size:
        raise MediaError("is empty (0 bytes)", where=path)
    try:
        with path.open("rb") as file:
            header = file.read(8)
    except OSError as fault:
        raise MediaError(f"cannot be read ({fault.strerror})", where=path) from None
    if header == b"version ":
        raise MediaError("is a Git LFS pointer", where=path, hint="fetch it with `git lfs pull`")


def span(begin: float | None, end: float | None) -> str:
    """Put a clip's times into words."""
    return f"between {begin or 0:g} s and " + ("the end" if end is None else f"{end:g} s")


def _read(
    path: Path, kind: StreamKind, begin: float | None, end: float | None, way: ReadWay
) -> Iterator[tuple[float, Any]]:
    with _open(path) as container:
        reader = _Reader(container, choose_stream(container, kind, path), _zero(container, path))
        if not reader.goes(way) or (way == "seek" and not reader.seek((begin or 0) - PREROLL)):
            return
        skip = (begin or 0) - PREROLL if way == "skip" else None
        for time, frame in reader.frames(begin or 0, end, skip):
            if end is not None and time >= end - INSTANT:
                break
            if kind == "video":
                yield time, picture_of(frame, reader.stream)
            elif way == "all" or reader.own > (begin or 0) - SETTLED:
                yield time, frame
        else:
            _check_end(reader, begin, end, path)
        if reader.lost > LOST:
            what = f"{reader.lost:.2f} s {span(begin, end)} cannot be decoded"
            raise MediaError(what, where=path)


def _zero(container: InputContainer, path: Path) -> float:
    """Return what the file's own clock shows where its first stream begins."""
    coded = {getattr(stream.codec_context, "name", "") for stream in container.streams.audio}
    if coded & PRIMED:
        with _open(path) as another:
            return first_frame(another)
    return (container.start_time or 0) / MICROSECONDS


class _Reader:
    """The decoder of a stream, with an account of the packets of its file.

    Attributes
    ----------
    own, reached : float
        Where the last packet read ends: of the stream, of any stream.
    lost : float
        Seconds of the stream that were wanted and could not be decoded.
    broken : bool
        Whether reading stopped at a fault.
    """

    def __init__(self, container: InputContainer, stream: Stream, zero: float) -> None:
        self.container = container
        self.stream = stream
        self.clock = clock_of(container, stream)
        bare = container.format.flags & NO_TIMESTAMPS and stream.type == "video"
        self.zero = 0.0 if bare else zero
        self.own = 0.0
        self.reached = 0.0
        self.lost = 0.0
        self.broken = False
        self.sought = False

    @property
    def stated(self) -> float | None:
        """The length the file states, in seconds."""
        name, duration = self.container.format.name, self.container.duration
        if duration is None or name in GUESSED:
            return None
        counted_from_0 = name.startswith("matroska")
        return duration / MICROSECONDS - (max(self.zero, 0) if counted_from_0 else 0)

    @property
    def missed(self) -> bool:
        """Whether less was read than the file says it holds, or it says nothing."""
        if self.stated is None or self.reached < self.stated - TRUNCATED:
            return True
        stream = self.stream
        if stream.duration is None or stream.time_base is None:
            return False
        ends = (stream.start_time or 0) + stream.duration
        return self.own < float(ends * stream.time_base) - self.zero - TRUNCATED

    def goes(self, way: ReadWay) -> bool:
        """Tell whether times are right if a clip is come to that way."""
        name, coding = self.container.format.name, self.stream.codec_context.name
        if way == "seek":
            even = name not in UNEVEN or coding.startswith("pcm_")
            return name in SEEKABLE and even and coding not in BLIND
        return way == "all" or coding not in BLIND

    def seek(self, time: float) -> bool:
        """Go to the last point at or before ``time`` where decoding may begin."""
        import av

        position = round(Fraction(self.zero + time) / (self.stream.time_base or 1))
        self.clock.seek(position)
        try:
            self.container.seek(position, stream=self.stream)
        except av.FFmpegError:
            return False
        self.sought = True
        return True

    def frames(
        self, begin: float, end: float | None, skip: float | None = None
    ) -> Iterator[tuple[float, Any]]:
        """Decode on: (time, frame). Damage between ``begin`` and ``end`` counts as lost.

        Frames before ``skip`` are not decoded, but for those that later ones build on.
        """
        import av

        for packet in self._packets() if skip is None else self._from(skip):
            starts, lasts = self._account(packet)
            if self.sought and self.stream.type == "video" and not packet.is_keyframe:
                raise SeekError
            self.sought = False
            self.clock.enter(packet)
            try:
                decoded = packet.decode()
            except av.FFmpegError:
                self.clock.lose(packet)
                # An empty packet (theora) says that the picture before it is shown on.
                if packet.size and begin <= starts and (end is None or starts < end):
                    self.lost += lasts or LOST / 2
                continue
            for frame in decoded:
                yield self._time(frame), frame

    def end(self) -> float:
        """Read all packets, without decoding any; return where the last of the stream ends."""
        for packet in self._packets():
            self._account(packet)
        return self.own

    def _from(self, time: float) -> Iterator[Packet[Any]]:
        """Leave out what is before the last packet at or before ``time`` that can be entered at."""
        held: list[Packet[Any]] = []
        packets = self._packets()
        for packet in packets:
            starts, _ = self._account(packet)
            if packet.is_keyframe and starts <= time:
                for old in held:
                    self.clock.skip(old)
                held = []
            held.append(packet)
            if starts > time:
                break
        yield from held
        yield from packets

    def _packets(self) -> Iterator[Packet[Any]]:
        import av

        packets = self.container.demux()
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                self.broken = True  # how far it reached tells whether that matters
                return
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
        self._reach(starts + lasts, packet.stream is self.stream)
        return starts, lasts

    def _reach(self, ends: float, own: bool) -> None:
        self.reached = max(self.reached, ends)
        if own:
            self.own = max(self.own, ends)

    def _time(self, frame: Any) -> float:
        moment = self.clock.time(frame)
        time = math.inf if moment is None else float(moment) - self.zero
        if abs(time) > LONGEST:
            raise MediaError(
                "has frames without usable time stamps",
                where=self.container.name.removeprefix("file:"),
                hint="convert it to mp4",
            )
        self._reach(float(self.clock.after or 0) - self.zero, own=True)
        return time


@contextmanager
def _open(path: Path) -> Iterator[InputContainer]:
    check_file(path)
    with open_recording(path) as container:
        yield container


def _check_end(reader: _Reader, begin: float | None, end: float | None, path: Path) -> None:
    """Judge a recording that was read to its end, which is before that of the clip."""
    if end is None or reader.own < end - OVERRUN:
        _check_whole(reader, path)
    reached = reader.reached
    late = begin is not None and 0 < begin >= reached
    if late or (begin is not None and end is not None and reached < end - OVERRUN):
        what = f"the clip {span(begin, end)} is outside the file, which lasts {reached:.3f} s"
        raise MediaError(what, where=path)


def _check_whole(reader: _Reader, path: Path) -> None:
    """Refuse a file that was read to its end and is known to have been longer."""
    name, stated, missed = reader.container.format.name, reader.stated, reader.missed
    if not missed and name not in CLIPPED:
        return
    missing = missing_bytes(path)
    if name in CLIPPED:
        cut, lost = (missing or 0) > SLACK, ""
    elif missing is None:
        cut = name in EXACT and stated is not None and missed and not ends_whole(path)
        lost = f" and should last {stated or 0:.2f} s"
    else:
        cut = missed and (missing > 0 or (reader.broken and stated is not None))
        lost = "" if stated is None else f" and should last {stated:.2f} s"
    if cut:
        lost = lost or f" and {missing} bytes are missing"
        raise MediaError(f"is truncated: it ends at {reader.own:.2f} s{lost}", where=path)


def ends(path: Path) -> dict[StreamKind, float]:
    """Return where the last packets of a file's sound and pictures end, in seconds, as it states.

    A kind it does not have, or in no coding that can be decoded, is left out; of one whose packets
    carry no times it is 0.
    """
    kinds: tuple[StreamKind, ...] = ("audio", "video")
    reached: dict[StreamKind, float] = {}
    for kind in kinds:
        with _open(path) as container, suppress(MediaError):
            stream = choose_stream(container, kind, path)
            reached[kind] = _Reader(container, stream, _zero(container, path)).end()
    return reached
