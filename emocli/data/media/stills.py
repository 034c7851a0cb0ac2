"""A few pictures of a clip, small enough to be shown beside its words."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from emocli.data.clip import Clip
from emocli.errors import MediaError, StoreError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

PICTURES = 4
"""Frames shown of a clip."""

EVERY = 0.2
"""Seconds between the frames they are chosen from."""

WIDEST = 240
"""Pixels of a frame that is shown."""

QUALITY = 80
"""Of the JPEG of a still."""

CROPS = "faces"
"""The feature whose rows are pictures, those of faces."""


def pictures(clip: Clip) -> list[Picture]:
    """Return a few frames of a clip, evenly spread over it; none where it has no usable video."""
    from emocli.data.media.content import frames
    from emocli.data.track import Absent

    small: list[Picture] = []
    with suppress(Absent, MediaError):  # of a truncated recording, what there is
        for frame in frames(clip, EVERY):
            small.append(_small(frame.image))
    return _spread(small)


def crops(store: Path, clip_id: str) -> list[Picture]:
    """Return a few face crops of a clip from a store of features; none where it has none."""
    import numpy as np

    from emocli.data.store import FeatureStore, store_path

    path = store_path(store, CROPS)
    with suppress(StoreError):
        if path.is_file():
            faces = FeatureStore.open(path)
            if faces.length(clip_id) and len(faces.shape) == 3:
                track = faces.track(clip_id)
                seen = np.asarray(track.extra.get("main", np.ones(len(track))), bool)
                return _spread([np.asarray(rows, np.uint8) for rows in track.values[seen]])
    return []


def jpeg(picture: Picture) -> bytes:
    """Return a picture of RGB, shape (height, width, 3), as a JPEG file."""
    import cv2

    _, content = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return bytes(content)


def _spread(every: list[Picture]) -> list[Picture]:
    import numpy as np

    picks = np.linspace(0, len(every) - 1, min(PICTURES, len(every)) + 2)[1:-1]
    return [every[round(index)] for index in picks] if every else []


def _small(image: Picture) -> Picture:
    import cv2
    import numpy as np

    height, width = image.shape[:2]
    if width <= WIDEST:
        return image
    size = (WIDEST, round(height * WIDEST / width))
    small: Picture = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return small
