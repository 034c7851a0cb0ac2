from __future__ import annotations

import numpy as np
import pytest

from emocli.robust import pca as module
from emocli.robust.pca import PCA


def rows(n: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(2)
    spread = np.geomspace(10, 0.1, width)
    return (rng.normal(size=(n, width)) * spread + 3).astype(np.float32)


@pytest.mark.parametrize(("n", "width"), [(300, 20), (15, 40)])
def test_it_is_the_singular_value_decomposition(n: int, width: int) -> None:
    x = rows(n, width)
    fitted = PCA.fit(x, 8)
    centred = x - x.mean(axis=0, dtype=np.float64)
    _, roots, directions = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(fitted.variances, roots[:8] ** 2 / (n - 1), rtol=1e-6)
    np.testing.assert_allclose(np.abs(fitted.components @ directions[:8].T), np.eye(8), atol=1e-4)
    assert fitted.total == pytest.approx(np.sum(roots**2) / (n - 1))
    np.testing.assert_allclose(fitted.scores(x).var(axis=0, ddof=1), fitted.variances, rtol=1e-6)


def test_the_randomised_way_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    x = rows(300, 60)
    exact = PCA.fit(x, 8)
    monkeypatch.setattr(module, "EXACT", 50)
    quick = PCA.fit(x, 8)
    np.testing.assert_allclose(quick.variances, exact.variances, rtol=1e-4)
    np.testing.assert_allclose(quick.components, exact.components, atol=1e-2)


@pytest.mark.parametrize(("n", "width", "kept"), [(300, 5, 5), (7, 40, 6), (300, 40, 12)])
def test_no_more_components_than_there_can_be(n: int, width: int, kept: int) -> None:
    assert len(PCA.fit(rows(n, width), 12).variances) == kept


def test_directions_without_variance_are_left_out() -> None:
    x = rows(50, 6)
    x[:, 4] = x[:, 5] = x[:, 0]
    assert len(PCA.fit(x, 6).variances) == 4
    for width in (3, 30):
        assert not len(PCA.fit(np.ones((5, width), np.float32), 3).variances)


@pytest.mark.parametrize(("n", "width"), [(300, 20), (15, 40), (80, 60), (60, 80)])
def test_the_order_of_rows_does_not_matter(
    monkeypatch: pytest.MonkeyPatch, n: int, width: int
) -> None:
    """Also of the randomised way, and where two columns say the opposite."""
    monkeypatch.setattr(module, "EXACT", 50)
    x = rows(n, width)
    x[:, 3] = -x[:, 2]
    one = PCA.fit(x, 8)
    for seed in range(5):
        other = PCA.fit(x[np.random.default_rng(seed).permutation(n)], 8)
        np.testing.assert_allclose(other.components, one.components, atol=1e-6)


def test_how_unusual_rows_are() -> None:
    x = rows(200, 6)
    fitted = PCA.fit(x, 2)
    centred = x[0] - x.mean(axis=0, dtype=np.float64)
    inside = fitted.components @ centred
    outside = centred - fitted.components.T @ inside
    expected = [
        outside @ outside,
        sum(s * s / v for s, v in zip(inside, fitted.variances, strict=True)),
    ]
    np.testing.assert_allclose(fitted.distances(x[:1])[0], expected, rtol=1e-6)
    assert not PCA.fit(x, 6).distances(x)[:, 0].any()


def test_many_rows_in_parts_are_as_good_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    x = rows(100, 6)
    whole = PCA.fit(x, 3)
    monkeypatch.setattr(module, "ROWS", 7)
    np.testing.assert_allclose(PCA.fit(x, 3).components, whole.components, atol=1e-9)
    np.testing.assert_allclose(whole.scores(x), (x - whole.mean) @ whole.components.T)
    assert whole.scores(x[:0]).shape == (0, 3)
