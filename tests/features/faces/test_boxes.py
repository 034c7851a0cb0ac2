from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from emocli.features.faces import boxes

Floats = NDArray[np.float64]


def random_boxes(count: int, seed: int = 0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 60, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(5, 40, (count, 2))], 1), rng.random(count)


def scalar_overlap(a: Floats, b: Floats, of: str) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    first, second = ((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b))
    common = width * height
    return common / (first + second - common if of == "union" else min(first, second))


@pytest.mark.parametrize("of", ["union", "smaller"])
def test_overlap_is_the_share_of_every_pair(of: boxes.Share) -> None:
    first, second = random_boxes(9)[0], random_boxes(7, seed=1)[0]
    expected = [[scalar_overlap(a, b, of) for b in second] for a in first]
    np.testing.assert_allclose(boxes.overlap(first, second, of), expected, atol=1e-12)


def test_boxes_without_area_overlap_nothing() -> None:
    point = np.array([[3.0, 3, 3, 3]])
    assert boxes.overlap(point, point)[0, 0] == 0


@pytest.mark.parametrize("of", ["union", "smaller"])
@pytest.mark.parametrize("most", [0.2, 0.5, 0.7])
def test_a_box_falls_to_any_better_one(of: boxes.Share, most: float) -> None:
    all_boxes, scores = random_boxes(60)
    expected = [
        i
        for i in range(60)
        if not any(
            scores[j] > scores[i] and scalar_overlap(all_boxes[i], all_boxes[j], of) > most
            for j in range(60)
        )
    ]
    kept = boxes.suppress(all_boxes, scores, most, of)
    assert sorted(kept) == expected
    assert 1 < len(kept) < 60
    assert (np.diff(scores[kept]) < 0).all()
    assert kept[0] == scores.argmax()


def test_a_box_that_fell_still_fells_others() -> None:
    chain = np.array([[0.0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]])
    assert boxes.suppress(chain, np.array([0.9, 0.8, 0.7]), 0.3).tolist() == [0]


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    all_boxes, scores = random_boxes(100)
    whole = boxes.suppress(all_boxes, scores, 0.4)
    monkeypatch.setattr(boxes, "BLOCK", 7)
    np.testing.assert_array_equal(boxes.suppress(all_boxes, scores, 0.4), whole)


def test_nothing_to_suppress() -> None:
    assert len(boxes.suppress(np.empty((0, 4)), np.empty(0), 0.5)) == 0


def test_offsets_count_in_sides_of_one_pixel_more() -> None:
    box = np.array([[10.0, 20, 29, 59]])
    moved = boxes.adjust(box, np.array([[0.1, -0.1, 0.2, 0.05]]))
    np.testing.assert_allclose(moved, [[10 + 2, 20 - 4, 29 + 4, 59 + 2]])


def test_points_count_from_one_pixel_before_the_corner() -> None:
    placed = boxes.place(np.array([[10.0, 20, 29, 59]]), np.array([[0.0, 0.5, 1, 0.25]]))
    np.testing.assert_allclose(placed, [[[9, 20 - 1 + 40], [9 + 10, 20 - 1 + 10]]])


def test_no_points_are_placed_as_none() -> None:
    assert boxes.place(np.ones((3, 4)), np.empty((3, 0))).shape == (3, 0, 2)
    assert boxes.place(np.empty((0, 4)), np.empty((0, 10))).shape == (0, 5, 2)


def test_squares_keep_the_centre_and_the_longer_side() -> None:
    all_boxes, _ = random_boxes(20)
    squares = boxes.square(all_boxes)
    sides = squares[:, 2:] - squares[:, :2]
    np.testing.assert_allclose(sides[:, 0], sides[:, 1])
    np.testing.assert_allclose(sides[:, 0], (all_boxes[:, 2:] - all_boxes[:, :2]).max(axis=1))
    np.testing.assert_allclose(
        squares[:, :2] + squares[:, 2:], all_boxes[:, :2] + all_boxes[:, 2:], atol=1e-12
    )
