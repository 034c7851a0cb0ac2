from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from emocli.data.align import Timed, average, by_start


def timed(intervals: list[tuple[float, float]], dims: int = 2, seed: int = 0) -> Timed:
    values = np.random.default_rng(seed).normal(size=(len(intervals), dims)).astype(np.float32)
    return by_start(values, np.array(intervals, np.float64).reshape(-1, 2))


def slow_average(rows: Timed, words: np.ndarray) -> tuple[list[list[float]], int]:
    """One number at a time."""
    assert rows.intervals is not None
    means, empty = [], 0
    for start, end in words:
        inside = [k for k, (a, b) in enumerate(rows.intervals) if a < end and b > start]
        empty += not inside
        row = []
        for d in range(rows.values.shape[1]):
            result = [v for v in (float(rows.values[k, d]) for k in inside) if np.isfinite(v)]
            row.append(sum(result) / len(result) if result else 0.0)
        means.append(row)
    return means, empty


spans = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 15)).map(lambda p: (p[0] / 4, (p[0] + p[1]) / 4)),
    max_size=12,
)


@settings(max_examples=60)
@given(frames=spans, words=spans, seed=st.integers(0, 99))
def test_average_of_what_overlaps(
    frames: list[tuple[float, float]], words: list[tuple[float, float]], seed: int
) -> None:
    rows, places = timed(frames, seed=seed), np.array(words, np.float64).reshape(-1, 2)
    if frames and seed % 3 == 0:
        rows.values[0, 0] = (np.nan, -np.inf)[seed % 2]
    result, empty = average(rows, places)
    expected, silent = slow_average(rows, places)
    assert empty == silent
    assert_allclose(result.values, np.array(expected).reshape(-1, 2), rtol=1e-5, atol=1e-6)
    assert_array_equal(result.intervals, places)


def test_average_by_hand() -> None:
    rows = Timed(
        np.array([[1], [3], [7], [50]], np.float32),
        np.array([[0.0, 0.1], [0.1, 0.2], [0.2, 0.3], [0.3, 0.4]]),
    )
    result, empty = average(rows, np.array([[0.0, 0.2], [0.15, 0.3], [0.5, 0.9]]))
    assert result.values[:, 0].tolist() == [2, 5, 0]
    assert empty == 1
    moments = Timed(rows.values, np.repeat(rows.intervals[:, :1], 2, axis=1))
    assert average(moments, np.array([[0.05, 0.25]]))[0].values[0, 0] == 5


@settings(max_examples=30)
@given(frames=spans, cuts=st.lists(st.integers(0, 60), min_size=1, max_size=4))
def test_every_row_belongs_to_one_of_neighbouring_clips(
    frames: list[tuple[float, float]], cuts: list[int]
) -> None:
    rows = timed(frames)
    edges = [0.0, *sorted(cut / 4 for cut in set(cuts)), np.inf]
    parts = [rows.cut(a, b) for a, b in pairwise(edges)]
    assert sum(len(part.values) for part in parts) == len(frames)


def test_times_can_be_counted_from_a_clip() -> None:
    rows = Timed(np.zeros((2, 1), np.float32), np.array([[3.0, 4.0], [4.0, 6.0]])).since(3)
    assert_array_equal(rows.times, [0.5, 2.0])
    assert Timed(np.zeros((2, 1), np.float32)).since(3).times is None


def test_what_has_no_times_cannot_be_cut_or_aligned() -> None:
    rows = Timed(np.zeros((2, 1), np.float32))
    with pytest.raises(ValueError, match="cannot be cut"):
        rows.cut(0, 1)
    with pytest.raises(ValueError, match="cannot be aligned"):
        average(rows, np.zeros((0, 2)))
    with pytest.raises(ValueError, match="2 rows have intervals"):
        Timed(np.zeros((2, 1), np.float32), np.zeros((3, 2)))
