from __future__ import annotations

import numpy as np
import pytest

from emocli.errors import ConfigError
from emocli.plugin.robustness import on, read
from emocli.robust.protocols.face100 import Config

RNG = np.random.default_rng(0)


def test_the_face_of_every_clip_that_has_one_is_struck() -> None:
    config = Config.parse("-10dB")
    assert list(config.draw(["audio", "text", "visual"], RNG)) == ["visual"]
    assert config.draw(["audio"], RNG) == {}
    assert config.corruption.ratio == pytest.approx(0.1)
    assert Config.parse(None).corruption.ratio == 0.01


def test_without_a_face_there_is_nothing_to_do() -> None:
    with pytest.raises(ConfigError, match="'face100': there is no modality 'visual'"):
        on(read(["face100"]), ["audio", "text"])
