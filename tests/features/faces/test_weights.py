from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path

import pytest

from emocli.errors import ConfigError
from emocli.features.faces import weights


@pytest.mark.parametrize(("name", "count"), [("pnet", 13), ("rnet", 16), ("onet", 21)])
def test_every_layer_has_its_arrays(name: str, count: int) -> None:
    arrays = weights.read_weights(name)
    assert len(arrays) == count
    assert arrays[0].shape[:3] == (3, 3, 3)


class Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("sprung"),)


def test_another_file_is_refused_and_not_unpickled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(weights, "folder", lambda: tmp_path)
    (tmp_path / "pnet.lz4").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ConfigError, match=r"pnet\.lz4: .*install mtcnn==1\.0\.0"):
        weights.read_weights("pnet")
    assert not Path("sprung").exists()


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "folder", lambda: tmp_path)
    with pytest.raises(ConfigError, match=r"onet\.lz4"):
        weights.read_weights("onet")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="install mtcnn"):
        weights.read_weights("rnet")
