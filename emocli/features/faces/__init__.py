"""Faces: every face of every frame, cut out and aligned, with its box and five landmarks.

Source: Zhang, Zhang, Li & Qiao 2016, IEEE SPL 23(10) (MTCNN); weights of the mtcnn package.

A row is a face; a frame without one is a row whose ``found`` is false and whose arrays are 0. The
largest face of a frame has ``main`` set. Faces of one person have one ``track``, as far as
`emocli.features.faces.tracks` can tell.

Notes count frames, those ``without_face``, and those that were ``turned`` or mirrored upright,
``stretched`` to square pixels (not where they are ``of_absurd_aspect``), ``interlaced`` or
``of_high_dynamic_range`` (both left as they are), as well as the faces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from emocli.features.faces.people import People
from emocli.features.faces.settings import Config as Config
from emocli.features.faces.weights import DIGESTS, checked
from emocli.plugin.feature import Clip, PeopleFinder, ReloadingExtractor, Track, device, frames

if TYPE_CHECKING:
    from emocli.features.faces.rows import FaceRow
    from emocli.features.faces.search import FaceSearch

MODALITY = "visual"
PER_CLIP = True
LIBRARIES = ("av", "opencv-python", "torch", "mtcnn", "joblib")
PEOPLE: PeopleFinder = People()


class Extractor(ReloadingExtractor[Config]):
    """The faces of a clip, cut out."""

    @cached_property
    def _search(self) -> FaceSearch:
        from emocli.features.faces.search import FaceSearch

        return FaceSearch(self.config)

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return a row per face: crops, shape (T, size, size, 3), and what belongs to them.

        Extras are ``box`` (x, y, width, height), ``landmarks`` (5, 2), ``confidence``, ``area``,
        ``frame`` (its index), ``found`` and ``main``; lengths in pixels of the frame. ``track``
        numbers the people of the clip from 1 as they appear, ``track_score`` is how sure that is.
        """
        del upstream
        from emocli.features.faces.rows import Cut, rows_of, track_of
        from emocli.features.faces.tracks import Tracker

        config = self.config
        cut = Cut.of(config)
        pictures = frames(clip, 1 / config.rate if config.rate else None)
        rows: list[FaceRow] = []
        tracker = Tracker()
        for index, (frame, faces) in enumerate(self._search(pictures)):
            tracks = tracker.follow(frame.time, frame.image, faces.boxes, faces.scores)
            rows += rows_of(frame, index, faces, tracks, cut)
        return track_of(rows)


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Require the networks' weights and the device, with a `ConfigError` if they are absent."""
    del clips
    for name in DIGESTS:
        checked(name)
    if config.device == "cuda":  # else there is nothing to check, and PyTorch need not be loaded
        device(config.device, "faces.device")
    return Extractor(config)
