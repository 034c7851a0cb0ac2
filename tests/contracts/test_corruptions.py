"""What every corruption promises."""

from __future__ import annotations

import numpy as np
import pytest

from emocli import plugins

NAMES = plugins.names("corruptions")


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(30, 4)).astype(np.float32)


@pytest.fixture
def others() -> list[np.ndarray]:
    rng = np.random.default_rng(2)
    return [rng.normal(size=(rows, 4)).astype(np.float32) for rows in (20, 40)]


@pytest.mark.parametrize("name", NAMES)
def test_it_changes_the_values_and_leaves_the_input_alone(
    name: str, values: np.ndarray, others: list[np.ndarray]
) -> None:
    before = values.copy()
    config = plugins.load("corruptions", name).Config()
    after = config(values, np.random.default_rng(0), others)
    np.testing.assert_array_equal(values, before)
    assert after.ndim == 2
    assert after.shape[1] == 4
    assert after.dtype == np.float32
    assert after.shape != values.shape or (after != values).any()


@pytest.mark.parametrize("name", NAMES)
def test_the_same_generator_gives_the_same_result(
    name: str, values: np.ndarray, others: list[np.ndarray]
) -> None:
    config = plugins.load("corruptions", name).Config()
    first, second = (config(values, np.random.default_rng(7), others) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", NAMES)
def test_an_absent_modality_survives(name: str, others: list[np.ndarray]) -> None:
    config = plugins.load("corruptions", name).Config()
    after = config(np.zeros((0, 4), np.float32), np.random.default_rng(0), others)
    assert after.shape[1] == 4
