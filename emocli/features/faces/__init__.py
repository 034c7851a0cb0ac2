"""Faces: every face of every frame, cut out and aligned, with its box and five landmarks.

Source: Zhang, Zhang, Li & Qiao 2016, IEEE SPL 23(10) (MTCNN); weights of the mtcnn package.

A row is a face; a frame without one is a row whose ``found`` is false and whose arrays are 0. The
largest face of a frame has ``main`` set.

Notes count frames, those ``without_face``, and those that were ``turned`` or mirrored upright,
``stretched`` to square pixels (not where they are ``of_absurd_aspect``), ``interlaced`` or
``of_high_dynamic_range`` (both left as they are), as well as the faces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from emocli.config import Settings
from emocli.data.media.content import Frame, frames
from emocli.features.faces.weights import DIGESTS, checked
from emocli.plugin.feature import Clip, Device, Reloading, Track, device
from emocli.quantities import PicturesAtOnce, PicturesPerSecond, Probability, Side

if TYPE_CHECKING:
    from emocli.features.faces.cascade import Cascade, Faces
    from emocli.features.faces.rows import FaceRow

MODALITY = "visual"
REQUIRES: tuple[str, ...] = ()
PER_CLIP = True
LIBRARIES = ("av", "opencv-python", "torch", "mtcnn", "joblib")


class Config(Settings):
    """Which faces are searched, and how they are cut out.

    Attributes
    ----------
    size : int
        Side of the crops in pixels.
    align : str
        ``landmarks``: eyes, nose and mouth turned, scaled and moved to fixed places; ``plain``: the
        square around the box.
    margin : float
        Room on each side of a plain crop, as a share of the box's longer side.
    min_face : float
        Height of the smallest face searched, in pixels.
    min_share : float
        The same as a share of the frame's shorter side; the larger of the two holds. 0.05 is 36
        pixels in a 720p video: smaller faces show no expression, and take most of the time.
    factor : float
        Between the sizes at which a frame is searched.
    thresholds : three floats
        Least probability of a face after each of the three networks.
    rate : float, optional
        Frames per second that are looked at; all if not given.
    batch : int
        Frames held in memory at a time.
    device : str
        ``auto`` is a GPU if there is one.
    """

    size: Side = 112
    align: Literal["landmarks", "plain"] = "landmarks"
    margin: Annotated[float, Field(ge=0, le=10)] = 0.1
    min_face: Annotated[float, Field(ge=12, le=10_000)] = 20
    min_share: Probability = 0.05
    factor: Annotated[float, Field(gt=0.1, le=0.99)] = 0.709
    thresholds: tuple[Probability, Probability, Probability] = (0.6, 0.7, 0.8)
    rate: PicturesPerSecond | None = None
    batch: PicturesAtOnce = 16
    device: Device = "auto"


@dataclass(frozen=True)
class Extractor(Reloading):
    """The faces of a clip, cut out."""

    config: Config
    names: tuple[str, ...] = ()
    rate: float | None = None

    @cached_property
    def _cascade(self) -> Cascade:
        from emocli.features.faces.cascade import Cascade

        place = device(self.config.device, "faces.device")
        return Cascade(self.config.factor, self.config.thresholds, place)

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return a row per face: crops, shape (T, size, size, 3), and what belongs to them.

        Extras are ``box`` (x, y, width, height), ``landmarks`` (5, 2), ``confidence``, ``area``,
        ``frame`` (its index), ``found`` and ``main``; lengths in pixels of the frame.
        """
        del upstream
        from emocli.features.faces.rows import Cut, rows_of, track_of

        config = self.config
        cut = Cut(config.size, config.align == "landmarks", config.margin)
        pictures = frames(clip, 1 / config.rate if config.rate else None)
        rows: list[FaceRow] = []
        for frame, faces in self._faces(pictures):
            rows += rows_of(frame, rows[-1].frame + 1 if rows else 0, faces, cut)
        return track_of(rows)

    def _faces(self, pictures: Iterable[Frame]) -> Iterator[tuple[Frame, Faces]]:
        """Search a batch at a time; frames of one batch have one size."""
        for (height, width), group in groupby(pictures, lambda frame: frame.image.shape[:2]):
            smallest = max(self.config.min_face, self.config.min_share * min(height, width))
            while batch := list(islice(group, self.config.batch)):
                images = np.stack([frame.image for frame in batch])
                yield from zip(batch, self._cascade(images, smallest), strict=True)


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Require the networks' weights and the device, with a `ConfigError` if they are absent."""
    del clips
    for name in DIGESTS:
        checked(name)
    if config.device == "cuda":  # else there is nothing to check, and PyTorch need not be loaded
        device(config.device, "faces.device")
    return Extractor(config)
