"""The plug-ins of toy features, and a folder for their stores."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.extraction import toy_features


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = toy_features.install(tmp_path / "site")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"
