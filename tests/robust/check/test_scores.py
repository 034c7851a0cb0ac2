from __future__ import annotations

import math

import numpy as np
import pytest

from emocli.robust.check.scores import SCORES

RNG = np.random.default_rng(4)
Z, W = RNG.normal(size=(2, 6, 9))
R = np.sort(RNG.uniform(0.1, 0.9, 9))[::-1]


def one(name: str, z: list[float], w: list[float], r: list[float]) -> float:
    """The definitions, number by number."""
    k = len(z)
    if name == "llr":
        return sum(
            -0.5 * math.log(1 - r[i] ** 2)
            - (r[i] ** 2 * (z[i] ** 2 + w[i] ** 2) - 2 * r[i] * z[i] * w[i]) / (2 * (1 - r[i] ** 2))
            for i in range(k)
        )
    if name == "weighted":
        top = sum(r[i] * z[i] * w[i] for i in range(k))
        return top / math.sqrt(
            sum(r[i] * z[i] ** 2 for i in range(k)) * sum(r[i] * w[i] ** 2 for i in range(k))
        )
    mz, mw = (sum(z) / k, sum(w) / k) if name == "pearson" else (0.0, 0.0)
    top = sum((z[i] - mz) * (w[i] - mw) for i in range(k))
    return top / math.sqrt(sum((a - mz) ** 2 for a in z) * sum((b - mw) ** 2 for b in w))


@pytest.mark.parametrize("name", SCORES)
def test_against_the_definition(name: str) -> None:
    expected = [one(name, z.tolist(), w.tolist(), R.tolist()) for z, w in zip(Z, W, strict=True)]
    np.testing.assert_allclose(SCORES[name](Z, W, R), expected, rtol=1e-10)


@pytest.mark.parametrize("name", SCORES)
def test_a_missing_vector_has_no_score_and_a_constant_one_a_finite_score(name: str) -> None:
    z = Z.copy()
    z[2] = np.nan
    z[3] = 0
    scores = SCORES[name](z, W, R)
    assert np.flatnonzero(np.isnan(scores)).tolist() == [2]


def test_the_likelihood_ratio_is_that_of_the_gaussian_densities() -> None:
    from scipy.stats import multivariate_normal as normal

    z, w, r = 0.7, -0.2, 0.6
    together = normal([0, 0], [[1, r], [r, 1]]).logpdf([z, w])
    apart = normal(0, 1).logpdf(z) + normal(0, 1).logpdf(w)
    score = SCORES["llr"](np.array([[z]]), np.array([[w]]), np.array([r]))
    assert score[0] == pytest.approx(together - apart)


def test_perfect_correlation_is_survived() -> None:
    assert np.isfinite(SCORES["llr"](Z, W, np.ones(9))).all()
