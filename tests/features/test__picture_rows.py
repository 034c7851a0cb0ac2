"""The main faces of a clip: those the detector is sure of, in the frames that are looked at."""

from __future__ import annotations

import pytest

from emocli.features._picture_rows import main_faces
from tests.features.face_track import faces


@pytest.mark.parametrize(
    ("least", "stride", "rows", "frames"),
    [
        (0.9, 1, [0, 4], 4),
        (0.0, 1, [0, 2, 4], 4),
        (0.96, 1, [0], 4),
        (0.9, 2, [0], 2),
        (0.9, 3, [0, 4], 2),
    ],
)
def test_the_sure_main_faces_of_every_nth_frame(
    least: float, stride: int, rows: list[int], frames: int
) -> None:
    places, notes = main_faces(faces(4), least, stride)
    assert places.tolist() == rows
    assert notes == {"frames": frames, "frames.without_face": frames - len(rows)}
