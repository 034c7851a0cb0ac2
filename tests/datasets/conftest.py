"""The corpus that a test module of this folder writes."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def corpus(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """What the module's own ``written`` puts into a folder."""
    written: Path = request.module.written(tmp_path)
    return written
