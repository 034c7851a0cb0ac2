from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emocli.features.faces.align import TEMPLATE, TEMPLATE_SIZE, by_box, by_landmarks, crop

Floats = NDArray[np.float64]
POINTS = np.array(TEMPLATE)


def apply(matrix: Floats, points: Floats) -> Floats:
    return points @ matrix[:, :2].T + matrix[:, 2]


@given(
    angle=st.floats(-3, 3),
    scale=st.floats(0.1, 10),
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
    size=st.integers(16, 256),
)
def test_a_turned_scaled_and_moved_template_is_brought_back(
    angle: float, scale: float, x: float, y: float, size: int
) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = by_landmarks(POINTS @ turn.T + [x, y], size)
    np.testing.assert_allclose(
        apply(matrix, POINTS @ turn.T + [x, y]), POINTS * size / TEMPLATE_SIZE, atol=1e-6
    )


def test_no_turned_scaled_and_moved_map_comes_nearer() -> None:
    rng = np.random.default_rng(0)
    landmarks = POINTS * 2 + rng.normal(0, 8, (5, 2))
    best = by_landmarks(landmarks, TEMPLATE_SIZE)
    error = ((apply(best, landmarks) - POINTS) ** 2).sum()
    a, b, c, d = best[0, 0], best[1, 0], best[0, 2], best[1, 2]
    for change in rng.normal(0, 0.01, (200, 4)):
        e, f, g, h = np.array([a, b, c, d]) + change * [1, 1, 100, 100]
        other = np.array([[e, -f, g], [f, e, h]])
        assert ((apply(other, landmarks) - POINTS) ** 2).sum() >= error


def test_landmarks_in_one_point_do_no_harm() -> None:
    image = np.full((40, 40, 3), 9, np.uint8)
    assert crop(image, by_landmarks(np.full((5, 2), 7.0), 32), 32).shape == (32, 32, 3)


def test_the_square_around_a_box_fills_the_crop() -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    square = image[20:80, 0:60]
    np.testing.assert_array_equal(crop(image, by_box([10, 20, 40, 60], 60, margin=0), 60), square)


def test_margin_leaves_room_around_the_box() -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    wide = crop(image, by_box([30, 30, 30, 20], 60, margin=0.5), 60)
    np.testing.assert_array_equal(wide, image[10:70, 15:75])


def dotted(points: Floats, side: int = 200) -> NDArray[np.uint8]:
    image = np.zeros((side, side, 3), np.uint8)
    for number, (x, y) in enumerate(points.round().astype(int)):
        image[y - 1 : y + 2, x - 1 : x + 2] = 255 if number == 0 else 128
    return image


@pytest.mark.parametrize("scale", [0.7, 1.0, 1.5])
def test_a_crop_shows_the_landmarks_in_their_places(scale: float) -> None:
    points = POINTS * scale + [20, 10]
    face = crop(dotted(points), by_landmarks(points, 112), 112)
    for x, y in POINTS.round().astype(int):
        assert face[y - 1 : y + 2, x - 1 : x + 2].max() > 90
    around = face.copy()
    for x, y in POINTS.round().astype(int):
        around[y - 4 : y + 5, x - 4 : x + 5] = 0
    assert around.max() < 30


def test_outside_the_image_is_black() -> None:
    image = np.full((50, 50, 3), 200, np.uint8)
    face = crop(image, by_box([-25, 0, 50, 50], size=40, margin=0), 40)
    assert (face[:, :19] == 0).all()
    assert (face[:, 21:] == 200).all()


def test_a_coarser_crop_averages_what_is_finer() -> None:
    fine = np.indices((400, 400)).sum(axis=0) % 2 * 255
    image = np.repeat(fine[..., None], 3, axis=2).astype(np.uint8)
    face = crop(image, by_box([0, 0, 400, 400], size=40, margin=0), 40)
    assert np.abs(face.astype(int) - 127.5).max() < 12
