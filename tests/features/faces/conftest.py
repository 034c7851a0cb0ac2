"""The generated corpus, with pictures as large as they usually are."""

from __future__ import annotations

import pytest

from emocli.data.manifest import Manifest
from tests.conftest import generated


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """A generated corpus, in whose pictures faces can be told apart and looked for anywhere."""
    return generated(tmp_path_factory.mktemp("pictures"), size=256)
