from __future__ import annotations

import numpy as np

from emocli.robust.corruptions.drop import Config


def test_no_step_is_left_but_the_width_is() -> None:
    after = Config.parse(None)(np.ones((7, 3), np.float32), np.random.default_rng(0), ())
    assert after.shape == (0, 3)
