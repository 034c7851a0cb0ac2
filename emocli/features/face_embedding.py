"""Face embedding: the weighted face model, one vector per clip from the faces in some frames.

In each frame the embeddings of all faces are added, weighed by the area they take; the largest
value over the frames is kept, dimension by dimension. Without a face it is a flagged zero: a row of
zeros whose ``found`` is false.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet" (weighted face model).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emocli.features._embedding import EmbeddingExtractor, FramesConfig
from emocli.plugin.feature import Clip, Track
from emocli.quantities import Probability

MODALITY = "visual"
REQUIRES: tuple[str, ...] = ("faces",)
PER_CLIP = True
ENCODER = "face"
LIBRARIES = ("opencv-python", "torch", "transformers")


class Config(FramesConfig):
    """Settings: the encoder, and the weights of faces.

    Attributes
    ----------
    area_norm : {'sum', 'max'}
        Whether the areas in a frame are divided by their sum or by the largest.
    min_confidence : float
        Faces with a lower confidence of the detector are left out.
    """

    area_norm: Literal["sum", "max"] = "sum"
    min_confidence: Probability = 0.9


class Extractor(EmbeddingExtractor[Config]):
    """The embedding of a clip's faces."""

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return one row, shape (1, dim), and whether there was a face, ``found``."""
        del clip
        faces = upstream["faces"]
        frames = np.unique(faces.extra["frame"])
        looked_at = frames[self.config.chosen(len(frames))]
        usable = faces.extra["found"] & (faces.extra["confidence"] >= self.config.min_confidence)
        rows = np.flatnonzero(usable & np.isin(faces.extra["frame"], looked_at))
        notes = {
            "clips": 1,
            "clips.without_face": int(not len(rows)),
            "frames": len(looked_at),
            "frames.without_face": len(looked_at) - len(np.unique(faces.extra["frame"][rows])),
        }
        values = np.zeros((1, len(self.names)), np.float32)
        if len(rows):
            vectors = self.embedder([faces.values[row] for row in rows])
            areas, shown = faces.extra["area"][rows], faces.extra["frame"][rows]
            values = weighted(vectors, areas, shown, self.config.area_norm)[None]
        return Track(values, extra={"found": np.array([len(rows) > 0])}, notes=notes)


def weighted(
    vectors: NDArray[np.float32],
    areas: NDArray[np.floating],
    frames: NDArray[np.integer],
    norm: Literal["sum", "max"],
) -> NDArray[np.float32]:
    """Weigh vectors of faces (n, dim) by area within their frame; the maximum over frames, (dim,).

    ``areas`` are in pixels and ``frames`` tell which frame each face is in; ``norm`` is what the
    areas of a frame are divided by.
    """
    sums = []
    for frame in np.unique(frames):
        here = frames == frame
        total = areas[here].sum() if norm == "sum" else areas[here].max()
        sums.append((areas[here] / total) @ vectors[here])
    return np.asarray(np.max(sums, axis=0).astype(np.float32))


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Load the encoder; errors as `Embedder`."""
    del clips
    return Extractor.load(config, "face")
