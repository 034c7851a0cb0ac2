from __future__ import annotations

import numpy as np
import pytest

from emocli.errors import ConfigError
from emocli.robust.corruptions.dropout import Config

VALUES = np.random.default_rng(1).normal(size=(4000, 3)).astype(np.float32)


@pytest.mark.parametrize(("level", "share"), [("0.25", 0.25), (None, 0.5), ("0", 0.0), ("1", 1.0)])
def test_that_share_of_the_steps_is_zero_and_the_others_are_as_they_were(
    level: str | None, share: float
) -> None:
    after = Config.parse(level)(VALUES, np.random.default_rng(0), ())
    lost = ~after.any(axis=1)
    assert lost.mean() == pytest.approx(share, abs=0.03)
    np.testing.assert_array_equal(after[~lost], VALUES[~lost])


@pytest.mark.parametrize("level", ["1.5", "-0.1", "nan", "half"])
def test_an_impossible_share_is_refused(level: str) -> None:
    with pytest.raises(ConfigError, match="allowed is a share of the steps from 0 to 1"):
        Config.parse(level)
