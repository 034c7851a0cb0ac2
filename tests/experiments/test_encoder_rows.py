"""A table of encoders: trained as `emocli fit-encoder` does, measured on clips they never saw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli.cli.sections import settings
from emocli.config import merge
from emocli.errors import ConfigError, RunError
from emocli.experiments.papers.m2f_extractor import Config, table
from emocli.experiments.runner import Reproduction, plan, reproduce, sections
from emocli.models.encoder import load
from emocli.training.encoders.triplet import PRESETS
from tests import toy

TINY = {
    "encoder": {"depths": [1], "hidden_sizes": [8], "embedding_size": 8, "dim": 8, "side": 32},
    "train": {"epochs": 1, "per_class": 2, "accelerator": "cpu", "threads": 1},
    "augment": {"noise_in": "spectrogram"},  # there are no recordings
    "reproduce": {"seeds": 2, "only": ["cross-entropy", "fixed-margin", "all-as-printed"]},
}


def run(corpus: toy.Toy, out: Path, overwrite: bool = False, **changes: Any) -> Reproduction:
    settings = merge(TINY, changes)
    return reproduce(
        "m2f-extractor", corpus.manifest, corpus.store, out, settings=settings, overwrite=overwrite
    )


corpus = toy.fixture()


@pytest.fixture(scope="module")
def done(corpus: toy.Toy, tmp_path_factory: pytest.TempPathFactory) -> Reproduction:
    """The table, which nobody writes to."""
    return run(corpus, tmp_path_factory.mktemp("out"))


def by_hand(corpus: toy.Toy, encoder: Path) -> float:
    """Share of test clips whose nearest training clip has their label."""
    network, screen = load(encoder, "audio")
    from emocli.data.store import open_feature
    from emocli.models.encoder import embed

    mel = open_feature(corpus.store, "mel", corpus.manifest)
    clips = [corpus.manifest.split(split) for split in ("train", "test")]
    known, asked = (embed(network, screen, [mel[clip.id] for clip in part]) for part in clips)
    hits = 0
    for vector, clip in zip(asked, clips[1], strict=True):
        likeness = [float(vector @ k / np.linalg.norm(k)) for k in known]
        hits += clips[0][int(np.argmax(likeness))].label == clip.label
    return hits / len(clips[1])


def test_accuracies_are_those_of_the_test_clips(corpus: toy.Toy, done: Reproduction) -> None:
    rows = {row["row"]: row for row in done.data["rows"]}
    for name in ("cross-entropy", "fixed margin", "all as printed"):
        runs = [done.path.parent / "runs" / rows[name]["slug"] / f"seed-{s}" for s in (0, 1)]
        result = [by_hand(corpus, encoder) for encoder in runs]
        validation, test = rows[name]["conditions"]
        assert test["nearest"] == pytest.approx(np.mean(result))
        assert test["nearest_std"] == pytest.approx(np.std(result, ddof=1))
        assert 0 <= validation["nearest"] <= 1
        assert len(rows[name]["best_epochs"]) == 2
    assert done.data["n"] == 15
    assert rows["detached, alone"]["state"] == "not yet run"


def test_rows_differ_in_the_loss_alone(done: Reproduction) -> None:
    runs = done.path.parent / "runs"
    result = {
        slug: json.loads((runs / slug / "seed-1" / "config.json").read_text())
        for slug in ("cross-entropy", "fixed-margin", "all-as-printed")
    }
    assert result["cross-entropy"]["settings"]["train"]["loss"] == "cross_entropy"
    assert result["fixed-margin"]["settings"]["loss"]["amt"] == "fixed"
    printed = result["all-as-printed"]["settings"]["loss"]
    assert {key: printed[key] for key in PRESETS["literal"]} == PRESETS["literal"]
    for config in result.values():
        assert config["settings"]["train"]["seed"] == 1
        assert config["encoder"] == result["fixed-margin"]["encoder"]


def test_repeating_trains_nothing_and_says_the_same(corpus: toy.Toy, done: Reproduction) -> None:
    out = done.path.parent
    before = {path: path.stat().st_mtime_ns for path in out.rglob("model.safetensors")}
    assert len(before) == 6
    assert run(corpus, out).data["rows"] == done.data["rows"]
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_report_can_be_read(done: Reproduction) -> None:
    text = done.table.read_text("utf-8")
    assert "| system | validation | test |" in text
    assert "- the paper prints no values for its loss" in text
    assert {path.name for path in done.figures} == {"figure.png", "figure.svg"}


def test_folds_are_pooled(corpus: toy.Toy, tmp_path: Path) -> None:
    asked = {"seeds": 1, "folds": 3, "only": ["fixed-margin"]}
    result = run(corpus, tmp_path, reproduce=asked)
    assert result.data["n"] == len(corpus.manifest.clips)
    said = hits(tmp_path / "runs/fixed-margin", *(f"fold-{k}/seed-0" for k in range(3)))
    assert {clip_id for part in said for clip_id in part} == {c.id for c in corpus.manifest.clips}
    pooled = np.mean([hit for part in said for hit in part.values()])
    (row,) = (row for row in result.data["rows"] if row["conditions"])
    assert row["conditions"][1]["nearest"] == pytest.approx(pooled)
    assert result.data["comparisons"] == []


def hits(folder: Path, *runs: str) -> list[dict[str, bool]]:
    return [json.loads((folder / run / "nearest.json").read_text())["hits"] for run in runs]


def test_losses_are_compared_clip_by_clip(corpus: toy.Toy, tmp_path: Path) -> None:
    pair = ("adaptive-margin-detached", "cross-entropy")
    result = run(corpus, tmp_path, reproduce={"only": list(pair)})
    (told,) = result.data["comparisons"]
    assert told["rows"] == ["adaptive margin, detached", "cross-entropy"]
    ours, theirs = (hits(tmp_path / "runs" / slug, "seed-0", "seed-1") for slug in pair)
    change = {
        clip.id: np.mean([a[clip.id] - b[clip.id] for a, b in zip(ours, theirs, strict=True)])
        for clip in corpus.manifest.split("test")
    }
    assert told["difference"]["mean"] == pytest.approx(np.mean(list(change.values())))
    low, high = told["difference"]["ci_clips"]
    assert told["difference"]["ci"] == [None, None]
    assert " dialogues are too few " in result.data["warnings"][0]
    assert low <= told["difference"]["mean"] <= high
    assert "| adaptive margin, detached - cross-entropy | test |" in result.table.read_text("utf-8")


def test_other_settings_need_overwrite(corpus: toy.Toy, tmp_path: Path) -> None:
    asked = {"reproduce": {"seeds": 1, "only": ["fixed-margin"]}}
    run(corpus, tmp_path, **asked)
    other = {**asked, "rows": {"fixed-margin": {"loss": {"margin": 0.5}}}}
    with pytest.raises(RunError, match="other settings"):
        run(corpus, tmp_path, **other)
    run(corpus, tmp_path, overwrite=True, **other)
    config = json.loads((tmp_path / "runs/fixed-margin/seed-0/config.json").read_text())
    assert config["settings"]["loss"]["margin"] == 0.5


def test_what_tells_rows_apart_is_not_set_for_all_of_them(corpus: toy.Toy) -> None:
    asked = merge(TINY, {"loss": {"amt": "adaptive", "w_cov": 0.5}, "reproduce": {"only": []}})
    result = plan("m2f-extractor", corpus.manifest, corpus.store, asked)
    rows = {row.slug: row.settings["loss"] for row in result.rows}
    assert rows["fixed-margin"] == {"amt": "fixed", "w_cov": 0.5}
    assert rows["detached-without-cov"] == {"amt": "adaptive", "w_cov": 0.0}
    assert len(result.remarks) == 2
    assert result.remarks[1].startswith(
        "loss.w_cov does not count for detached-without-cov, detached-alone, which"
    )


def test_a_plan_writes_nothing(corpus: toy.Toy) -> None:
    result = plan("m2f-extractor", corpus.manifest, corpus.store, TINY)
    assert result.trainings == 6
    assert [row.slug for row in result.rows] == TINY["reproduce"]["only"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"network": {}}, "unknown section of settings 'network'"),
        ({"rows": {"fixed": {}}}, "no row 'fixed'; there are: cross-entropy"),
        ({"reproduce": {"features": ["mel"]}}, "looks at what 'experiment.kind' says"),
        ({"loss": {"amt": "none"}}, "loss.amt"),
        ({"experiment": {"kind": "smell"}}, "experiment.kind"),
    ],
    ids=str,
)
def test_bad_settings_are_one_line_and_leave_nothing(
    corpus: toy.Toy, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        run(corpus, tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["audio", "face", "scene"])
def test_rows_are_told_apart(kind: Any) -> None:
    experiment = table(Config(kind=kind))
    assert {row.encoder for row in experiment.rows} == {kind}
    assert len({row.name for row in experiment.rows}) == len(experiment.rows)
    assert len({str((row.preset, row.settings)) for row in experiment.rows}) == len(experiment.rows)


def test_a_file_of_settings_is_read_for_encoders(corpus: toy.Toy, tmp_path: Path) -> None:
    """Of the same sections a table of networks takes others."""
    file = tmp_path / "encoders.toml"
    file.write_text("[loss]\nmargin = 0.4\n[network]\nlayers = 1\n[reproduce]\nseeds = 1\n")
    for name, wanted in (
        ("m2f-extractor", {"loss", "reproduce"}),
        ("m2f-t4", {"network", "reproduce"}),
    ):
        assert set(settings("reproduce", file, None, sections(name))) == wanted
