from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg, signal

from emocli.features.covarep import residual
from emocli.features.covarep._signal import hanning
from tests.features.covarep.voices import FS, closures, voice


def one_by_one(x: np.ndarray, order: int) -> np.ndarray:
    """The definition, frame by frame at 16 kHz."""
    total, start = np.zeros(len(x)), 0
    while start + 401 < len(x):
        frame = x[start : start + 401] * hanning(401)
        lags = np.correlate(frame, frame, "full")[400 : 401 + order]
        taps = [1, *linalg.solve_toeplitz(lags[:-1], -lags[1:])]
        left = signal.lfilter(taps, [1], frame)
        total[start : start + 401] += left * np.sqrt((frame**2).sum() / (left**2).sum())
        start += 80
    return total


@pytest.mark.parametrize("size", [401, 402, 481, 482, 3000])
def test_it_is_the_defined_sum(size: int) -> None:
    x = voice(seconds=size / FS)
    wanted = one_by_one(x, 12)
    result = residual.lp_residual(x, FS, 12, normalised=False)
    np.testing.assert_allclose(result, wanted, atol=1e-9)
    peak = np.abs(wanted).max()
    if peak:
        np.testing.assert_allclose(residual.lp_residual(x, FS, 12), wanted / peak, atol=1e-9)


def test_blocks_of_frames_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x = voice(seconds=0.5)
    whole = residual.lp_residual(x, FS, 18)
    monkeypatch.setattr(residual, "BLOCK", 7)
    np.testing.assert_allclose(residual.lp_residual(x, FS, 18), whole, atol=1e-12)


def test_its_peaks_are_the_closures() -> None:
    closed = closures(100, 1.0)
    highest = np.argsort(residual.lp_residual(voice(100), FS, 18))[-90:]
    assert np.abs(highest[:, None] - closed).min(axis=1).max() <= 3


def test_the_filter_may_come_from_another_signal() -> None:
    x, other = voice(100), voice(230)
    own = residual.lp_residual(x, FS, 18)
    np.testing.assert_array_equal(residual.lp_residual(x, FS, 18, x), own)
    assert np.abs(residual.lp_residual(x, FS, 18, other) - own).max() > 0.1


def test_silence_has_none() -> None:
    for size in (0, 1, 2000):
        assert not residual.lp_residual(np.zeros(size), FS, 18).any()
    x = np.concatenate([voice(seconds=0.2), np.zeros(3200)])
    left = residual.lp_residual(x, FS, 18)
    assert np.isfinite(left).all()
    assert not left[3700:].any()


def test_the_order_follows_the_rate() -> None:
    assert [residual.vocal_tract_order(fs) for fs in (8000, 16000, 22050)] == [10, 18, 24]
