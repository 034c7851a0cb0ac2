"""The people of a recording, found stretch by stretch."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emocli.data.media.recording import INSTANT
from emocli.features.faces.settings import Config
from emocli.plugin.feature import Extractor, Frame
from emocli.plugin.people import Appearances, Stretch

if TYPE_CHECKING:
    from emocli.features.faces.boxes import Faces
    from emocli.features.faces.tracks import Tracks

AHEAD = 8
"""Pictures that are decoded ahead."""

STRETCH = 120.0
"""Seconds of a stretch, about."""


@dataclass(frozen=True)
class People:
    """The finder of people by their faces, see `emocli.plugin.feature.PeopleFinder`."""

    def find(
        self,
        config: Config,
        recording: Path,
        after: Stretch | None = None,
        progress: Callable[[float], None] = lambda seconds: None,
    ) -> Iterator[Stretch]:
        """Look for people in a recording, stretch by stretch."""
        from emocli.features.faces.known import frames_from
        from emocli.features.faces.search import FaceSearch
        from emocli.features.faces.tracks import Tracker

        start = (after.end if after else None) or 0.0
        tracker = Tracker.restored(after.state) if after else Tracker()
        search, length = FaceSearch(config), stretch_seconds(config.rate)
        pictures = _ahead(frames_from(recording, start, config.rate))
        last = Stretch(Appearances.joined([]), None, tracker.state())
        first = True
        for number, group in groupby(pictures, lambda frame: int((frame.time + INSTANT) / length)):
            if not first:
                yield last
            gathered = _Gathered()
            for frame, faces in search(group):
                tracks = tracker.follow(frame.time, frame.image, faces.boxes, faces.scores)
                gathered.add(frame.time, faces, tracks)
                progress(frame.time)
            last = Stretch(gathered.appearances(), (number + 1) * length, tracker.state())
            first = False
        yield replace(last, end=None)

    def unsearched(self, config: Config) -> str:
        """Say which faces are too small to be searched, if more are than by default."""
        usual = Config()
        if config.min_share <= usual.min_share:
            return ""
        return (
            f"faces below {config.min_share:.0%} of the picture's shorter side are not searched, "
            f"as in the training; --set faces.min_share={usual.min_share:g} finds smaller ones"
        )

    def extractor(
        self,
        config: Config,
        appearances: Mapping[Path, Appearances],
        people: Mapping[str, int | None],
    ) -> Extractor:
        """Return an extractor of those who are wanted."""
        from emocli.features.faces.known import KnownFaces
        from emocli.features.faces.rows import Cut

        return KnownFaces(Cut.of(config), appearances, people)


def stretch_seconds(rate: float | None) -> float:
    """Return how long stretches are, so that each begins where a frame is due at a frame rate."""
    return math.ceil(STRETCH * rate) / rate if rate else STRETCH


def _ahead(pictures: Iterator[Frame]) -> Iterator[Frame]:
    """Decode some pictures ahead, while faces are searched in those before them."""
    with ThreadPoolExecutor(1, "decoding") as pool:
        pending = deque(pool.submit(next, pictures, None) for _ in range(AHEAD))
        while (frame := pending.popleft().result()) is not None:
            pending.append(pool.submit(next, pictures, None))
            yield frame


@dataclass
class _Gathered:
    """Faces of frames as they are gathered; `appearances` puts them together."""

    times: list[float] = field(default_factory=list)
    faces: list[tuple[int, Faces, Tracks]] = field(default_factory=list)

    def add(self, time: float, faces: Faces, tracks: Tracks) -> None:
        """Add a frame."""
        self.faces.append((len(self.times), faces, tracks))
        self.times.append(time)

    def appearances(self) -> Appearances:
        """Return them as arrays."""
        parts = [
            Appearances(
                times=np.empty(0),
                frame=np.full(len(faces.boxes), frame, np.int64),
                box=np.hstack([faces.boxes[:, :2], faces.boxes[:, 2:] - faces.boxes[:, :2]]),
                landmarks=faces.landmarks.reshape(-1, 5, 2),
                confidence=faces.scores,
                track=tracks.numbers,
                score=tracks.scores,
            )
            for frame, faces, tracks in self.faces
        ]
        return replace(Appearances.joined(parts), times=np.array(self.times, float))
