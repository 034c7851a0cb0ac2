"""What every dataset promises, on a small tree in its documented layout."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from emocli import config, plugins
from emocli.data.manifest import Manifest
from emocli.errors import ManifestError

NAMES = plugins.names("datasets")
GENERATED = {"demo"}
"""Those that make their folder."""


SETTINGS = {
    "demo": {
        "dialogues": {"train": 1, "valid": 1, "test": 1},
        "speakers": {"train": 1, "valid": 1, "test": 1},
        "turns": 2,
        "seconds": [1.2, 1.3],
        "size": 96,
    }
}


def tree(name: str, root: Path) -> Path:
    """Write what the dataset's own test calls its corpus, ``written``."""
    if name in GENERATED:
        return root
    written: Path = import_module(f"tests.datasets.test_{name}").written(root)
    return written


def build(name: str, root: Path) -> Manifest:
    module = plugins.load("datasets", name)
    settings = config.build(module.Config, SETTINGS.get(name, {}), name)
    manifest: Manifest = module.build(root, settings)
    return manifest


@pytest.fixture(scope="module", params=NAMES)
def corpus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Every dataset's manifest of its tree."""
    return build(request.param, tree(request.param, tmp_path_factory.mktemp(request.param)))


@pytest.mark.parametrize("name", NAMES)
def test_it_says_where_it_comes_from(name: str) -> None:
    described = plugins.describe("datasets", name)
    assert described.summary
    assert described.source
    assert issubclass(plugins.load("datasets", name).Config, config.Settings)


def test_its_manifest_passes_the_checks_of_files(corpus: Manifest, tmp_path: Path) -> None:
    corpus.write(tmp_path / "manifest.csv")
    read = Manifest.read(tmp_path / "manifest.csv")
    assert read.clips == corpus.clips
    assert (read.classes, read.task) == (corpus.classes, corpus.task)
    assert any(corpus.is_labelled(clip) for clip in corpus.clips)


def test_no_dialogue_crosses_its_splits_nor_any_speaker_unless_it_says_so(
    corpus: Manifest,
) -> None:
    groups = {clip.dialogue: set() for clip in corpus.clips if clip.dialogue}
    groups |= {clip.speaker: set() for clip in corpus.clips if clip.speaker and not corpus.overlap}
    for clip in corpus.clips:
        for group in {clip.dialogue, clip.speaker} & set(groups):
            groups[group].add(clip.split)
    assert all(len(splits) == 1 for splits in groups.values())


def test_its_recordings_are_below_the_folder(corpus: Manifest) -> None:
    paths = [path for clip in corpus.clips for path in clip.media.values()]
    assert all(path.is_relative_to(corpus.root) for path in paths)


@pytest.mark.parametrize("name", sorted({*NAMES} - GENERATED))
def test_the_same_folder_gives_the_same_manifest_wherever_it_is(name: str, tmp_path: Path) -> None:
    roots = tmp_path / "here", tmp_path / "elsewhere"
    for root in roots:
        root.mkdir()
        tree(name, root)
    first, again, other = (build(name, root) for root in (roots[0], *roots))
    assert first.clips == again.clips
    assert first.notes == again.notes
    ids = [[(clip.id, clip.split, clip.label) for clip in m.clips] for m in (first, other)]
    assert ids[0] == ids[1]


@pytest.mark.parametrize("name", sorted({*NAMES} - GENERATED))
def test_a_folder_that_is_absent_or_empty_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    for root in (tmp_path / "none", tmp_path):
        with pytest.raises(ManifestError) as told:
            build(name, root)
        assert str(root) in str(told.value)
        assert "\n" not in str(told.value)
