"""W of whitened functionals: the covariance within classes, shrunk, is the identity after it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf

from emocli.models import whitening as module
from emocli.models.whitening import Whitening

N, D = 60, 7


def clips(seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Clips whose columns vary together, and three classes far from each other."""
    random = np.random.default_rng(seed)
    classes = np.arange(N) % 3
    together = random.normal(size=(N, D)) @ random.normal(size=(D, D))
    return together + 5 * random.normal(size=(3, D))[classes], classes


def matrix(whitening: Whitening) -> NDArray[np.float64]:
    return whitening(torch.eye(len(whitening.axes))).double().numpy()


def within(x: NDArray[np.float64], classes: NDArray[np.int64]) -> NDArray[np.float64]:
    means = np.stack([x[classes == k].mean(axis=0) for k in np.unique(classes)])
    return x - means[classes]


def test_the_covariance_within_classes_becomes_a_multiple_of_the_identity() -> None:
    x, classes = clips()
    whitening = Whitening(D)
    whitening.fit(x, classes)
    shrunk, _ = ledoit_wolf(within(x, classes), assume_centered=True)
    W = matrix(whitening)
    whitened = W @ shrunk @ W
    np.testing.assert_allclose(whitened, whitened[0, 0] * np.eye(D), atol=1e-5)
    assert np.square(x @ W).mean() == pytest.approx(1, abs=1e-4)


def test_of_one_class_it_is_that_about_the_mean() -> None:
    x, classes = clips()
    first, second = Whitening(D), Whitening(D)
    first.fit(x, np.zeros(N, np.int64))
    second.fit(x, classes)
    shrunk, _ = ledoit_wolf(x - x.mean(axis=0), assume_centered=True)
    W = matrix(first)
    np.testing.assert_allclose(W @ shrunk @ W, (W @ shrunk @ W)[0, 0] * np.eye(D), atol=1e-5)
    assert not torch.allclose(first.axes, second.axes)


def test_beyond_its_axes_all_have_the_mean_variance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AXES", 2)
    x, classes = clips()
    whitening = Whitening(D)
    whitening.fit(x, classes)
    shrunk, _ = ledoit_wolf(within(x, classes), assume_centered=True)
    values, axes = np.linalg.eigh(shrunk)
    values[: D - 2] = values[: D - 2].mean()
    expected = axes @ np.diag(values**-0.5) @ axes.T
    W = matrix(whitening)
    np.testing.assert_allclose(W / W[0, 0], expected / expected[0, 0], atol=1e-4)
    assert whitening.axes.shape == (D, 2)


def test_columns_that_do_not_vary_have_no_part() -> None:
    x, classes = clips()
    first, second = Whitening(D), Whitening(D + 2)
    first.fit(x, classes)
    wider = np.column_stack([np.zeros(N), x, classes])  # the last varies between classes alone
    second.fit(wider, classes)
    np.testing.assert_allclose(matrix(second)[1:-1, 1:-1], matrix(first), atol=1e-5)
    assert np.count_nonzero(matrix(second)[:, 0]) == 1


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
def test_of_a_few_clips_it_is_finite(rows: int) -> None:
    x, _ = clips()
    for groups in (np.zeros(rows, np.int64), np.arange(rows)):
        whitening = Whitening(D)
        whitening.fit(x[:rows], groups)
        assert np.isfinite(matrix(whitening)).all()


def test_what_is_whitened_goes_no_further_than_the_limit() -> None:
    """Noise in a direction in which clips hardly vary."""
    x, classes = clips()
    x[:, 0] *= 1e-2
    free, limited = Whitening(D), Whitening(D, limit=3.0)
    for whitening in (free, limited):
        whitening.fit(x, classes)
    noise = 10 * torch.eye(D)[:1]
    assert free(noise).abs().max() > 3.1
    assert limited(noise).abs().max() == 3
    torch.testing.assert_close(free(noise).clamp(-3, 3), limited(noise), rtol=0, atol=0)
