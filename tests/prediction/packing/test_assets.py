"""Encoders and networks of features: copied as data alone, found again in the packed run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli.config import build
from emocli.data.manifest import Manifest
from emocli.data.track import Track
from emocli.errors import EmocliError
from emocli.plugins import load
from emocli.prediction.packing.assets import AssetOptions, assets_of
from tests.hub_server import Repository, serving


def packed(name: str, tree: Mapping[str, Any], out: Path, **options: Any) -> dict[str, Any]:
    """Pack what one feature is computed with; return its settings there."""
    assets = assets_of({name: dict(tree)}, AssetOptions(**options), lambda: ())
    for asset in assets.packed:
        asset.write(out)
    settings = dict(assets.settings[name])
    return settings | {asset.setting: str(out / asset.place) for asset in assets.packed}


@pytest.mark.parametrize(
    "name",
    ["roberta", "mel_embedding", "text_model", "speech_model", "scene_model", "onnx_frame"],
)
def test_a_feature_is_the_same_with_what_was_copied(
    name: str, corpus: Manifest, corpus_settings: Mapping[str, Any], tmp_path: Path
) -> None:
    """A clip has the same array, also the digests of the encoders are the same."""
    if name.startswith("onnx"):
        pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    module = load("features", name)
    before = build(module.Config, corpus_settings[name], name)
    tree = packed(name, before.model_dump(mode="json"), tmp_path)
    after = build(module.Config, {k: v for k, v in tree.items() if k != "digest"}, name)
    assert getattr(before, "digest", "") == getattr(after, "digest", "")
    clip = corpus.split("test")[0]
    upstream = {"mel": Track(np.linspace(-80, 0, 128 * 40, dtype=np.float32).reshape(40, 128))}
    arrays = [module.prepare(c, [clip])(clip, upstream).values for c in (before, after)]
    np.testing.assert_array_equal(arrays[0], arrays[1])
    files = [path.suffix for path in tmp_path.rglob("*") if path.is_file()]
    assert set(files) <= {".json", ".txt", ".safetensors", ".onnx"}


def test_places_in_the_files_of_encoders_become_names(
    corpus_settings: Mapping[str, Any], tmp_path: Path
) -> None:
    source = Path(corpus_settings["text_model"]["encoder"])
    own = tmp_path / "own"
    own.mkdir()
    for path in source.iterdir():
        (own / path.name).write_bytes(path.read_bytes())
    config = json.loads((own / "config.json").read_text())
    (own / "config.json").write_text(json.dumps({**config, "_name_or_path": str(own)}))
    (own / "pytorch_model.bin").write_bytes(b"code")
    (own / "modeling_own.py").write_text("code")
    tree = packed("text_model", {"encoder": str(own)}, tmp_path / "out")
    there = Path(tree["encoder"])
    assert json.loads((there / "config.json").read_text())["_name_or_path"] == "own"
    assert {path.name for path in there.iterdir()} == {
        path.name for path in source.iterdir() if path.suffix != ".md"
    }


def test_what_cannot_be_packed_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "pickled").mkdir()
    (tmp_path / "pickled" / "pytorch_model.bin").write_bytes(b"code")
    with pytest.raises(EmocliError, match="holds no parameters that can be packed; only safet"):
        packed("text_model", {"encoder": str(tmp_path / "pickled")}, tmp_path / "out")
    (tmp_path / "large.onnx").write_bytes(b"....\x0a\x08location....")
    with pytest.raises(EmocliError, match="keeps parameters in other files"):
        packed("onnx_frame", {"model": str(tmp_path / "large.onnx")}, tmp_path / "out")


def test_models_of_the_hub_are_named_or_copied(
    corpus_settings: Mapping[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name and commit where the cache knows it; with their files if that is asked for."""
    source = Path(corpus_settings["text_model"]["encoder"])
    files = {path.name: path.read_bytes() for path in source.iterdir() if path.is_file()}
    monkeypatch.chdir(tmp_path)
    with serving(monkeypatch, tmp_path / "cache") as hub:
        hub.repositories["nobody/small"] = Repository(
            private=False, branches={"main": files | {"pytorch_model.bin": b"code"}}
        )
        tree = {"encoder": "nobody/small"}
        assets = assets_of({"text_model": tree}, AssetOptions(), lambda: ())
        assert (assets.packed, assets.outside) == ((), {"text_model.encoder": "nobody/small"})
        copied = packed("text_model", tree, tmp_path / "out", models=True)
        commit = hub.repositories["nobody/small"].commit("main")
        assets = assets_of({"text_model": tree}, AssetOptions(), lambda: ())
        noted = tree | {"digest": "1" * 40}
        of_a_run = assets_of({"text_model": noted}, AssetOptions(), lambda: ())
    assert of_a_run.outside == {"text_model.encoder": f"nobody/small@{'1' * 40}"}
    there = Path(copied["encoder"])
    assert {p.name for p in there.iterdir()} == {n for n in files if not n.endswith(".md")}
    assert (there / "model.safetensors").read_bytes() == files["model.safetensors"]
    assert assets.outside == {"text_model.encoder": f"nobody/small@{commit}"}
    assert assets.settings["text_model"]["revision"] == commit


def test_a_network_of_the_catalogue_is_named_or_copied(
    expression: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = assets_of({"face_expression": {}}, AssetOptions(), lambda: ())
    told = {"face_expression.weights": "emocli models get face-expression"}
    assert (assets.packed, assets.outside) == ((), told)
    monkeypatch.setenv("EMOCLI_CACHE", str(tmp_path))
    with pytest.raises(EmocliError, match="fetch it with `emocli models get face-expression`"):
        packed("face_expression", {}, tmp_path / "out", models=True)
    tree = packed("face_expression", {"weights": str(expression)}, tmp_path / "out")
    assert Path(tree["weights"]).read_bytes() == expression.read_bytes()


def test_words_of_the_corpus_have_what_the_whole_file_says(
    corpus: Manifest, tmp_path: Path
) -> None:
    """Also the mean of all vectors of the file, which words out of vocabulary are."""
    module = load("features", "glove")
    whole = {"vectors": str(corpus.root / "vectors.txt"), "oov": "mean"}
    assets = assets_of({"glove": whole}, AssetOptions(words="training"), lambda: corpus.clips)
    (asset,) = assets.packed
    asset.write(tmp_path)
    assert assets.vectors[0].unknown == "the mean of all vectors"
    assert (tmp_path / asset.place).stat().st_size < asset.source.stat().st_size
    part = {"vectors": str(tmp_path / asset.place), "oov": "mean"}
    clips = [replace(clip, text=f"{clip.text} xyzzy", media={}) for clip in corpus.clips]
    before, after = (
        module.prepare(build(module.Config, tree, "glove"), clips) for tree in (whole, part)
    )
    for clip in clips:
        np.testing.assert_array_equal(before(clip, {}).values, after(clip, {}).values)
