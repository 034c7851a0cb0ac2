from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emocli import config
from emocli.data.clip import Clip
from emocli.data.track import Track
from emocli.errors import ConfigError
from emocli.features import face_hog
from emocli.features.face_hog import GEOMETRY, geometry

LANDMARKS = np.array([[30.0, 40], [70, 40], [50, 60], [34, 80], [66, 82]])
BOX = np.array([20.0, 10, 60, 90])
CLIP = Clip("clip")


def prepared(**settings: Any) -> face_hog.Extractor:
    return face_hog.prepare(config.build(face_hog.Config, settings, "face_hog"), [CLIP])


def stripes(angle: float, side: int = 112) -> NDArray[np.uint8]:
    """Grey waves along a direction in degrees."""
    y, x = np.indices((side, side))
    along = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    grey = 127.5 + 100 * np.sin(along / 3)
    return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)


@pytest.fixture
def faces() -> Track:
    """Three frames: one face, none, and two of which the second is the main one."""
    result = np.array([True, False, True, True])
    return Track(
        np.stack([stripes(0), np.zeros((112, 112, 3), np.uint8), stripes(45), stripes(90)]),
        np.array([0.0, 0.1, 0.2, 0.2]),
        {
            "frame": np.array([0, 1, 2, 2]),
            "found": result,
            "main": np.array([True, False, False, True]),
            "landmarks": LANDMARKS * result[:, None, None],
            "box": BOX * result[:, None],
            "confidence": np.array([0.99, 0, 0.8, 0.9]),
        },
    )


def test_a_row_per_frame_describes_its_main_face(faces: Track) -> None:
    prepared_faces = prepared()
    track = prepared_faces(CLIP, {"faces": faces})
    assert track.values.shape == (3, len(prepared_faces.names)) == (3, 7 * 7 * 8 + 13 + 2)
    assert track.times is not None
    assert track.times.tolist() == [0.0, 0.1, 0.2]
    assert track.notes == {"frames": 3, "frames.without_face": 1}
    np.testing.assert_allclose(
        track.values[2, :392], prepared_faces.histograms(stripes(90)), rtol=1e-5
    )
    np.testing.assert_allclose(track.values[:, -2], [0.99, 0, 0.9], rtol=1e-6)


def test_a_frame_without_a_face_is_zero_and_says_so(faces: Track) -> None:
    prepared_faces = prepared()
    track = prepared_faces(CLIP, {"faces": faces})
    assert prepared_faces.names[-1] == "found"
    assert track.values[:, -1].tolist() == [1, 0, 1]
    assert not track.values[1].any()


def test_no_face_at_all_is_rows_of_zeros(faces: Track) -> None:
    nobody = {name: np.zeros_like(array) for name, array in faces.extra.items()}
    nobody["frame"] = faces.extra["frame"]
    track = prepared()(CLIP, {"faces": Track(faces.values, faces.times, nobody)})
    assert track.values.shape[0] == 3
    assert not track.values.any()


def test_columns_have_names(faces: Track) -> None:
    prepared_faces = prepared()
    track = prepared_faces(CLIP, {"faces": faces})
    row = dict(zip(prepared_faces.names, track.values[0].tolist(), strict=True))
    assert len(row) == len(prepared_faces.names)
    assert row["nose_x"] == pytest.approx(0)
    assert row["nose_y"] == pytest.approx(20 / 40)
    assert row["mouth_left_x"] == pytest.approx(-16 / 40)
    assert row["mouth_right_y"] == pytest.approx(42 / 40)
    assert row["mouth_width"] == pytest.approx(np.hypot(32, 2) / 40)
    assert row["mouth_below_nose"] == pytest.approx(21 / 40)
    assert row["roll"] == pytest.approx(0)
    assert row["eyes_in_box_x"] == pytest.approx(30 / 60)
    assert row["eyes_in_box_y"] == pytest.approx(30 / 90)
    assert row["eye_distance_in_box"] == pytest.approx(40 / 60)
    assert row["box_aspect"] == pytest.approx(60 / 90)


@given(scale=st.floats(0.2, 8), x=st.floats(-300, 300), y=st.floats(-300, 300))
def test_geometry_does_not_depend_on_size_and_place(scale: float, x: float, y: float) -> None:
    box = np.concatenate([BOX[:2] * scale + [x, y], BOX[2:] * scale])
    moved = geometry(LANDMARKS * scale + [x, y], box)
    if BOX[2] * scale > 1:
        np.testing.assert_allclose(moved, geometry(LANDMARKS, BOX), atol=1e-9)


@given(angle=st.floats(-1.5, 1.5))
def test_a_turned_face_differs_in_roll_only(angle: float) -> None:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = dict(zip(GEOMETRY, geometry(LANDMARKS @ turn.T, BOX), strict=True))
    upright = dict(zip(GEOMETRY, geometry(LANDMARKS, BOX), strict=True))
    assert turned["roll"] == pytest.approx(angle)
    for name in GEOMETRY[1:9]:
        assert turned[name] == pytest.approx(upright[name])


def test_landmarks_in_one_point_stay_finite() -> None:
    assert np.isfinite(geometry(np.full((5, 2), 5.0), np.zeros(4))).all()


def test_histograms_tell_directions_apart_and_not_brightness() -> None:
    prepared_faces = prepared()
    across, down = prepared_faces.histograms(stripes(0)), prepared_faces.histograms(stripes(90))
    assert across @ down < 0.2 * (across @ across)
    dim = (stripes(0).astype(float) / 2 + 20).astype(np.uint8)
    np.testing.assert_allclose(prepared_faces.histograms(dim), across, atol=0.01)


def test_strength_in_one_part_of_the_face_counts_against_another() -> None:
    image = stripes(0)
    image[56:] = (image[56:].astype(float) - 127) / 4 + 127
    whole = prepared().histograms(image).reshape(7, 7, 8)
    assert whole[:3].sum() > 2.5 * whole[4:].sum()
    blocks = prepared(block=1).histograms(image).reshape(7, 7, 8)
    assert blocks[:3].sum() == pytest.approx(blocks[4:].sum(), rel=0.1)


@pytest.mark.parametrize(
    "settings", [{}, {"cell": 28, "block": 2}, {"side": 64, "block": 1}, {"orientations": 4}]
)
def test_settings_give_as_many_columns_as_names(settings: dict[str, Any], faces: Track) -> None:
    prepared_faces = prepared(**settings)
    assert prepared_faces(CLIP, {"faces": faces}).values.shape[1] == len(prepared_faces.names)
    assert np.isfinite(prepared_faces(CLIP, {"faces": faces}).values).all()
    assert pickle.loads(pickle.dumps(prepared_faces)) == prepared_faces


@pytest.mark.parametrize("settings", [{"cell": 200}, {"block": 8}])
def test_a_crop_without_a_block_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="face_hog"):
        prepared(**settings)
