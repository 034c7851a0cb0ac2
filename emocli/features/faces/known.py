"""Rows of faces whose boxes are known from tracking, of all people or of one."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np

from emocli.data.media.recording import INSTANT
from emocli.errors import MediaError
from emocli.features.faces.boxes import Faces
from emocli.features.faces.rows import Cut, FaceRow, nobody, rows_of, track_of
from emocli.features.faces.tracks import Tracks
from emocli.plugin.feature import Absent, Clip, Frame, Track, frames, read_frames
from emocli.plugin.people import Appearances

TOUCH = 1.2 * INSTANT
"""Seconds within which two times are of one frame."""

GAP = 0.1
"""Seconds between two frames from which a clip is read by itself, to see whether any is damaged."""

AHEAD = 2.0
"""Seconds that are read on instead of looking for a clip in the file."""


def frames_from(recording: Path, start: float, rate: float | None = None) -> Iterator[Frame]:
    """Iterate over the frames of a recording from a time, in seconds of the recording.

    It ends at a frame that cannot be read.
    """
    try:
        for frame in read_frames(recording, start or None, None, 1 / rate if rate else None):
            yield replace(frame, time=frame.time + start)
    except MediaError:
        return


@dataclass
class KnownFaces:
    """An extractor of faces whose places are known: nothing is searched, only cut out.

    Clips of one recording that follow each other are read in one go, and what they share is cut
    out once: rows are kept from the start of the latest clip.

    Attributes
    ----------
    cut : Cut
        How faces are cut out.
    appearances : mapping
        Video to its faces.
    people : mapping
        Clip to the person that is wanted, or None for all.
    """

    cut: Cut
    appearances: Mapping[Path, Appearances]
    people: Mapping[str, int | None]
    names: Sequence[str] = ()
    rate: float | None = None
    _reading: RowReader | None = None

    def __reduce__(self) -> tuple[object, ...]:
        return KnownFaces, (self.cut, self.appearances, self.people)

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return the rows of a clip, as `emocli.features.faces.Extractor` does."""
        del upstream
        path = clip.media.get("video")
        if path is None:
            raise Absent("the clip has no video")
        start, end = clip.start or 0.0, math.inf if clip.end is None else clip.end
        shown = self._read(path, start).between(start, end)
        if not shown or _with_gap(shown, start, end):
            _require_readable(clip)
        wanted = self.people[clip.id]
        rows = [
            replace(row, time=max(time - start, 0.0), frame=index)
            for index, (time, own) in enumerate(shown)
            for row in _wanted(own, wanted, self.cut)
        ]
        if not rows:
            raise MediaError("has no picture in the clip", where=path)
        return track_of(rows)

    def _read(self, path: Path, start: float) -> RowReader:
        reading = self._reading
        if reading is None or not reading.reaches(path, start):
            known = self.appearances[path]
            numbers = {self.people[name] for name in self.people}
            everybody = None in numbers
            reading = RowReader(path, start, known, self.cut, None if everybody else numbers)
            self._reading = reading
        return reading


class RowReader:
    """The rows of a recording's frames, read on as they are asked for.

    Parameters
    ----------
    path : Path
        A video.
    start : float
        Where to begin, in seconds.
    known : Appearances
        Its faces.
    cut : Cut
        How they are cut out.
    people : collection of int, optional
        Those whose faces are; None for all.
    """

    def __init__(
        self,
        path: Path,
        start: float,
        known: Appearances,
        cut: Cut,
        people: set[int | None] | None,
    ) -> None:
        self.path = path
        self._first = start
        self._reached = start
        self._known = known
        self._cut = cut
        self._people = people
        self._frames = frames_from(path, start)
        self._kept: deque[tuple[float, list[FaceRow]]] = deque()

    def reaches(self, path: Path, start: float) -> bool:
        """Tell whether a clip can be read from here on."""
        return path == self.path and self._first <= start <= self._reached + AHEAD

    def between(self, start: float, end: float) -> list[tuple[float, list[FaceRow]]]:
        """Return the frames of a clip, (seconds, rows); what is before it is forgotten."""
        self._first = start
        while self._kept and self._kept[0][0] < start - INSTANT:
            self._kept.popleft()
        while self._reached < end - INSTANT:
            frame = next(self._frames, None)
            if frame is None:
                self._reached = math.inf
                break
            self._reached = frame.time
            if frame.time >= start - INSTANT and (own := self._rows(frame)):
                self._kept.append((frame.time, own))
        return list(takewhile(lambda each: each[0] < end - INSTANT, self._kept))

    def _rows(self, frame: Frame) -> list[FaceRow]:
        """Return the rows of a frame, the frame and clip of which are not known yet.

        A frame in which nobody was looked for has none.
        """
        own = self._known.between(frame.time - TOUCH, frame.time + TOUCH)
        if not len(own.times):
            return []
        wanted = np.ones(len(own.frame), bool)
        if self._people is not None:
            wanted = np.isin(own.track, [number for number in self._people if number])
        box = own.box[wanted]
        corners = np.hstack([box[:, :2], box[:, :2] + box[:, 2:]])
        faces = Faces(corners, own.confidence[wanted], own.landmarks[wanted])
        tracks = Tracks(own.track[wanted], own.score[wanted])
        return rows_of(frame, 0, faces, tracks, self._cut)


def _wanted(rows: Sequence[FaceRow], person: int | None, cut: Cut) -> Sequence[FaceRow]:
    """Return a person's row of a frame, or one that says they are not there; or all rows."""
    if person is None:
        return rows
    own = [replace(row, main=True) for row in rows if row.has_face and row.track == person]
    return own[:1] or [nobody(rows[0].time, 0, cut, rows[0].notes)]


def _with_gap(shown: Sequence[tuple[float, Any]], start: float, end: float) -> bool:
    times = [start, *(time for time, _ in shown)]
    usual = float(np.median(np.diff(times))) if len(times) > 2 else 0.0
    last = [] if math.isinf(end) else [end]
    return bool(np.any(np.diff([*times, *last]) > usual + GAP))


def _require_readable(clip: Clip) -> None:
    """Decode all pictures of a clip, to raise the error of one that cannot be read."""
    for _ in frames(clip):
        pass
