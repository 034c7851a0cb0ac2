"""Predictions clip by clip, as a CSV file."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emocli.data.manifest import Manifest
from emocli.evaluation.evaluate import evaluate
from emocli.plugin.robustness import RepairOptions
from emocli.training.fit_cca import fit_cca
from tests import toy

corpus = toy.fixture()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_file_gives_the_accuracy_of_the_report(corpus: toy.Toy) -> None:
    evaluation = evaluate(corpus.trained("two", seeds=2), corrupt=["visual"], figures=False)
    assert evaluation.clips == evaluation.path.with_suffix(".csv")
    hits = defaultdict(list)
    for row in rows(evaluation.clips):
        chances = {name: float(row[f"p.{name}"]) for name in toy.CLASSES}
        assert row["prediction"] == max(chances, key=chances.__getitem__)
        clip = corpus.manifest.clip(row["id"])
        assert (row["speaker"], row["dialogue"], row["label"]) == (
            clip.speaker,
            clip.dialogue,
            clip.label,
        )
        hits[row["condition"], row["seed"]].append(row["prediction"] == row["label"])
    label = evaluation.report.label
    for condition in evaluation.report.conditions:
        for seed in condition.by_seed:
            assert np.mean(hits[condition.label, str(seed.seed)]) == seed.metrics["accuracy"]
    assert label != "clean"
    assert {name for name, _ in hits} == {"clean", label}


def test_what_was_done_to_a_clip_is_told(corpus: toy.Toy) -> None:
    fit_cca(corpus.manifest, corpus.store)
    run = corpus.trained("checked")
    options = RepairOptions(oracle=True, proxy="paper")
    evaluation = evaluate(run, corrupt=["visual:gaussian@100"], repair=options, figures=False)
    told = [row for row in rows(evaluation.clips) if row["condition"] != "clean"]
    assert {row["corrupted"] for row in told} == {"visual"}
    flags = (evaluation.report.corrupted or evaluation.report.clean).flagged or {}
    for modality, counts in flags.items():
        for column, count in (("distrusted", counts.flagged), ("regenerated", counts.regenerated)):
            assert sum(modality in row[column].split(";") for row in told) == count
    assert flags["visual"].flagged > 0
    clean = [row for row in rows(evaluation.clips) if row["condition"] == "clean"]
    assert not any(row["corrupted"] for row in clean)


@pytest.mark.parametrize(("task", "start"), [("multi", "p."), ("intensity", "predicted.")])
def test_other_tasks_show_every_class(tmp_path: Path, task: str, start: str) -> None:
    small = toy.build(tmp_path, task)  # type: ignore[arg-type]
    evaluation = evaluate(small.trained(), figures=False)
    for row in rows(evaluation.clips):
        clip = small.manifest.clip(row["id"])
        assert {name: float(row[f"label.{name}"]) for name in toy.CLASSES} == clip.labels
        assert all(np.isfinite(float(row[start + name])) for name in toy.CLASSES)


def test_names_that_a_spreadsheet_would_compute_are_quoted(tmp_path: Path) -> None:
    small = toy.build(tmp_path)
    run = small.trained()
    clips = tuple(
        replace(c, speaker=f"={c.speaker}", groups={"gender": "@f"}) for c in small.manifest.clips
    )
    replace(small.manifest, clips=clips).write(tmp_path / "toy.csv")
    evaluation = evaluate(run, figures=False)
    assert all(row["speaker"].startswith("'=") for row in rows(evaluation.clips))
    assert {row["group.gender"] for row in rows(evaluation.clips)} == {"'@f"}


def test_another_corpus_or_split_has_files_of_its_own(corpus: toy.Toy, tmp_path: Path) -> None:
    run = corpus.trained("own")
    other = toy.build(tmp_path, sizes={**toy.SIZES, "test": 18}, seed=7)
    result = [
        evaluate(run, figures=False),
        evaluate(run, split="valid", figures=False),
        evaluate(run, manifest=tmp_path / "toy.csv", store=other.store, figures=False),
    ]
    names = [each.clips.name for each in result]
    assert len(set(names)) == len(names)
    assert names[:2] == ["test.csv", "valid.csv"]
    assert names[2].startswith("test+toy-")
    assert all(each.clips.exists() for each in result)


def test_groups_survive_the_manifest(tmp_path: Path) -> None:
    small = toy.build(tmp_path)
    clips = tuple(
        replace(c, groups={"gender": "f", "age": "old"} if k % 2 else {})
        for k, c in enumerate(small.manifest.clips)
    )
    manifest = replace(small.manifest, clips=clips)
    manifest.write(tmp_path / "toy.csv")
    again = Manifest.read(tmp_path / "toy.csv")
    assert again == manifest
    assert again.fingerprint == small.manifest.fingerprint
