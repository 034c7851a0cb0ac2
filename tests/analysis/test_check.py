from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from emocli.analysis import Analysis
from emocli.data.store import open_feature
from emocli.errors import ConfigError, StoreError
from emocli.training.fit_cca import fit_cca
from tests import toy

check = toy.analysis("check")

COMMAND = "analyze check store --manifest toy.csv --levels 0dB"
"""For the contract of reports."""

SIZES = {"train": 60, "valid": 30, "test": 30}
LEVELS = ("20dB", "-20dB")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> toy.Toy:
    corpus = toy.build(tmp_path_factory.mktemp("toy"), sizes=SIZES)
    fit_cca(corpus.manifest, corpus.store)
    return corpus


@pytest.fixture(scope="module")
def found(corpus: toy.Toy) -> Analysis:
    return check(corpus.store, manifest=corpus.folder / "toy.csv", levels=",".join(LEVELS))


def test_strong_noise_is_found_and_weak_noise_is_not(found: Analysis) -> None:
    points = {(p["modality"], p["level"]): p for p in found.data["points"]}
    assert len(points) == 3 * (len(LEVELS) + 1)
    for modality in ("audio", "text", "visual"):
        strong, weak = (points[modality, level] for level in ("-20dB", "20dB"))
        assert strong["rates"]["fitted"]["detected"] >= 0.9
        assert strong["rates"]["fitted"]["blamed"] <= 0.1
        assert weak["rates"]["fitted"]["detected"] <= 0.2
        assert strong["roc"]["area"] > 0.95
        assert strong["roc"]["area"] > weak["roc"]["area"]
        assert (strong["snr_db"], points[modality, "shuffle"]["snr_db"]) == (-20, None)


def test_a_roc_rises_from_corner_to_corner(found: Analysis) -> None:
    for point in found.data["points"]:
        false, caught = point["roc"]["blamed"], point["roc"]["detected"]
        assert (false[0], caught[0], false[-1], caught[-1]) == (0, 0, 1, 1)
        assert false == sorted(false)
        assert caught == sorted(caught)


def test_the_paper_s_settings_stand_beside(found: Analysis) -> None:
    settings = found.data["settings"]
    assert list(settings) == ["fitted", "literal", "paper"]
    assert [s["score"] for s in settings.values()] == ["llr", "pearson", "pearson"]
    strong = [p["rates"] for p in found.data["points"] if p["level"] == "-20dB"]
    gains = [rates["fitted"]["detected"] - rates["paper"]["detected"] for rates in strong]
    assert np.mean(gains) > 0.3


def test_the_confusion_matrix_counts_every_clip(found: Analysis) -> None:
    for table in found.data["confusion"].values():
        assert list(table) == ["none", "audio", "text", "visual"]
        assert sum(sum(row.values()) for row in table.values()) == 30
    fitted = found.data["confusion"]["fitted"]
    right = sum(fitted[m][m] for m in ("audio", "text", "visual"))
    assert right >= 0.8 * sum(sum(fitted[m].values()) for m in ("audio", "text", "visual"))


def test_it_is_written_and_drawn(corpus: toy.Toy, found: Analysis) -> None:
    assert found.path == corpus.store / "reports" / "check+test+20dB+-20dB.json"
    assert json.loads(found.path.read_text()) == found.data
    rows = list(csv.DictReader(found.path.with_suffix(".csv").open()))
    assert len(rows) == 3 * len(found.data["points"])
    assert len(found.figures) == 6
    assert all(path.read_bytes()[:5] in (b"\x89PNG\r", b"<?xml") for path in found.figures)
    for table in found.tables:
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_a_run_is_analysed_with_its_own_clips(corpus: toy.Toy, tmp_path: Path) -> None:
    run = corpus.trained(tmp_path / "run")
    analysis = check(run, split="valid", levels="-20dB", seed=3, figures=False)
    assert analysis.path == run / "reports" / "check+valid+-20dB+seed-3.json"
    assert analysis.figures == ()
    assert analysis.data["n"] == 30


@pytest.mark.parametrize("kept", [2, 0])
@pytest.mark.filterwarnings("error")
def test_clips_that_lack_a_modality_do_not_count(kept: int, tmp_path: Path) -> None:
    corpus = toy.build(tmp_path, sizes=SIZES)
    with open_feature(corpus.store, "face_hog", corpus.manifest) as store:
        faces = {clip.id: store[clip.id] for clip in corpus.manifest.clips}
    for index, clip in enumerate(corpus.manifest.split("test")):
        if not kept or index % kept:
            del faces[clip.id]
    toy.write_feature(corpus.store, "face_hog", "visual", corpus.manifest, faces)
    fit_cca(corpus.manifest, corpus.store)
    analysis = check(
        corpus.store, manifest=corpus.folder / "toy.csv", levels="-30dB", figures=False
    )
    there = ["audio", "text", "visual"] if kept else ["audio", "text"]
    assert analysis.data["modalities"] == there
    for point in analysis.data["points"][: len(there)]:
        assert point["rates"]["fitted"]["detected"] > 0.9


def test_what_cannot_be_looked_at_is_refused(corpus: toy.Toy, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name it with --manifest"):
        check(corpus.store)
    other = toy.build(tmp_path, sizes=SIZES)
    learnt = [clip.id for clip in other.manifest.clips if clip.split != "test"]
    for name, modality in (("glove", "text"), ("mel", "audio")):
        with open_feature(other.store, name, other.manifest) as store:
            arrays = {clip_id: store[clip_id] for clip_id in learnt}
        toy.write_feature(other.store, name, modality, other.manifest, arrays)
    fit_cca(other.manifest, other.store)
    with pytest.raises(StoreError, match="clips of split 'test' have visual alone"):
        check(other.store, manifest=other.folder / "toy.csv")
    (other.store / "check.h5").unlink()
    with pytest.raises(StoreError, match="fit-cca"):
        check(other.store, manifest=other.folder / "toy.csv")
