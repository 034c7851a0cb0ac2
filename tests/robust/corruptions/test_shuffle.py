from __future__ import annotations

import numpy as np
import pytest

from emocli.errors import ConfigError
from emocli.robust.corruptions.shuffle import Config

OTHERS = [np.full((length, 2), length, np.float32) for length in (1, 2, 3)]


def test_every_other_clip_comes_up_whole() -> None:
    rng = np.random.default_rng(0)
    seen = [Config()(np.zeros((9, 2), np.float32), rng, OTHERS) for _ in range(300)]
    assert all(len(array) == array[0, 0] for array in seen)
    counts = np.bincount([len(array) for array in seen], minlength=4)[1:]
    assert counts.min() > 70


def test_what_comes_back_is_a_copy() -> None:
    after = Config()(np.zeros((9, 2), np.float32), np.random.default_rng(0), OTHERS)
    after[:] = -1
    assert all((array > 0).all() for array in OTHERS)


def test_a_clip_without_the_modality_gets_none() -> None:
    assert not len(Config()(np.zeros((0, 2), np.float32), np.random.default_rng(0), OTHERS))


def test_one_clip_alone_cannot_be_shuffled() -> None:
    with pytest.raises(ConfigError, match="needs two clips"):
        Config()(np.zeros((9, 2), np.float32), np.random.default_rng(0), ())
