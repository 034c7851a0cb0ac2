"""Embeddings of clips: what is there stays when clips join the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli.config import merge
from emocli.data.durable import make_folder, write_text
from emocli.data.manifest import Manifest
from emocli.data.store import FeatureStore, Recipe
from emocli.errors import ConfigError, RunError, StoreError
from emocli.evaluation.run_inputs import made_alike
from emocli.extraction.extract import extract, plan
from emocli.plugins import load
from emocli.prediction.recompute import recipe_of
from tests.conftest import Fixture

UPSTREAM = ("mel", "faces")
EMBEDDINGS = ("mel_embedding", "scene_embedding", "face_embedding", "visual_embedding")
NAMES = (*UPSTREAM, *EMBEDDINGS)


def corpus_settings(fixture: Fixture) -> dict[str, dict[str, Any]]:
    encoders = fixture("encoders")
    return {
        "roberta": {"encoder": str(fixture("text_encoder"))},
        "mel_embedding": {"encoder": str(encoders["audio"])},
        "face_embedding": {"encoder": str(encoders["face"])},
        "scene_embedding": {"encoder": str(encoders["scene"])},
    }


@pytest.fixture(scope="module")
def settings(encoders: Mapping[str, Path]) -> dict[str, Any]:
    return {
        "faces": {"rate": 5, "min_share": 0.2},
        "mel_embedding": {"encoder": encoders["audio"]},
        "face_embedding": {"encoder": encoders["face"]},
        "scene_embedding": {"encoder": encoders["scene"], "frames": 3},
    }


@pytest.fixture(scope="module")
def whole(corpus: Manifest) -> Manifest:
    return replace(corpus, clips=corpus.clips[:4])


@pytest.fixture
def begun(whole: Manifest, settings: dict[str, Any], tmp_path: Path) -> Path:
    """A store of some of the clips."""
    few = replace(whole, clips=(whole.clips[0], whole.clips[2], whole.clips[3]))
    extract(few, NAMES, tmp_path / "store", settings=settings)
    return tmp_path / "store"


def test_what_is_there_is_kept_when_clips_join(
    whole: Manifest, settings: dict[str, Any], begun: Path, tmp_path: Path
) -> None:
    result = extract(whole, NAMES, begun, settings=settings)
    assert {each.feature: (each.resumed, each.done) for each in result} == dict.fromkeys(
        NAMES, (3, 1)
    )
    extract(whole, NAMES, tmp_path / "at once", settings=settings)
    for name in NAMES:
        files = (folder / f"{name}.h5" for folder in (begun, tmp_path / "at once"))
        built, expected = (FeatureStore.open(file) for file in files)
        assert built.ids == expected.ids
        for clip in whole.clips:
            np.testing.assert_array_equal(built[clip.id], expected[clip.id])
        assert built.fingerprint == expected.fingerprint


def test_another_encoder_is_another_feature(
    whole: Manifest, settings: dict[str, Any], begun: Path
) -> None:
    other = merge(settings, {"mel_embedding": {"digest": "of another training"}})
    with pytest.raises(StoreError, match=r"mel_embedding\.h5: was made with other settings"):
        plan(whole, NAMES, begun, settings=other)
    nowhere = merge(settings, {"mel_embedding": {"encoder": "nowhere"}})
    with pytest.raises(RunError, match="there is no trained encoder"):
        plan(whole, NAMES, begun, settings=nowhere)


@pytest.mark.parametrize("former", ["", "a1"])
def test_a_digest_of_a_former_version_is_told_as_such(former: str) -> None:
    recipe = Recipe("text_model", "text", "m", {"digest": "a1b2", "encoder": "a/b"})
    was = "of fewer files than now" if former else "not noted yet"
    told = f"other settings (digest was {was}, is 'a1b2')"
    assert recipe.difference("m", {"digest": former, "encoder": "a/b"}) == told
    store, run = {"mel": {}, "text": recipe.settings}, {"mel": {}, "text": {"encoder": "a/b"}}
    assert made_alike(store, merge(run, {"text": {"digest": former}}))
    assert not made_alike(store, merge(run, {"text": {"digest": "a1c3"}}))
    assert not made_alike(store, run)


@pytest.mark.parametrize("name", ["mel_embedding", "roberta"])
def test_other_settings_or_another_tokenizer_are_another_encoder(name: str, tmp_path: Path) -> None:
    """A run from when the digest was that of the parameters alone predicts as before."""
    module, noted = load("features", name), []
    for file in ("model.safetensors", "config.json", "backbone/tokenizer.json"):
        make_folder((tmp_path / file).parent)
        write_text(tmp_path / file, "{}")
        noted.append(module.Config(encoder=str(tmp_path)).digest)
    assert len({*noted}) == len(noted)
    (former,) = {digest[:64] for digest in noted}
    for digest in (former, noted[-1]):
        recipe_of(tmp_path, name, {"encoder": str(tmp_path), "digest": digest})
    with pytest.raises(ConfigError, match="is not the one the run was trained with"):
        recipe_of(tmp_path, name, {"encoder": str(tmp_path), "digest": noted[0]})
