"""The public API takes paths as texts, and a manifest where the path of one is meant."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import emocli
from emocli.data.clip import Clip
from emocli.errors import ConfigError
from tests import toy


@pytest.fixture(autouse=True)
def here(heard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder that holds a store, and a run of it that may be written to."""
    shutil.copytree(heard.parent, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


def trained(corpus: str) -> Path:
    options = {"features": ["mel"], "settings": toy.QUICK, "baselines": False}
    return emocli.train(corpus, "store", fusion="unimodal", run="new", **options).run


def imported(corpus: str) -> object:
    arrays = {first(corpus).id: np.ones(2)}
    return emocli.store_arrays(corpus, "mine", "gaze", "visual", arrays).ids


def evaluated(corpus: str) -> int:
    return emocli.evaluate("run", manifest=corpus, store="store", figures=False).report.n


def predicted(corpus: str) -> object:
    return emocli.predict("run", [str(first(corpus).media["audio"])], "out").segments


def first(corpus: str) -> Clip:
    return emocli.Manifest.read(corpus).clips[0]


CALLS: dict[str, Callable[[str], object]] = {
    "extract": lambda corpus: emocli.extract(corpus, ["mel"], "store")[0].resumed,
    "FeatureStore": lambda corpus: emocli.FeatureStore("store/mel.h5").ids,
    "store_arrays": imported,
    "train": trained,
    "evaluate": evaluated,
    "load_run": lambda corpus: emocli.load_run("run").predict(corpus, "store").ids,
    "predict": predicted,
}


@pytest.mark.parametrize("name", CALLS)
def test_texts_are_paths(corpus: emocli.Manifest, name: str) -> None:
    assert CALLS[name](str(corpus.path))


def test_a_manifest_is_predicted_as_its_file(corpus: emocli.Manifest) -> None:
    run = emocli.load_run("run")
    values = run.predict(corpus, Path("store")).values
    assert_array_equal(values, run.predict(str(corpus.path), "store").values)


def test_a_manifest_is_evaluated_as_it_is_and_not_as_its_file(corpus: emocli.Manifest) -> None:
    own = emocli.evaluate(Path("run"), manifest=corpus, store="store", figures=False)
    assert own.path.name == "test.json"
    other = tuple(replace(clip, label=corpus.classes[0]) for clip in corpus.clips)
    relabelled = replace(corpus, clips=other)
    tested = emocli.evaluate("run", manifest=relabelled, store="store", figures=False)
    assert tested.path.name.startswith(f"test+{corpus.dataset}-")


def test_recordings_have_no_store() -> None:
    with pytest.raises(ConfigError, match=r"not in a store; predict\(MANIFEST, store\)"):
        emocli.load_run("run").predict(["talk.wav"], "store")  # type: ignore[call-overload]
