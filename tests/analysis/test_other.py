"""Reports on another corpus than the run's own say so, and leave those of the run's own alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emocli.config import merge
from emocli.evaluation.evaluate import evaluate
from emocli.training.fit_cca import fit_cca
from tests import toy

attention = toy.analysis("attention")
check = toy.analysis("check")
confusion = toy.analysis("confusion")
examples = toy.analysis("examples")
gates = toy.analysis("gates")
proxies = toy.analysis("proxies")
weights = toy.analysis("weights")

QUICK = merge(toy.QUICK, {"train": {"epochs": 1}})
CLIP = "test00"

MADE: dict[str, Callable[..., Any]] = {
    "evaluate": evaluate,
    "attention": lambda run, **other: attention(run, clip=CLIP, **other),
    "gates": gates,
    "confusion": confusion,
    "examples": examples,
    "weights": weights,
    "check": lambda run, **other: check(run, levels="0dB", **other),
    "proxies": lambda run, **other: proxies(run, kind=("mean",), **other),
}
FUSIONS = {"weights": "late"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> toy.Toy:
    result = toy.build(tmp_path_factory.mktemp("toy"))
    fit_cca(result.manifest, result.store)
    for fusion in ("rrnn", "late"):
        result.trained(fusion, fusion, settings=QUICK)
    return result


def run_of(corpus: toy.Toy, name: str) -> Path:
    return corpus.folder / FUSIONS.get(name, "rrnn")


@pytest.mark.parametrize("name", MADE)
def test_another_corpus_has_files_of_its_own(corpus: toy.Toy, tmp_path: Path, name: str) -> None:
    run, make = run_of(corpus, name), MADE[name]
    own = make(run, figures=False)
    before = own.path.read_bytes()
    test = [clip.id for clip in corpus.manifest.split("test")]
    clips = [replace(c, split="valid") if c.id in test[6:] else c for c in corpus.manifest.clips]
    manifest = replace(corpus.manifest, clips=tuple(clips), dataset="sealed", overlap=True)
    manifest.write(corpus.folder / f"{name}.csv")
    other = make(run, manifest=corpus.folder / f"{name}.csv", store=corpus.store, figures=False)
    assert other.path != own.path
    assert "sealed-" in other.path.name
    assert own.path.read_bytes() == before
    assert other.data["dataset"] == "sealed"
    if name not in ("check", "proxies"):
        assert other.data["trained_on"] == "toy"
    renamed = replace(manifest, dataset="toy")
    renamed.write(corpus.folder / f"{name}-renamed.csv")
    third = make(run, manifest=corpus.folder / f"{name}-renamed.csv", figures=False)
    assert len({own.path, other.path, third.path}) == 3  # of one name, but not one content


@pytest.mark.parametrize("name", ["evaluate", "confusion"])
def test_other_labels_are_another_corpus_and_a_copy_is_the_same(corpus: toy.Toy, name: str) -> None:
    run, make = run_of(corpus, name), MADE[name]
    own = make(run, figures=False)
    shutil.copy(corpus.folder / "toy.csv", corpus.folder / "copy.csv")
    shutil.copy(corpus.folder / "toy.toml", corpus.folder / "copy.toml")
    assert make(run, manifest=corpus.folder / "copy.csv", figures=False).path == own.path
    assert make(run, manifest=corpus.folder / "toy.csv", figures=False).path == own.path
    clips = [replace(c, label="joy") if c.id == CLIP else c for c in corpus.manifest.clips]
    relabelled = replace(corpus.manifest, clips=tuple(clips))
    relabelled.write(corpus.folder / "relabelled.csv")
    other = make(run, manifest=corpus.folder / "relabelled.csv", figures=False)
    assert other.path != own.path


def test_titles_name_the_corpus_that_was_looked_at(corpus: toy.Toy) -> None:
    manifest = replace(corpus.manifest, dataset="sealed")
    manifest.write(corpus.folder / "titles.csv")
    other = {"manifest": corpus.folder / "titles.csv", "figures": False}
    run = corpus.folder / "rrnn"
    assert "sealed" in gates(run, **other).report.title
    for table in examples(run, **other).tables:
        assert "sealed, test" in table.title
        assert "toy" not in table.title
