"""What a report says of the clips and the check: that they are not what they should be."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.samples import Samples
from emocli.evaluation.run_inputs import learnt_remarks
from emocli.models.rundir import read_config
from emocli.plugin.robustness import RepairOptions
from emocli.training.fit_cca import fit_cca
from tests import toy
from tests.evaluation import evaluated
from tests.evaluation.evaluated import SETTINGS, report

corpus = evaluated.corpus()
single = evaluated.single()


@pytest.fixture
def copied(corpus: toy.Toy, single: Path, tmp_path: Path) -> Path:
    """A copy of the corpus and of the run."""
    return Path(shutil.copytree(corpus.folder, tmp_path / "copy"))


def changed(folder: Path, change: Callable[[Clip], Clip], name: str) -> Path:
    """Write the manifest with other clips."""
    manifest = Manifest.read(folder / "toy.csv")
    other = replace(manifest, clips=tuple(map(change, manifest.clips)))
    other.write(folder / name)
    return folder / name


def remarks(run: Path, manifest: Path | None = None, **options: object) -> list[str]:
    said = report(run, manifest=manifest, **options).data["remarks"]
    return [line for line in said if line.startswith("one: ")]


def moved(clip: Clip) -> Clip:
    """Have clips that were learnt from as tested ones."""
    return replace(clip, split={"train": "test", "test": "train"}.get(clip.split, clip.split))


def test_clips_that_were_learnt_from_are_told_of(copied: Path) -> None:
    assert remarks(copied / "one") == []
    assert remarks(copied / "one", copied / "toy.csv", split="train") == []
    other = changed(copied, moved, "other.csv")
    learnt = "of 60 tested clips are among those it was trained or validated on"
    assert remarks(copied / "one", other) == [f"one: 60 {learnt}"]


@pytest.mark.parametrize(("dataset", "text"), [("toy", "other words"), ("another", None)])
def test_they_are_known_by_name_or_by_what_they_hold(
    copied: Path, dataset: str, text: str | None
) -> None:
    """By name in a corpus of the same name alone; a file of another may be called alike."""
    run, manifest = copied / "one", Manifest.read(copied / "toy.csv")
    tested = [clip for clip in manifest.clips if clip.split == "test"]
    learnt = next(clip for clip in manifest.clips if clip.split == "train")
    learnt = replace(learnt, split="test", text=text or learnt.text)
    other = replace(manifest, clips=(*tested, learnt), dataset=dataset)
    said = "one: 1 of 46 tested clips is among those it was trained or validated on"
    samples = Samples(other, other.clips, {})
    assert list(learnt_remarks(run, read_config(run), samples, own=False)) == [said]
    renamed = replace(other, clips=(*tested, replace(learnt, text="more words")), dataset="another")
    samples = Samples(renamed, renamed.clips, {})
    assert list(learnt_remarks(run, read_config(run), samples, own=False)) == []


def test_splits_that_were_changed_in_its_own_manifest_are_told_of(copied: Path) -> None:
    changed(copied, moved, "toy.csv")
    (said,) = remarks(copied / "one")
    assert said.startswith("one: labels or splits of the train and valid split are no longer those")


def test_a_check_that_was_fitted_anew_is_told_of(corpus: toy.Toy, copied: Path) -> None:
    manifest, store = Manifest.read(copied / "toy.csv"), copied / "store"
    fit_cca(manifest, store)
    own = replace(corpus, folder=copied, manifest=manifest)
    shutil.rmtree(copied / "one")
    run = own.trained("one", settings=SETTINGS, robust={"check": True})
    assert remarks(run) == []
    fit_cca(manifest, store, settings={"check": {"tau": "fixed", "threshold": 0.3}})
    assert remarks(run) == ["one: the modality check, check.h5, was fitted anew since its training"]
    assert remarks(run, repair=RepairOptions(oracle=True)) == []
