"""Rows that networks make of pictures, such as the main face of each frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from emocli.data.track import Rows
from emocli.plugin.feature import Clip, Reloading, Track


class BatchSettings(Protocol):
    """Settings of a network that computes so many pictures at a time."""

    batch: int


@dataclass(frozen=True)
class PictureNetwork(Reloading):
    """Base of networks that make a row of each picture."""

    config: BatchSettings

    def rows(self, pictures: Sequence[NDArray[np.uint8]]) -> Rows:
        """Return a row per picture of a batch."""
        raise NotImplementedError

    def __call__(self, pictures: Sequence[NDArray[np.uint8]]) -> Rows:
        """Return a row per picture (height, width, 3) of RGB, shape (n, D)."""
        size = self.config.batch
        parts = [self.rows(pictures[k : k + size]) for k in range(0, len(pictures), size)]
        return np.concatenate(parts)

    def names(self) -> tuple[str, ...]:
        """Name the columns of a track."""
        raise NotImplementedError

    def track(self, rows: Rows, times: NDArray[np.float64] | None, notes: dict[str, int]) -> Track:
        """Put the rows of a clip together."""
        return Track(rows, times, notes=notes)


@dataclass(frozen=True)
class PictureRows:
    """Base of extractors; their rates may differ from clip to clip."""

    network: PictureNetwork
    names: tuple[str, ...]
    rate: float | None = None


@dataclass(frozen=True)
class MainFaces(PictureRows):
    """The main face of each frame; frames without a face have no row: they are missing, not zeros.

    The parameters are those of `main_faces`.
    """

    least: float = 0.0
    stride: int = 1

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return a row per main face with its time, or the network's outputs for them."""
        del clip
        faces = upstream["faces"]
        places, notes = main_faces(faces, self.least, self.stride)
        rows = np.zeros((0, len(self.names)), np.float32)
        if len(places):
            rows = self.network([faces.values[place] for place in places])
        times = None if faces.times is None else faces.times[places]
        return self.network.track(rows, times, notes)


def main_faces(
    faces: Track, least: float, stride: int = 1
) -> tuple[NDArray[np.int64], dict[str, int]]:
    """Return the rows of the main faces the detector is sure of, and counts of frames.

    Parameters
    ----------
    faces : Track
        The feature ``faces``.
    least : float
        Faces with a lower confidence of the detector are left out.
    stride : int
        Every so many frames are looked at.
    """
    looked_at = faces.extra["frame"] % stride == 0
    sure = faces.extra["main"] & (faces.extra["confidence"] >= least)
    places = np.flatnonzero(sure & looked_at)
    frames = len(np.unique(faces.extra["frame"][looked_at]))
    return places, {"frames": frames, "frames.without_face": frames - len(places)}
