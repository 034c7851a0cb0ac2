"""Augmentation changes pictures as much as it says, and no more."""

from __future__ import annotations

import numpy as np
import pytest

from emocli.learn.augment import AugmentConfig, noisy, warped

RNG = np.random.default_rng(0)
ROWS = np.linspace(0, 1, 90, dtype=np.float32)[:, None] * np.ones((1, 4), np.float32)


def test_warping_moves_rows_and_keeps_the_ends() -> None:
    shifts = []
    for seed in range(40):
        changed = warped(ROWS, 10, np.random.default_rng(seed))
        assert changed.shape == ROWS.shape
        assert changed[0, 0] == ROWS[0, 0]
        assert changed[-1, 0] == pytest.approx(ROWS[-1, 0])
        assert (np.diff(changed[:, 0]) >= 0).all()
        shifts.append(np.abs(changed - ROWS).max() * 89)
    assert 5 < max(shifts) <= 10 + 1e-3


def test_short_sounds_are_warped_less() -> None:
    for count in (1, 2, 3, 4, 7):
        assert warped(ROWS[:count], 40, RNG).shape == (count, 4)
    assert np.array_equal(warped(ROWS, 0, RNG), ROWS)


@pytest.mark.parametrize("snr", [0.0, 10.0, 30.0])
def test_noise_has_the_power_it_is_asked_for(snr: float) -> None:
    loudness = np.full((2000, 20), -20.0, np.float32)
    added = 10 ** (noisy(loudness, snr, RNG) / 10) - 10 ** (loudness / 10)
    assert added.mean() == pytest.approx(0.01 / 10 ** (snr / 10), rel=0.03)
    assert (added > 0).all()


def test_settings_switch_it_off() -> None:
    off = AugmentConfig(warp=0, noise=0, flip=0)
    assert np.array_equal(off.sound(ROWS, RNG), ROWS)
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert np.array_equal(off.picture(picture, RNG), picture)
    assert np.array_equal(AugmentConfig(flip=1).picture(picture, RNG), picture[:, ::-1])
    assert not np.array_equal(AugmentConfig(noise=1).sound(ROWS, RNG), ROWS)
