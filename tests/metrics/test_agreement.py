"""Krippendorff's alpha against his published examples, and against an independent computation."""

from __future__ import annotations

import math
from itertools import permutations

import krippendorff
import numpy as np
import pytest

from emocli.metrics.agreement import alpha, alpha_of_counts, counts_of_shares

X = math.nan
BINARY = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]
"""Krippendorff 2011, part A: two observers, ten units: .095."""
FOUR = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, X, X, X],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, X, 3],
    [X, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, X],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, X],
]
"""Part C: four observers, twelve units, some not rated: .743, .815 and .849."""


def test_the_published_examples() -> None:
    assert alpha(BINARY) == pytest.approx(0.095, abs=5e-4)
    assert alpha(FOUR, "nominal") == pytest.approx(0.743, abs=5e-4)
    assert alpha(FOUR, "ordinal") == pytest.approx(0.815, abs=5e-4)
    assert alpha(FOUR, "interval") == pytest.approx(0.849, abs=5e-4)


def test_it_is_what_the_pairs_of_ratings_say() -> None:
    """Observed and expected disagreement, pair of ratings by pair of ratings."""
    rng = np.random.default_rng(2)
    ratings = rng.integers(0, 4, (5, 30)).astype(float)
    ratings[rng.random(ratings.shape) < 0.3] = X
    units = [column[~np.isnan(column)] for column in ratings.T]
    units = [unit for unit in units if len(unit) > 1]
    everyone = np.concatenate(units)
    for level, apart in (("nominal", lambda a, b: a != b), ("interval", lambda a, b: (a - b) ** 2)):
        observed = sum(
            sum(apart(a, b) for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in units
        )
        expected = sum(apart(a, b) for a, b in permutations(everyone, 2))
        wanted = 1 - (observed / len(everyone)) / (expected / len(everyone) / (len(everyone) - 1))
        assert alpha(ratings, level) == pytest.approx(wanted)  # type: ignore[arg-type]


def test_the_reference_package_agrees() -> None:
    rng = np.random.default_rng(3)
    ratings = rng.integers(0, 5, (4, 50)).astype(float)
    ratings[rng.random(ratings.shape) < 0.2] = X
    for level in ("nominal", "ordinal", "interval"):
        expected = krippendorff.alpha(reliability_data=ratings, level_of_measurement=level)
        assert alpha(ratings, level) == pytest.approx(expected)  # type: ignore[arg-type]


def test_without_pairs_or_difference_there_is_none() -> None:
    assert math.isnan(alpha([[1, 1, 1], [1, 1, 1]]))
    assert math.isnan(alpha([[1, 2, 3]]))
    assert alpha([[1, 2, 3], [1, 2, 3]]) == 1
    assert math.isnan(alpha_of_counts([[1, 0], [0, 1]]))


def test_shares_of_votes_become_counts() -> None:
    counts = np.array([[5, 5, 0], [10, 0, 0], [7, 2, 1], [0, 9, 1], [0, 0, 0]])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    result, raters = counts_of_shares(shares)
    assert raters == 10
    assert np.array_equal(result, counts)
    assert np.array_equal(counts_of_shares(counts)[0], counts)
    with pytest.raises(ValueError, match="no whole numbers"):
        counts_of_shares(np.random.default_rng(0).dirichlet([1, 1, 1], 40))
