"""A run that is packed, moved elsewhere, and of which nothing else is left."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import emocli
from emocli.data.manifest import Manifest
from emocli.prediction.packing.folder import PACK


def copied(trained: Path, corpus: Manifest, folder: Path) -> Path:
    """Copy a run with its store and its manifest, and let it know of the copies alone."""
    shutil.copytree(trained.parent, folder / "trained")
    shutil.copytree(corpus.root, folder / "corpus")
    places = {"manifest": folder / "corpus" / "manifest.csv", "store": folder / "trained" / "store"}
    for path in (folder / "trained" / trained.name).rglob("config.json"):
        tree = json.loads(path.read_text("utf-8"))
        for name, place in places.items():
            tree[name] |= {"path": "nowhere", "absolute": str(place)}
        path.write_text(json.dumps(tree), "utf-8")
    return folder / "trained" / trained.name


@pytest.fixture(scope="session")
def moved(trained: Path, corpus: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A packed run of two seeds, with check and proxies."""
    folder = tmp_path_factory.mktemp("packed")
    run = copied(trained, corpus, folder / "before")
    emocli.pack(str(run), str(folder / "there"))
    (folder / "there").rename(folder / "here")
    shutil.rmtree(folder / "before")
    return folder / "here"


@pytest.fixture(scope="session")
def texts(corpus: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of the test clips' texts alone, which take no time."""
    clips = tuple(replace(clip, media={}) for clip in corpus.split("test"))
    path = tmp_path_factory.mktemp("texts") / "texts.csv"
    replace(corpus, clips=clips, path=None, root=path.parent).write(path)
    return path


def changed(folder: Path, change: Callable[[dict[str, object]], None]) -> None:
    """Change the list of files as somebody would who means ill."""
    tree = json.loads((folder / PACK).read_text())
    change(tree)
    (folder / PACK).write_text(json.dumps(tree))
