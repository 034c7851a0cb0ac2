"""Libraries of the extra: one line says how to install what is not there."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from emocli.errors import ConfigError
from emocli.prediction.segmentation import silero
from emocli.prediction.segmentation.extra import asset, library


def test_a_library_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r"onnxruntime.*pip install 'emocli\[speech\]'"):
        library("onnxruntime")
    with pytest.raises(ConfigError, match="onnxruntime"):
        [*silero.probabilities([np.zeros(512, np.float32)])]


def test_a_file_of_a_package() -> None:
    assert asset("emocli", "prediction/segmentation/si*.py") == Path(silero.__file__)
    with pytest.raises(ConfigError, match=r"emocli has no none\*"):
        asset("emocli", "none*")
    with pytest.raises(ConfigError, match=r"is not installed; pip install"):
        asset("no_such_package", "*")
