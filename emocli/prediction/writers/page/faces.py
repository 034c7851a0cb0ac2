"""Faces at the peaks: for each person and label, the face where the label is most probable."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emocli.data.media.content import read_frames
from emocli.errors import MediaError
from emocli.plugin.writer import FaceBox, SegmentPrediction
from emocli.prediction.rows import AND
from emocli.prediction.timeline import PredictionReport

MOST = 32
"""Faces on a page."""

SIDE = 128
"""Pixels of a side."""

QUALITY = 80
"""Of the JPEG files, which have some 5 KB."""

PICTURE = "visual"
"""The modality of all features of faces."""

AROUND = 0.25
"""Room around a box, as a share of its longer side."""

SHOWN = 0.5
"""Seconds in which a picture of the face is looked for, from its time on."""


@dataclass(frozen=True)
class PeakFace:
    """The face of a person where a class is most probable, as a data URI."""

    file: str
    person: str
    label: str
    value: float
    time: float
    src: str


def faces_of(report: PredictionReport) -> tuple[PeakFace, ...]:
    """Cut the faces out of the recordings, as far as those are still there; at most `MOST`."""
    return tuple(
        PeakFace(each.file, each.person, label, each.values[label], face.time, src)
        for each, label, face in list(_peaks(report))[:MOST]
        if (src := _picture(Path(each.file), face))
    )


def _peaks(report: PredictionReport) -> Iterator[tuple[SegmentPrediction, str, FaceBox]]:
    """Yield for each recording, person and label the surest segment whose picture was used."""
    people: dict[tuple[str, str], list[SegmentPrediction]] = {}
    for segment in report.segments:
        if segment.face is not None and _used(segment):
            people.setdefault((segment.file, segment.person), []).append(segment)
    for segments in people.values():
        for label in report.classes:
            shown = [each for each in segments if label in (each.label, *each.label.split(AND))]
            peak = max(shown, key=lambda segment: segment.values[label], default=None)
            if peak is not None and peak.face is not None:
                yield peak, label, peak.face


def _used(segment: SegmentPrediction) -> bool:
    """Whether the picture had a part in the prediction."""
    picture = segment.modalities.get(PICTURE)
    return picture is None or picture.used


def _picture(path: Path, face: FaceBox) -> str:
    """Return the face as a data URI; empty if the recording has been moved or changed."""
    try:
        frame = next(read_frames(path, face.time, face.time + SHOWN), None)
    except (MediaError, OSError):
        return ""
    return "" if frame is None else _jpeg(_cropped(frame.image, face.box))


def _cropped(image: NDArray[np.uint8], box: tuple[float, float, float, float]) -> NDArray[np.uint8]:
    """Return the square around a box, as far as the picture goes."""
    x, y, width, height = box
    half = max(width, height) * (0.5 + AROUND)
    across, down = x + width / 2, y + height / 2
    top, left = max(0, round(down - half)), max(0, round(across - half))
    return image[top : max(top + 1, round(down + half)), left : max(left + 1, round(across + half))]


def _jpeg(image: NDArray[np.uint8]) -> str:
    import cv2

    if not image.size:
        return ""
    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    _, coded = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(coded.tobytes()).decode()}"
