from __future__ import annotations

import numpy as np
import pytest

from emocli.robust.proxy.steps import lengthened, valid_steps


def test_the_same_length_is_the_same_numbers() -> None:
    values = np.random.default_rng(0).normal(size=(2, 7, 3))
    assert lengthened(values, 7) is values


@pytest.mark.parametrize("length", [1, 2, 5, 40])
def test_a_straight_line_stays_one(length: int) -> None:
    line = (np.arange(10) + 0.5)[None, :, None] / 10
    result = lengthened(line, length)[0, :, 0]
    assert result == pytest.approx(np.clip((np.arange(length) + 0.5) / length, 0.05, 0.95))


def test_one_step_is_repeated() -> None:
    np.testing.assert_array_equal(lengthened(np.ones((1, 1, 2)), 4), np.ones((1, 4, 2)))


def test_only_padded_sequences_have_steps_that_are_not_their_own() -> None:
    lengths = np.array([0, 2, 3])
    assert valid_steps(lengths, 3, padded=True).sum(axis=1).tolist() == [0, 2, 3]
    assert valid_steps(lengths, 3, padded=False).all()
