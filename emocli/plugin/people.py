"""The people of a recording: identities and boxes of its faces.

`emocli.plugin.feature.PeopleFinder` finds them.

>>> Appearances.joined([]).box.shape
(0, 4)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Appearances:
    """Faces of a recording, F frames that were looked at and N faces in them, by time.

    Attributes
    ----------
    times : ndarray, shape (F,)
        Seconds from the beginning of the recording, ascending.
    frame : ndarray, shape (N,)
        Position of a face's frame in ``times``, ascending.
    box : ndarray, shape (N, 4)
        x, y, width, height in pixels.
    landmarks : ndarray, shape (N, 5, 2)
        x, y in pixels.
    confidence : ndarray, shape (N,)
        Probability that it is a face.
    track : ndarray, shape (N,)
        Number of the person, from 1.
    score : ndarray, shape (N,)
        How sure that is, from 0 to 1.
    """

    times: NDArray[np.float64]
    frame: NDArray[np.int64]
    box: NDArray[np.float64]
    landmarks: NDArray[np.float64]
    confidence: NDArray[np.float64]
    track: NDArray[np.int32]
    score: NDArray[np.float32]

    @classmethod
    def joined(cls, parts: Sequence[Appearances]) -> Appearances:
        """Join those of stretches that follow each other; of none, there are no frames."""
        offsets = np.cumsum([0, *(len(part.times) for part in parts)])
        frames = [part.frame + offset for part, offset in zip(parts, offsets, strict=False)]
        empty = _empty()
        columns = {
            each.name: np.concatenate(
                [getattr(empty, each.name), *(getattr(part, each.name) for part in parts)]
            )
            for each in fields(cls)
        }
        return cls(**{**columns, "frame": np.concatenate([empty.frame, *frames])})

    def between(self, start: float, end: float) -> Appearances:
        """Return those of the frames in [start, end)."""
        first, last = np.searchsorted(self.times, [start, end])
        rows = slice(*np.searchsorted(self.frame, [first, last]))
        columns = {each.name: getattr(self, each.name)[rows] for each in fields(self)}
        times = self.times[first:last]
        return Appearances(**{**columns, "times": times, "frame": self.frame[rows] - first})

    @property
    def interval(self) -> float:
        """Seconds from one frame to the next, in the middle; 0 for less than two."""
        return float(np.median(np.diff(self.times))) if len(self.times) > 1 else 0.0

    def seconds(self) -> dict[int, float]:
        """Return how long each person is seen, the longest first."""
        numbers, counts = np.unique(self.track, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return {int(numbers[k]): float(counts[k]) * self.interval for k in order}


def _empty() -> Appearances:
    whole, real = np.empty(0, np.int64), np.empty(0)
    nobody = np.empty(0, np.int32), np.empty(0, np.float32)
    return Appearances(real, whole, np.empty((0, 4)), np.empty((0, 5, 2)), real, *nobody)


@dataclass(frozen=True)
class Stretch:
    """A stretch of a recording in which people were looked for.

    Attributes
    ----------
    appearances : Appearances
        What was seen in it.
    end : float, optional
        Where it ends, in seconds; None for the last one.
    state : mapping
        Name to array: all that the search has to know to go on behind it.
    """

    appearances: Appearances
    end: float | None
    state: Mapping[str, NDArray[Any]]
