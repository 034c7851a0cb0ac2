from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from emocli.errors import StoreError
from emocli.robust.check.pair import PairCheck, youden
from emocli.robust.check.settings import CheckConfig

NAMES = ("audio", "text")
SOME = arrays.arrays(float, st.integers(1, 12), elements=st.integers(-4, 4))


def fitted(n: int = 60, width: int = 5, **settings: object) -> PairCheck:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, n, width))
    x[0] = np.nan
    return PairCheck.fit(NAMES, x, y, CheckConfig(**settings))


@given(SOME, SOME)
def test_no_threshold_separates_better_than_youden_s(clean: np.ndarray, noisy: np.ndarray) -> None:
    def gain(tau: float) -> float:
        return float((noisy < tau).mean() - (clean < tau).mean())

    tau = youden(clean, noisy)
    assert gain(tau) >= max(gain(t) for t in np.arange(-4.5, 5, 0.5)) - 1e-12


def test_of_equal_thresholds_youden_takes_the_highest() -> None:
    assert youden(np.array([3.0, 5.0]), np.array([-2.0, 1.0])) == 3.0


def test_clips_without_both_count_for_nothing() -> None:
    assert fitted(60).n_train == 59
    with pytest.raises(StoreError, match="3 training clips have both 'audio' and 'text'"):
        fitted(4)
    known = fitted().calibrated(np.array([np.nan, 1.0, 2.0]), np.empty(0), CheckConfig())
    assert known.n_valid == 2
    with pytest.raises(StoreError, match="no validation clip has both 'audio' and 'text'"):
        fitted().calibrated(np.array([np.nan]), np.empty(0), CheckConfig())


def test_the_three_ways_to_a_threshold() -> None:
    clean, noisy, pair = np.arange(101.0), np.arange(101.0) - 90, fitted()
    quantile = pair.calibrated(clean, noisy, CheckConfig(quantile=0.05)).tau
    assert quantile == pytest.approx(5)
    assert (clean < quantile).mean() <= 0.05
    assert pair.calibrated(clean, noisy, CheckConfig(tau="fixed", threshold=0.3)).tau == 0.3
    assert pair.calibrated(clean, noisy, CheckConfig(tau="youden")).tau == youden(clean, noisy)


def test_doubts_are_spoken_out() -> None:
    scores, config = np.arange(5.0) + 1, CheckConfig()
    assert [*fitted(60).calibrated(np.arange(50.0), scores, config).fit_warnings(config)] == []
    blind = [*fitted(60).calibrated(np.arange(50.0) - 9, scores, config).fit_warnings(config)]
    assert "noise scores about 0 and clears the threshold -6.5" in blind[0]
    llr = CheckConfig(score="llr")
    assert [*fitted(60).calibrated(np.arange(50.0) - 9, scores, llr).fit_warnings(llr)] == []
    few = [*fitted(9).calibrated(np.arange(50.0), scores, config).fit_warnings(config)]
    assert "8 training clips for 5 + 5 components" in few[0]
    assert "representation=step" in few[0]
    steps = CheckConfig(representation="step")
    few = [*fitted(9).calibrated(np.arange(50.0), scores, steps).fit_warnings(steps)]
    assert "8 training clips for 5 + 5 components" in few[0]
    assert "representation=step" not in few[0]  # it is that already
    held = [*fitted(60).calibrated(scores, scores, config).fit_warnings(config)]
    assert "rests on 5 clips of the valid split" in held[0]
    alone = [*fitted(60).calibrated(scores[:1], scores, config).fit_warnings(config)]
    assert "rests on 1 clip of the valid split" in alone[0]
    narrow = [*fitted(60, 2).calibrated(np.arange(50.0), scores, config).fit_warnings(config)]
    assert "'pearson' says nothing" in narrow[0]
