"""The search for the faces of one frame after another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np
from numpy.typing import NDArray

from emocli.features.faces.boxes import Faces
from emocli.features.faces.cascade import Cascade
from emocli.features.faces.settings import Config
from emocli.plugin.feature import Frame, device

SIDE = 32
"""Pixels a side that a frame is brought to, to see how much has changed in it."""

CHANGED = 25.0
"""Grey levels by which a pixel of these has to differ."""

MUCH = 0.01
"""Share of these pixels, outside the known faces, from which all of a frame is searched again."""

SURE = 0.95
"""Probability of a face below which it must not fall without a new search."""

AROUND = 0.25
"""Room around a known face that belongs to it, in sides of its box."""


class FaceSearch:
    """Searches frames for faces, by its settings."""

    def __init__(self, config: Config) -> None:
        self.config = config
        place = device(config.device, "faces.device")
        self._cascade = Cascade(config.factor, config.thresholds, place)

    def __call__(self, pictures: Iterable[Frame]) -> Iterator[tuple[Frame, Faces]]:
        """Search frames in their order; those of one size are of one shot at most."""
        search = self._every if self.config.search == "every" else self._tracking
        for (height, width), group in groupby(pictures, lambda frame: frame.image.shape[:2]):
            smallest = max(self.config.min_face, self.config.min_share * min(height, width))
            yield from search(group, smallest)

    def _every(self, pictures: Iterator[Frame], smallest: float) -> Iterator[tuple[Frame, Faces]]:
        """Search a batch at a time."""
        while batch := list(islice(pictures, self.config.batch)):
            images = np.stack([frame.image for frame in batch])
            yield from zip(batch, self._cascade(images, smallest), strict=True)

    def _tracking(
        self, pictures: Iterator[Frame], smallest: float
    ) -> Iterator[tuple[Frame, Faces]]:
        """Search some frames; in the others look where faces were."""
        last: _Searched | None = None
        for frame in pictures:
            small, followed = _small(frame.image), None
            if last is not None and last.holds(small, self.config.key):
                followed = _trusted(self._cascade.follow(frame.image, last.faces.boxes), last.faces)
            if last is None or followed is None:
                (faces,) = self._cascade(frame.image[None], smallest)
                last = _Searched(small, frame.image.shape, faces)
            else:
                last.faces = followed
                last.age += 1
            yield frame, last.faces


@dataclass
class _Searched:
    """A frame that was searched as a whole, how many frames ago, and where its faces are by now."""

    small: NDArray[np.float32]
    shape: tuple[int, ...]
    faces: Faces
    age: int = 1

    def holds(self, small: NDArray[np.float32], key: int) -> bool:
        """Tell whether the faces are still about there, and no other ones may have come."""
        if self.age >= key:
            return False
        changed = np.abs(small - self.small) > CHANGED
        height, width = self.shape[:2]
        for x1, y1, x2, y2 in self.faces.boxes * (SIDE / np.array([width, height] * 2)):
            room = AROUND * max(x2 - x1, y2 - y1)
            left, top = (max(int(v - room), 0) for v in (x1, y1))
            changed[top : int(y2 + room) + 1, left : int(x2 + room) + 1] = False
        return bool(changed.mean() < MUCH)


def _small(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    import cv2

    small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(small.mean(axis=2), np.float32)


def _trusted(now: Faces, before: Faces) -> Faces | None:
    """Return followed faces; None if one is lost, or is no longer as sure as it was."""
    fell = (before.scores >= SURE).sum() > (now.scores >= SURE).sum()
    return None if fell or len(now.boxes) < len(before.boxes) else now
