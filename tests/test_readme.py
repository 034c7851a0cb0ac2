"""The README: short, its links lead somewhere, its Python runs on a small corpus."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import emocli
from emocli import plugins
from emocli.data.manifest import Manifest
from emocli.extraction.extract import plan
from emocli.plugin.writer import SegmentPrediction
from emocli.prediction.loaded_run import LoadedRun
from tests import toy
from tests.extraction import toy_features

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "data_manifests/README.md",
]


def test_it_is_a_front_page() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


@pytest.mark.parametrize("kind", ["datasets", "features", "fusion"])
def test_its_tables_name_every(
    kind: plugins.PluginKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(toy_features.install(tmp_path))  # whatever else is installed
    rows = [row for row in (ROOT / "README.md").read_text("utf-8").splitlines() if row[:1] == "|"]
    own = plugins.files(plugins.KINDS[kind])
    assert set(own) <= set(re.findall(r"`(\w+)`", "\n".join(rows)))


def test_the_page_about_tasks_names_the_features_of_which_a_clip_depends_on_others() -> None:
    text = (ROOT / "docs/tasks.md").read_text("utf-8")
    told = re.search(r"all features but (.*?), of which", text, re.DOTALL)
    assert told
    others = [each for each in plugins.load_own("features") if not each.PER_CLIP]
    names = {each.__name__.rpartition(".")[2] for each in others}
    assert set(re.findall(r"`(\w+)`", told[1])) == names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def blocks(page: str) -> list[str]:
    """Return the Python of a page."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)


def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = toy.build(tmp_path)
    corpus.manifest.write(tmp_path / "ravdess.csv")
    corpus.manifest.write(tmp_path / "new.csv")
    (tmp_path / "new_store").symlink_to(corpus.store)
    takes, planned = inspect.signature(emocli.extract), []

    def extract(*values: object, **options: object) -> None:
        """Plan what is asked for, in an empty store: the film is not there."""
        asked = takes.bind(*values, **options).arguments
        manifest, film = Manifest.of(asked["manifest"]), {"video": tmp_path / "film.mp4"}
        filmed = replace(manifest, clips=tuple(replace(c, media=film) for c in manifest.clips))
        planned.extend(plan(filmed, asked["features"], tmp_path / "empty", settings={}))

    monkeypatch.setattr(emocli, "extract", extract)
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("README.md")
    names: dict[str, Any] = {}
    exec(code, names)
    assert len(names["predicted"].ids) == len(corpus.manifest.clips)
    assert {each.clips for each in planned} == {len(corpus.manifest.clips)}


def test_the_python_of_the_page_about_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = toy.build(tmp_path)
    corpus.manifest.write(tmp_path / "mine.csv")
    clips = corpus.manifest.clips
    for clip in clips:
        np.save(tmp_path / f"{clip.id}.npy", np.ones((4, 2)))
    monkeypatch.chdir(tmp_path)
    schema, arrays = blocks("docs/python.md")
    exec(schema, {})
    assert "properties" in json.loads(capsys.readouterr().out)
    exec(arrays, {})
    assert emocli.FeatureStore(Path("store/gaze.h5"))[clips[0].id].shape == (4, 2)


def test_the_python_about_recordings_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = toy.build(tmp_path)
    corpus.trained("runs/rrnn", "unimodal", features=["mel"])
    asked = []

    def predict(*values: object, **options: object) -> SimpleNamespace:
        """Check what is asked for: there is no film."""
        asked.append(takes.bind(*values, **options).arguments)
        return SimpleNamespace(segments=())

    takes = inspect.signature(LoadedRun.predict)
    monkeypatch.setattr(LoadedRun, "predict", predict)
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("docs/predict.md")
    names: dict[str, Any] = {"sound": np.ones((7, 5), np.float32)}
    exec(code, names)
    assert len(asked) == 1
    assert {"start", "label", "confidence"} <= {each.name for each in fields(SegmentPrediction)}


def test_the_pages_about_plug_ins_name_every_kind() -> None:
    developing = (ROOT / "docs/developing.md").read_text("utf-8")
    rows = re.findall(r"^\| ([a-z ,]+) \| `emocli/.* \| (`emocli\..*) \|$", developing, re.M)
    groups = {group for _, cell in rows for group in re.findall(r"`emocli\.(\w+)`", cell)}
    assert groups == set(plugins.KINDS)
    concepts = (ROOT / "docs/concepts.md").read_text("utf-8").partition("## Plug-ins")[2]
    for what in (each for row, _ in rows for each in row.split(", ")):
        assert what in " ".join(concepts.split())


def test_the_page_about_python_names_all_that_is_public() -> None:
    table = re.findall(r"^\| `(.*?)` \|", (ROOT / "docs/python.md").read_text("utf-8"), re.M)
    assert set(emocli.__all__) - {"__version__"} == {re.split(r"\W", row)[0] for row in table}
