from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import windows as scipy_windows

from emocli.features.covarep._spans import batches_by_length, gather, periods, windows


def test_the_first_period_is_the_second() -> None:
    assert periods(np.array([100, 180, 300])).tolist() == [80, 80, 120]


def test_each_stretch_is_in_one_batch_of_its_like() -> None:
    lengths = np.random.default_rng(0).integers(1, 3000, 500)
    batches = list(batches_by_length(lengths, samples=20000))
    assert sorted(np.concatenate(batches)) == list(range(500))
    for batch in batches:
        assert lengths[batch].max() <= 1.25 * lengths[batch].min() + 16
        assert len(batch) * lengths[batch].max() <= 20000
    assert len(batches) < 60


def test_a_long_stretch_is_alone() -> None:
    assert [len(batch) for batch in batches_by_length(np.array([90, 100, 95]), samples=10)] == [
        1,
        1,
        1,
    ]


def test_stretches_are_filled_up_with_zeros() -> None:
    rows, inside = gather(np.arange(1.0, 7.0), np.array([4, 0]), np.array([2, 4]))
    assert rows.tolist() == [[5, 6, 0, 0], [1, 2, 3, 4]]
    assert inside.sum(axis=1).tolist() == [2, 4]


@pytest.mark.parametrize("length", [1, 2, 7, 40])
def test_windows(length: int) -> None:
    both = np.array([length, 50])
    hann = windows(both, 0.5, ends=False)
    assert hann[0, :length] == pytest.approx(scipy_windows.hann(length + 2)[1:-1])
    assert not hann[0, length:].any()
    if length > 1:
        hamming = windows(both, 0.46, ends=True)
        assert hamming[0, :length] == pytest.approx(scipy_windows.hamming(length))
        assert not hamming[0, length:].any()
