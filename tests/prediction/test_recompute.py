"""Settings of features that are computed again."""

from __future__ import annotations

from pathlib import Path

import pytest

from emocli.errors import ConfigError
from emocli.models.encoder_files import folder_digest
from emocli.prediction.recompute import _with, recipe_of


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


def test_a_noted_commit_is_not_that_of_another_encoder() -> None:
    tree = {"encoder": "a/b", "batch": 2, "digest": "1" * 40}
    assert _with(tree, {"batch": 3}) == tree | {"batch": 3}
    for change in ({"encoder": "c/d"}, {"revision": "v2"}):
        assert _with(tree, change) == tree | change | {"digest": ""}
    local = tree | {"digest": "1" * 64}
    assert _with(local, {"encoder": "elsewhere"})["digest"] == local["digest"]


def test_an_encoder_that_was_changed_is_refused(tmp_path: Path) -> None:
    """What was noted formerly, the digest of its parameters alone, serves as before."""
    (tmp_path / "model.safetensors").write_bytes(b"parameters")
    (tmp_path / "config.json").write_text("{}")
    noted = folder_digest(tmp_path)
    settings = {"encoder": str(tmp_path), "digest": noted}
    for digest in (noted, noted[:64]):
        recipe_of(tmp_path, "text_model", settings | {"digest": digest})
    (tmp_path / "config.json").write_text('{"hidden_size": 8}')
    recipe_of(tmp_path, "text_model", settings | {"digest": noted[:64]})
    with pytest.raises(ConfigError, match="is not the one the run was trained with"):
        recipe_of(tmp_path, "text_model", settings)


def test_an_encoder_whose_folder_has_gone_is_told_from_another_one(tmp_path: Path) -> None:
    settings = {"encoder": str(tmp_path / "gone"), "digest": "1" * 64}
    with pytest.raises(ConfigError, match="the encoder of 'text_model' is not here"):
        recipe_of(tmp_path, "text_model", settings)
