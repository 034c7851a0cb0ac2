"""Settings of features that are computed again."""

from __future__ import annotations

from pathlib import Path

import pytest

from emocli.errors import ConfigError
from emocli.prediction.recompute import recipe_of


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run, and word vectors in another folder around it."""
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "vectors.txt").write_text("one 1 2\n")
    return tmp_path / "demo" / "runs" / "late"


@pytest.mark.parametrize("path", ["corpus/vectors.txt", "./corpus/vectors.txt"])
def test_a_path_relative_to_where_the_run_was_trained_is_found_from_anywhere(
    run: Path, path: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    recipe = recipe_of(run, "glove", {"vectors": path})
    assert Path(recipe.settings["vectors"]).read_text() == "one 1 2\n"


@pytest.mark.parametrize("path", ["corpus/others.txt", "/corpus/vectors.txt"])
def test_what_is_nowhere_is_refused(run: Path, path: str) -> None:
    with pytest.raises(ConfigError, match="which is not here"):
        recipe_of(run, "glove", {"vectors": path})
