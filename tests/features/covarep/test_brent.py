from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import fminbound

from emocli.features.covarep._brent import minimise

PLACE = np.linspace(-0.5, 3, 40)


def curves(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Bowls, and a cosine that gives them several bottoms; two of them beyond the bounds."""
    return np.asarray((x - PLACE[rows]) ** 2 + 0.3 * np.cos(9 * x + rows))


@pytest.mark.parametrize("precision", [0.01, 1e-5])
def test_each_takes_the_steps_it_takes_alone(precision: float) -> None:
    x, least = minimise(curves, len(PLACE), (0.3, 2.5), precision)
    for row in range(len(PLACE)):
        alone = fminbound(lambda x, row=row: curves(x, row), 0.3, 2.5, xtol=precision, maxfun=33)
        assert x[row] == pytest.approx(alone, abs=1e-7)
    np.testing.assert_allclose(least, curves(x, np.arange(len(PLACE))), rtol=1e-12)


def test_those_that_are_known_drop_out() -> None:
    asked: list[int] = []

    def counted(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        return curves(x, rows)

    minimise(counted, len(PLACE), (0.3, 2.5), 0.01)
    assert asked[0] == len(PLACE)
    assert asked == sorted(asked, reverse=True)
    assert asked[-1] < len(PLACE)
    assert len(asked) <= 33


def test_a_function_with_no_value_ends() -> None:
    x, least = minimise(lambda x, rows: np.full(len(rows), np.nan), 2, (0.0, 1.0), 0.01)
    assert ((x >= 0) & (x <= 1)).all()
    assert np.isnan(least).all()
    assert len(minimise(curves, 0, (0.0, 1.0), 0.01)[0]) == 0
