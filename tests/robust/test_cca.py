from __future__ import annotations

import numpy as np
import pytest
from sklearn import cross_decomposition

from emocli.robust.cca import CCA
from emocli.robust.pca import PCA


@pytest.fixture(scope="module")
def two() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    state = rng.normal(size=(400, 3))
    x = state @ rng.normal(size=(3, 5)) + rng.normal(size=(400, 5)) + 2
    y = state @ rng.normal(size=(3, 4)) + rng.normal(size=(400, 4)) - 1
    return x, y


def test_it_agrees_with_the_iterative_algorithm(two: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = two
    ours = CCA.fit(x, y, components=3, reg=0.0)
    reference = cross_decomposition.CCA(3, max_iter=5000, tol=1e-12).fit(x, y)
    theirs = zip(*(scores.T for scores in reference.transform(x, y)), strict=True)
    expected = [np.corrcoef(a, b)[0, 1] for a, b in theirs]
    np.testing.assert_allclose(ours.correlations, expected, atol=1e-5)
    for own, other in zip(ours.transform_x(x).T, reference.transform(x).T, strict=True):
        assert abs(np.corrcoef(own, other)[0, 1]) == pytest.approx(1, abs=1e-4)


def test_one_variable_each_is_the_plain_correlation(two: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = two[0][:, :1], two[1][:, :1]
    mx, my = sum(x[:, 0]) / len(x), sum(y[:, 0]) / len(y)
    cov = sum((a - mx) * (b - my) for a, b in zip(x[:, 0], y[:, 0], strict=True))
    vx, vy = sum((a - mx) ** 2 for a in x[:, 0]), sum((b - my) ** 2 for b in y[:, 0])
    assert CCA.fit(x, y, reg=0.0).correlations[0] == pytest.approx(abs(cov) / (vx * vy) ** 0.5)
    # With r = 0.1 both variances grow by a tenth.
    assert CCA.fit(x, y, reg=0.1).correlations[0] == pytest.approx(
        abs(cov) / (vx * vy) ** 0.5 / 1.1
    )


def test_projections_are_white_under_the_regularised_covariance(
    two: tuple[np.ndarray, np.ndarray],
) -> None:
    x, y = two
    cca = CCA.fit(x, y, reg=0.3)
    for values, h in ((x, cca.projection_x), (y, cca.projection_y)):
        covariance = np.cov(values.T)
        width = len(covariance)
        covariance += 0.3 * np.trace(covariance) / width * np.eye(width)
        np.testing.assert_allclose(h.T @ covariance @ h, np.eye(h.shape[1]), atol=1e-10)
    cross = (x - x.mean(0)).T @ (y - y.mean(0)) / (len(x) - 1)
    between = cca.projection_x.T @ cross @ cca.projection_y
    np.testing.assert_allclose(between, np.diag(cca.correlations), atol=1e-10)
    assert (np.diff(cca.correlations) <= 0).all()
    assert 0 <= cca.correlations[-1] <= cca.correlations[0] <= 1


def test_redundant_variables_and_few_rows_are_no_obstacle() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 10)), rng.normal(size=(6, 8))
    x[:, 3] = x[:, 2]
    for reg in (0.0, 0.1):
        cca = CCA.fit(x, y, reg=reg)
        assert np.isfinite(cca.projection_x).all()
        assert np.isfinite(cca.transform_y(y)).all()
        assert cca.correlations.max() <= 1


@pytest.mark.parametrize("reg", [0.0, 0.1])
def test_the_order_of_rows_does_not_matter(two: tuple[np.ndarray, np.ndarray], reg: float) -> None:
    """Of components, whose covariance is diagonal but for rounding: eigenvectors' signs are not."""
    x, y = (PCA.fit(part, 4).scores(part) for part in two)
    one = CCA.fit(x, y, reg=reg)
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(len(x))
        other = CCA.fit(x[order], y[order], reg=reg)
        np.testing.assert_allclose(other.projection_x, one.projection_x, atol=1e-8)
        np.testing.assert_allclose(other.projection_y, one.projection_y, atol=1e-8)


def test_signs_do_not_depend_on_chance(two: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = two
    turned = CCA.fit(x, -y)
    np.testing.assert_allclose(turned.projection_x, CCA.fit(x, y).projection_x, atol=1e-9)
    np.testing.assert_allclose(turned.transform_y(-y), CCA.fit(x, y).transform_y(y), atol=1e-9)
