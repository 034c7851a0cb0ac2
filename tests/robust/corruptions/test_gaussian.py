from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emocli.errors import ConfigError
from emocli.robust.corruptions.gaussian import Config


def measured(config: Config, values: np.ndarray, draws: int = 40) -> float:
    rng = np.random.default_rng(0)
    noise = np.mean([np.mean((config(values, rng, ()) - values) ** 2) for _ in range(draws)])
    return float(np.mean(values**2) / noise)


@pytest.mark.parametrize(
    ("level", "ratio"), [("0.01", 0.01), ("-10dB", 0.1), ("0dB", 1.0), ("10", 10.0), (None, 1.0)]
)
def test_the_stated_ratio_is_reached(level: str | None, ratio: float) -> None:
    values = (3 + np.random.default_rng(1).normal(size=(200, 30))).astype(np.float32)
    assert measured(Config.parse(level), values) == pytest.approx(ratio, rel=0.02)


def test_power_is_that_of_the_clip_itself() -> None:
    rng = np.random.default_rng(1)
    quiet = (0.01 * rng.normal(size=(500, 20))).astype(np.float32)
    added = Config(snr=1.0)(quiet, np.random.default_rng(0), ()) - quiet
    assert np.std(added) == pytest.approx(0.01, rel=0.05)


def test_silence_stays_silent() -> None:
    assert not Config(snr=0.01)(np.zeros((5, 3), np.float32), np.random.default_rng(0), ()).any()


@given(st.floats(-100, 100))
def test_decibel_and_linear_agree(decibel: float) -> None:
    assert Config(snr=decibel, unit="db").ratio == pytest.approx(10 ** (decibel / 10))


@pytest.mark.parametrize("level", ["0", "-1", "nan", "inf", "-200dB", "loud", "1 2", "dB", "1e99"])
def test_an_impossible_level_is_refused_and_the_possible_ones_named(level: str) -> None:
    with pytest.raises(ConfigError, match="allowed is an SNR from 1e-10") as caught:
        Config.parse(level)
    assert level in str(caught.value)


@pytest.mark.parametrize(
    ("level", "shown"),
    [("-10dB", "-10 dB"), ("-10 db", "-10 dB"), ("0.01", "SNR 0.01"), (None, "0 dB")],
)
def test_the_level_is_described(level: str | None, shown: str) -> None:
    assert Config.parse(level).describe() == shown
