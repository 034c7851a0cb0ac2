"""Fixtures of the learning tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import toy


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> toy.Toy:
    """A toy corpus nobody writes to."""
    return toy.build(Path(tmp_path_factory.mktemp("toy")))
