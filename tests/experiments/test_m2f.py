"""The tables of M2FNet: complete, as printed, and what is special about each when it is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli import plugins
from emocli.config import build, merge
from emocli.errors import StoreError
from emocli.experiments.runner import Reproduction, reproduce
from emocli.fusion import m2fnet
from emocli.plugin.experiment import Table
from tests import toy

pytestmark = pytest.mark.usefixtures("undrawn")

NAMES = ("m2f_t2", "m2f_t3", "m2f_t4", "m2f_t5", "m2f_fig5")

QUICK = {
    "network": {"width": 8, "hidden": 8, "heads": 2},
    "train": {"epochs": 3, "patience": 3, "batch_size": 4, "accelerator": "cpu", "threads": 1},
}


def table(name: str, **settings: Any) -> Table:
    module = plugins.load("experiments", name)
    result: Table = module.table(build(module.Config, settings, "experiment"))
    return result


def run(corpus: toy.Toy, out: Path, name: str, features: tuple[str, ...] = ()) -> Reproduction:
    settings = {"reproduce": {"seeds": 1, "features": features}}
    return reproduce(name, corpus.manifest, corpus.store, out, settings=merge(QUICK, settings))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> toy.Toy:
    """Also with three features that are seen; the emotion shows in one of them."""
    result = toy.build(tmp_path_factory.mktemp("toy"))
    rng = np.random.default_rng(1)
    for name in ("scene_embedding", "face_embedding", "visual_embedding"):
        arrays = {
            clip.id: 5.0 * np.eye(3)[[toy.CLASSES.index(clip.label or "")]]
            if name == "face_embedding"
            else rng.normal(size=(1, 3))
            for clip in result.manifest.clips
        }
        toy.write_feature(result.store, name, "visual", result.manifest, arrays)
    return result


@pytest.mark.parametrize("corpus_name", ["meld", "iemocap"])
@pytest.mark.parametrize("name", NAMES)
def test_a_table_names_its_rows_and_has_values_of_the_paper(name: str, corpus_name: str) -> None:
    experiment = table(name, corpus=corpus_name)
    rows = {row.name: row for row in experiment.rows}
    assert len(rows) == len(experiment.rows)
    assert {name for pair in experiment.comparisons for name in pair} <= set(rows)
    assert set(experiment.alternatives) <= set(rows)
    networks = [row for row in experiment.rows if row.fusion]
    for row in networks:
        build(m2fnet.Config, row.settings.get("network", {}), "network")
        printed = row.printed["clean"]
        assert set(printed) == {"accuracy", "weighted_f1"}
        assert all(0.13 <= value < 0.7 for value in printed.values())
    whole = {"meld": (0.6785, 0.6671), "iemocap": (0.6969, 0.6986)}[corpus_name]
    result = [(r.printed["clean"]["accuracy"], r.printed["clean"]["weighted_f1"]) for r in networks]
    assert any(pair == pytest.approx(whole) for pair in result)


def test_the_ablation_gives_each_row_its_modalities() -> None:
    result = {row.name: row for row in table("m2f_t2", text="words", corpus="meld").rows}
    assert result["T"].modalities == ("words",)
    assert result["V + A, concat"].modalities == ("visual", "audio")
    own = {"query": "words"}
    assert result["T + V + A, concat"].settings == {"network": own | {"fusion": "concat"}}
    assert result["T + V + A, fusion"].settings == {"network": own | {"fusion": "attention"}}
    assert result["T"].printed["clean"]["weighted_f1"] == pytest.approx(0.6623)
    assert result["logistic regression, T + V + A"].modalities == ("words", "audio", "visual")


def test_depths_are_those_of_the_encoders_and_of_the_fusion() -> None:
    for name, setting in (("m2f_t4", "layers"), ("m2f_t5", "fusion_layers")):
        rows = table(name).rows
        own = {"query": "text"}
        assert [row.settings for row in rows] == [
            {"network": own | {setting: n}} for n in range(1, 7)
        ]
        assert table(name).alternatives == tuple(row.name for row in rows)


def test_rows_may_see_different_features_of_one_modality(corpus: toy.Toy, tmp_path: Path) -> None:
    result = run(corpus, tmp_path, "m2f-t3", ("glove", "mel", "visual_embedding"))
    rows = {row["row"]: row for row in result.data["rows"]}
    assert rows["scene"]["features"] == ["glove", "mel", "scene_embedding"]
    assert rows["weighted faces"]["features"] == ["glove", "mel", "face_embedding"]
    config = json.loads((tmp_path / "runs" / "weighted-faces" / "config.json").read_text())
    assert config["features"]["visual"]["feature"] == "face_embedding"
    assert set(result.data["inputs"]["features"]) >= {"scene_embedding", "face_embedding"}


def test_a_feature_that_is_not_there_leaves_out_its_row(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path / "toy")
    arrays = {clip.id: np.ones((1, 3)) for clip in corpus.manifest.clips}
    toy.write_feature(corpus.store, "scene_embedding", "visual", corpus.manifest, arrays)
    result = run(corpus, tmp_path / "out", "m2f-t3", ("glove", "mel", "scene_embedding"))
    lacking = {row["row"]: row["lacking"] for row in result.data["rows"]}
    assert lacking == {
        "scene": "",
        "weighted faces": "the store has no feature 'face_embedding'",
        "scene and weighted faces": "the store has no feature 'visual_embedding'",
    }


def test_a_feature_of_another_modality_is_refused(corpus: toy.Toy, tmp_path: Path) -> None:
    arrays = {clip.id: np.ones((1, 3)) for clip in corpus.manifest.clips}
    toy.write_feature(corpus.store, "smell", "olfactory", corpus.manifest, arrays)
    settings = merge(QUICK, {"experiment": {"scene": "smell"}})
    features = {"reproduce": {"features": ("glove", "mel", "visual_embedding"), "seeds": 1}}
    with pytest.raises(StoreError, match="'smell' is olfactory, row 'scene' is about visual"):
        reproduce(
            "m2f-t3",
            corpus.manifest,
            corpus.store,
            tmp_path,
            settings=merge(settings, features),
        )
    assert not list(tmp_path.iterdir())


def test_depth_is_chosen_on_the_validation_clips(corpus: toy.Toy, tmp_path: Path) -> None:
    result = run(corpus, tmp_path, "m2f-t5", ("glove", "mel", "face_hog"))
    valid = {row["row"]: row["valid"]["weighted_f1"] for row in result.data["rows"]}
    assert result.data["chosen"]["valid"] == valid
    best = result.data["chosen"]["row"]
    assert valid[best] == max(valid.values())
    assert f"On the validation clips **{best}** is best" in result.table.read_text("utf-8")
    assert len({row["parameters"] for row in result.data["rows"]}) == 6


def test_figure_5_shows_every_class(corpus: toy.Toy, tmp_path: Path) -> None:
    result = run(corpus, tmp_path, "m2f-fig5", ("glove", "mel", "face_hog"))
    text = result.table.read_text("utf-8")
    assert "## f1 of each class, clean" in text
    assert "| system | anger | joy | sadness |" in text
    network = result.data["rows"][0]["conditions"][0]["per_class"]
    shown = " | ".join(f"{network[name]['f1']:.3f}" for name in toy.CLASSES)
    assert f"| M2FNet | {shown} |" in text
    assert {path.name for path in result.figures} == {
        "figure.png",
        "figure.svg",
        "figure-classes.png",
        "figure-classes.svg",
        "figure-m2fnet-predictions.png",
        "figure-m2fnet-predictions.svg",
    }
