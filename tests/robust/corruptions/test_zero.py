from __future__ import annotations

import numpy as np
import pytest

from emocli.errors import ConfigError
from emocli.robust.corruptions.zero import Config


def test_all_is_zero_and_the_length_stays() -> None:
    after = Config()(np.ones((7, 3), np.float32), np.random.default_rng(0), ())
    assert after.shape == (7, 3)
    assert not after.any()


def test_it_takes_no_level() -> None:
    with pytest.raises(ConfigError, match="takes no level"):
        Config.parse("0.5")
