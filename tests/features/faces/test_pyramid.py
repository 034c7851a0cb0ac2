from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from emocli.features.faces.pyramid import CELL, Pyramid, Shares

CPU = torch.device("cpu")


def scalar_area(matrix: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Average rows over intervals, one number at a time."""
    old = len(matrix)
    result = np.zeros((size, matrix.shape[1]))
    for k in range(size):
        begin, end = k * old / size, (k + 1) * old / size
        for row in range(math.floor(begin), min(math.ceil(end), old)):
            inside = min(end, row + 1) - max(begin, row)
            result[k] += matrix[row] * inside / (end - begin)
    return result


@pytest.mark.parametrize(("old", "size"), [(10, 6), (37, 12), (12, 12), (360, 25), (13, 12)])
def test_rows_are_averaged_over_what_they_cover(old: int, size: int) -> None:
    matrix = np.random.default_rng(0).uniform(0, 255, (old, 4))
    small = Shares(old, size, CPU)(torch.from_numpy(matrix.astype(np.float32)))
    np.testing.assert_allclose(small, scalar_area(matrix, size), rtol=1e-4)


def test_an_image_shrinks_along_both_sides() -> None:
    image = np.random.default_rng(0).uniform(0, 255, (40, 60, 3))
    pyramid = Pyramid(40, 60, smallest=24, factor=0.7, device=CPU)
    small = pyramid.shrink(torch.from_numpy(image.astype(np.float32)), 0)
    blocks = image.reshape(20, 2, 30, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(small, blocks, rtol=1e-4)


def test_levels_go_from_the_smallest_face_to_the_whole_image() -> None:
    pyramid = Pyramid(360, 640, smallest=20, factor=0.709, device=CPU)
    image = torch.zeros(360, 640, 3)
    sizes = [tuple(pyramid.shrink(image, level).shape[:2]) for level in range(9)]
    assert len(pyramid.scales) == 9
    assert sizes[0] == (216, 384)
    assert sizes[1] == (153, 272)  # 360 * .6 * .709 = 153.14, cut off
    assert min(sizes[-1]) >= CELL > min(sizes[-1]) * 0.709
    assert pyramid.scales[0] * 20 == CELL


def test_larger_faces_need_fewer_levels_and_a_tiny_image_none() -> None:
    assert len(Pyramid(360, 640, 40, 0.709, CPU).scales) == 7
    assert Pyramid(19, 640, 20, 0.709, CPU).scales == []
