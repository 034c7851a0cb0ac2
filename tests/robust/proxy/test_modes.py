from __future__ import annotations

import numpy as np
import pytest

from emocli.robust.pca import PCA
from emocli.robust.proxy.modes import MODES
from emocli.robust.proxy.settings import ProxyConfig

PAIRED = sorted(set(MODES) - {"svd_unpaired", "mean"})
"""Modes whose bases come from the same clips."""


def bank(n: int, seed: int, shared: int = 4, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Two views of a few latent numbers, centred."""
    world, rng = np.random.default_rng(0), np.random.default_rng(seed)
    z = rng.normal(size=(n, shared))
    x = z @ world.normal(size=(shared, 12)) + noise * rng.normal(size=(n, 12))
    y = z @ world.normal(size=(shared, 9)) + noise * rng.normal(size=(n, 9))
    return x, y


def error(made: np.ndarray, truth: np.ndarray) -> float:
    return float(np.linalg.norm(made - truth) / np.linalg.norm(truth))


X, Y = bank(300, 1)
NEW_X, NEW_Y = bank(80, 2)


@pytest.mark.parametrize("mode", PAIRED)
def test_what_modalities_share_is_regenerated(mode: str) -> None:
    result = MODES[mode](X, Y, ProxyConfig(mode=mode, k=30, ridge=0.01))(NEW_X)
    assert error(result, NEW_Y) < (0.75 if mode == "nn1" else 0.25)


def test_unpaired_bases_are_no_better_than_the_mean() -> None:
    result, mean = (MODES[m](X, Y, ProxyConfig(mode=m))(NEW_X) for m in ("svd_unpaired", "mean"))
    assert error(result, NEW_Y) >= error(mean, NEW_Y) == 1.0


@pytest.mark.parametrize("mode", ["knn_ls", "affine", "nn1"])
def test_a_clip_of_the_bank_regenerates_itself(mode: str) -> None:
    config = ProxyConfig(mode=mode, k=10, ridge=1e-9)
    assert error(MODES[mode](X, Y, config)(X), Y) < 1e-4


def test_knn_ls_is_the_weighted_sum_of_the_neighbours_other_halves() -> None:
    config = ProxyConfig(k=7, ridge=0.2)
    result = MODES["knn_ls"](X, Y, config)(NEW_X[:5])
    for f, p in zip(NEW_X[:5], result, strict=True):
        near = sorted(range(len(X)), key=lambda i: sum((X[i] - f) ** 2))[:7]
        v = X[near]
        a = np.linalg.inv(v @ v.T + 0.2 * np.trace(v @ v.T) / 7 * np.eye(7)) @ v @ f
        np.testing.assert_allclose(p, sum(a[i] * Y[near[i]] for i in range(7)), rtol=1e-8)


def test_affine_weights_sum_to_one() -> None:
    """Shifting the bad modality's bank shifts the proxy by as much."""
    config = ProxyConfig(mode="affine", k=7)
    one, two = (MODES["affine"](X, Y + shift, config)(NEW_X) for shift in (0, 5))
    np.testing.assert_allclose(two, one + 5, rtol=1e-9)


@pytest.mark.parametrize("mode", ["ridge", "paired_qr", "svd_unpaired", "mean"])
def test_global_modes_are_linear(mode: str) -> None:
    result = MODES[mode](X, Y, ProxyConfig(mode=mode))
    both = result(2 * NEW_X[:1] - 3 * NEW_X[1:2])
    np.testing.assert_allclose(both, 2 * result(NEW_X[:1]) - 3 * result(NEW_X[1:2]), atol=1e-9)


def test_ridge_is_the_closed_form() -> None:
    shift = 0.3 * np.trace(X.T @ X) / 12 * np.eye(12)
    matrix = np.linalg.inv(X.T @ X + shift) @ X.T @ Y
    result = MODES["ridge"](X, Y, ProxyConfig(mode="ridge", ridge=0.3))(NEW_X)
    np.testing.assert_allclose(result, NEW_X @ matrix, rtol=1e-9)


def test_the_paired_basis_are_clips_of_the_bank() -> None:
    config = ProxyConfig(mode="paired_qr", ridge=0.0)
    result = MODES["paired_qr"](X, Y, config)(X)
    exact = np.flatnonzero(np.linalg.norm(result - Y, axis=1) < 1e-8 * np.linalg.norm(Y, axis=1))
    assert len(exact) == 12  # as many as x has dimensions


def test_a_smaller_bank_than_k_is_taken_whole() -> None:
    result = MODES["knn_ls"](X[:5], Y[:5], ProxyConfig(k=200))(NEW_X)
    assert np.isfinite(result).all()


@pytest.mark.parametrize("mode", MODES)
def test_without_regularisation_nothing_breaks(mode: str) -> None:
    twice = np.concatenate([X[:20], X[:20]])
    config = ProxyConfig(mode=mode, ridge=0.0, k=10)
    result = MODES[mode](twice, np.concatenate([Y[:20], Y[:20]]), config)(NEW_X)
    assert np.isfinite(result).all()


# -- the order of the training clips


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_the_clips_does_not_matter(mode: str, seed: int) -> None:
    """Clips as a generator gives them: the good modality as scores of its own components."""
    fitted = PCA.fit(X, 12)
    order = np.random.default_rng(seed).permutation(len(X))
    config = ProxyConfig(mode=mode, k=30)
    scores = fitted.scores(X)
    one = MODES[mode](scores, Y, config)(fitted.scores(NEW_X))
    other = MODES[mode](scores[order], Y[order], config)(fitted.scores(NEW_X))
    assert error(other, one) < 1e-6 if mode != "mean" else not other.any()


@pytest.mark.parametrize("shape", ["wide", "rank", "opposite", "one"])
def test_bases_hold_what_the_clips_span_and_have_their_signs(shape: str) -> None:
    """Without directions that no clip has, whose vectors are noise; with columns that are tied."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(30, 6))
    y = rng.normal(size=(30, 4)) @ rng.normal(size=(4, 50))
    if shape == "rank":
        x[:, 3:] = 0
    if shape == "opposite":
        x = np.stack([x[:, 0], -x[:, 0]], axis=1)
        y = np.stack([y[:, 0], -y[:, 0], 3 * y[:, 1], -3 * y[:, 1]], axis=1)
    if shape == "one":
        y = y[:, :1]
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    queries = x[:5] + 0.1
    result = [
        MODES["svd_unpaired"](x[order], y[order], ProxyConfig(mode="svd_unpaired"))(queries)
        for order in (rng.permutation(30) for _ in range(8))
    ]
    for other in result[1:]:
        assert error(other, result[0]) < 1e-6


@pytest.mark.parametrize("mode", ["nn1", "knn_ls", "affine", "ridge"])
def test_clips_that_one_modality_cannot_tell_apart_do_not_stand_in_a_queue(mode: str) -> None:
    x = np.repeat(X[:60], 5, axis=0)
    y = Y[:300]
    config = ProxyConfig(mode=mode, k=3)
    result = []
    for seed in range(6):
        order = np.random.default_rng(seed).permutation(300)
        result.append(MODES[mode](x[order], y[order], config)(NEW_X))
    for other in result[1:]:
        assert error(other, result[0]) < 1e-6
