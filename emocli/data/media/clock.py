"""Clocks: the times at which decoded frames are heard or shown, also by wrong time stamps."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from contextlib import suppress
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

DECODING_ORDER = frozenset({"avi"})
"""Formats that number pictures in the order of decoding, which is not that of showing them."""

NO_TIMESTAMPS = 0x80
"""libav's flag of formats that are a mere row of pictures, one after the other."""

FEW_STAMPS = frozenset({"mpeg1video", "mpeg2video"})
"""Codings of which an MPEG program stream stamps the first picture of a packet only."""

LEAP = Fraction(1, 4)
"""Seconds by which stamps may be off before they are believed again."""

CHUNK_HEAD = 8
"""Bytes of the head of a packet in an avi file."""

FIRST_PACKETS = 200
"""Packets in which the first frame of every stream should be."""

KINDS = frozenset({"audio", "video"})

PACE = Fraction(25)
"""Pictures per second, where nothing tells."""


def clock_of(container: InputContainer, stream: Stream) -> Clock:
    """Choose the clock of a stream."""
    if stream.type == "video" and container.format.flags & NO_TIMESTAMPS:
        return Counting(stream)
    if stream.type == "video" and container.format.name in DECODING_ORDER:
        return Reordering(stream)
    if stream.codec_context.name in FEW_STAMPS and container.format.name == "mpeg":
        return Pacing(stream)
    return Clock(stream)


def first_frame(container: InputContainer) -> float:
    """Decode the beginning of a file: when the first frame of any stream begins, in seconds."""
    import av

    begins: dict[int, float] = {}
    wanted = len(container.streams.audio) + len(container.streams.video)
    for packet in islice(container.demux(), FIRST_PACKETS):
        with suppress(av.FFmpegError):
            frames: list[Any] = [*packet.decode()] if packet.stream.type in KINDS else []
            for frame in frames:
                if frame.pts is not None and frame.time_base is not None:
                    begins.setdefault(packet.stream.index, float(frame.pts * frame.time_base))
        if len(begins) == wanted:
            break
    return min(begins.values(), default=0.0)


class Clock:
    """The clock of a stream: when its frames begin, in seconds as the file counts them.

    A frame without a stamp follows the one before it, and so does one whose stamp leaps back: two
    recordings in one file (ogg), or a camera that was switched off and on.

    Attributes
    ----------
    after : Fraction or None
        Where the last frame ends.
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.before: Fraction | None = None
        self.leap = Fraction(0)
        self.after: Fraction | None = None

    def seek(self, position: int) -> None:
        """Prepare for a seek to ``position``, in the stream's unit of time."""

    def skip(self, packet: Packet[Any]) -> None:
        """Note a packet that is not going to be decoded."""

    def enter(self, packet: Packet[Any]) -> None:
        """Note a packet that goes to the decoder."""

    def lose(self, packet: Packet[Any]) -> None:
        """Note that the packet entered last could not be decoded."""

    def time(self, frame: Any) -> Fraction | None:
        """Return when a frame begins; None where nothing tells."""
        now = self._stamp(frame)
        if now is not None and self.leap:
            now += self.leap
        if now is None:
            now = self.after
        elif self.before is not None and self.after is not None and now < self.before - LEAP:
            self.leap += self.after - now
            now = self.after
        if now is not None:
            self.after = now + self._lasts(frame, now)
            self.before = now
        return now

    def _stamp(self, frame: Any) -> Fraction | None:
        if frame.pts is None or frame.time_base is None:
            return None
        stamp: Fraction = frame.pts * frame.time_base
        return stamp

    def _lasts(self, frame: Any, now: Fraction) -> Fraction:
        if self.stream.type == "audio":
            return Fraction(frame.samples, frame.sample_rate)
        if frame.duration and frame.time_base:
            return Fraction(frame.duration * frame.time_base)
        return self._step(now)

    def _step(self, now: Fraction) -> Fraction:
        """Return how long a picture lasts: as long as the one before it."""
        if self.before is not None and now > self.before:
            return now - self.before
        return 1 / (self._pace() or PACE)

    def _pace(self) -> Fraction | None:
        rates: Iterable[Any] = (
            getattr(self.stream, name, None) for name in ("guessed_rate", "average_rate")
        )
        return next((Fraction(rate) for rate in rates if rate), None)


