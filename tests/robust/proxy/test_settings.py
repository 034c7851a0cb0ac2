from __future__ import annotations

import pytest

from emocli.errors import ConfigError
from emocli.robust.proxy.settings import MODES, configure


def test_a_mode_or_a_preset_may_be_named() -> None:
    assert configure("paper").mode == "knn_ls"
    assert (configure("plus").mode, configure("plus").sources) == ("ridge", "joint")
    assert configure("literal").mode == "svd_unpaired"
    assert [configure(mode).mode for mode in MODES] == list(MODES)
    assert configure("plus", {"sources": "mean"}).sources == "mean"


def test_mistakes_are_named() -> None:
    with pytest.raises(ConfigError, match="no kind of proxy 'ride'; did you mean 'ridge'"):
        configure("ride")
    with pytest.raises(
        ConfigError, match=r"unknown setting 'proxy.rigde'; did you mean 'proxy.ridge'"
    ):
        configure("paper", {"rigde": 1})