class SeekError(Exception):
    """Raised where a seek led to no point where decoding may begin; another way is then taken."""


class Reordering(Clock):
    """The clock of pictures that are numbered as they are decoded.

    The first of them shown has the first number, and so on. Pictures that the decoder leaves out,
    for what they build on was skipped or is damaged, have a number too. It holds back as many as
    it says: whatever waits beyond that was left out.
    """

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        self.waiting: list[Fraction] = []
        self.entered: Fraction | None = None
        self.entry: Any = None
        self.shift = 0

    def seek(self, position: int) -> None:
        """Prepare for a seek. libav miscounts empty packets on its way: the index tells."""
        entries = self.stream.index_entries
        place = entries.search_timestamp(position)
        if not 0 <= place < len(entries) - 1:
            raise SeekError  # there is no index, or it does not go so far
        self.entry = entries[place]

    def skip(self, packet: Packet[Any]) -> None:
        """Note a packet that is not going to be decoded."""
        if packet.size:
            self._number(packet)

    def enter(self, packet: Packet[Any]) -> None:
        """Note a packet that goes to the decoder."""
        self.entered = self._number(packet) if packet.size else None
        if self.entered is not None:
            heapq.heappush(self.waiting, self.entered)

    def lose(self, packet: Packet[Any]) -> None:
        """Note that the packet entered last could not be decoded."""
        if self.entered in self.waiting:
            self.waiting.remove(self.entered)
            heapq.heapify(self.waiting)

    def _number(self, packet: Packet[Any]) -> Fraction | None:
        if packet.dts is None:
            return None
        if self.entry is not None:
            self._arrive(packet)
        return (packet.dts + self.shift) * Fraction(packet.time_base)

    def _arrive(self, packet: Packet[Any]) -> None:
        entry, self.entry = self.entry, None
        if packet.pos is None or packet.pos - CHUNK_HEAD != entry.pos:
            raise SeekError
        self.shift = entry.timestamp - (packet.dts or 0)

    def _stamp(self, frame: Any) -> Fraction | None:
        held_back = getattr(self.stream.codec_context, "reorder_depth", 0)
        while len(self.waiting) > held_back + 1:
            heapq.heappop(self.waiting)
        return heapq.heappop(self.waiting) if self.waiting else None

    def _lasts(self, frame: Any, now: Fraction) -> Fraction:
        return self._step(now)


class Counting(Reordering):
    """The clock of pictures without any stamps: they follow each other from 0 s on."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        self.count = 0

    def _number(self, packet: Packet[Any]) -> Fraction | None:
        self.count += 1
        return (self.count - 1) / (self._pace() or PACE)


class Pacing(Reordering):
    """The clock of MPEG program streams, in which few pictures have a stamp.

    libav guesses the others, wrongly by some pictures at times; they follow each other at their own
    pace, unless the stamps leap.
    """

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        self.due: Fraction | None = None
        self.late = Fraction(0)

    def _number(self, packet: Packet[Any]) -> Fraction | None:
        unit = Fraction(packet.time_base)
        lasts = (packet.duration or 0) * unit or 1 / (self._pace() or PACE)
        now = None if packet.dts is None else packet.dts * unit
        if self.due is None and packet.pts is not None and now is not None:
            self.late = min(lasts, max(Fraction(0), packet.pts * unit - now))
        if self.due is not None and (now is None or abs(now - self.due) < LEAP):
            now = self.due
        if now is not None:
            self.due = now + lasts
        return now

    def _stamp(self, frame: Any) -> Fraction | None:
        now = super()._stamp(frame)
        return None if now is None else now + self.late
