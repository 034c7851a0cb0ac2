"""An experiment from raw clips: encoders, features and rows by one command, killed or not."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli.cli.app import run as run_command
from emocli.config import merge
from emocli.data.durable import digest
from emocli.data.manifest import Manifest
from emocli.data.store import FeatureStore, features_in, store_path
from emocli.errors import ConfigError, RunError
from emocli.experiments.from_clips import EncoderTrainings
from emocli.experiments.runner import reproduce
from emocli.extraction.extract import extract
from emocli.models import rundir
from emocli.training.encoders.fit_encoder import fit_encoder
from tests.interrupt import COMMAND, killed_at

pytestmark = pytest.mark.usefixtures("undrawn")

NETWORK = {"side": 32, "depths": [1], "hidden_sizes": [8], "embedding_size": 8, "dim": 6}
ENCODER = {"encoder": NETWORK, "train": {"epochs": 2, "per_class": 2, "threads": 1, "lr": 1e-3}}
READER = {"backbone": "scratch", "layers": 1, "width": 16, "heads": 2, "vocabulary": 300}
TEXT = {
    "text": {**READER, "context": "none", "tokens": 32},
    "train": {"epochs": 2, "threads": 1, "lr": 1e-3},
}
SMALL: dict[str, Any] = {
    "extractors": {
        **dict.fromkeys(("audio", "face", "scene"), ENCODER),
        "text": TEXT,
        "features": {"faces": {"rate": 4, "min_share": 0.2}},
    },
    "network": {"width": 8},
    "train": {"epochs": 2, "threads": 1, "accelerator": "cpu"},
    "reproduce": {"seeds": 1, "only": ["a", "t-v-a-fusion"]},
}
MADE = ("face_embedding", "faces", "mel", "mel_embedding", "roberta", "scene_embedding")


def trainings(corpus: Manifest, out: Path, name: str = "m2f-t2", **other: Any) -> EncoderTrainings:
    return EncoderTrainings.of(name, corpus, out, merge(SMALL, other))


def toml(tree: dict[str, Any], name: str = "") -> str:
    """Write settings as TOML: numbers, texts and lists of them."""
    flat = {k: v for k, v in tree.items() if not isinstance(v, dict)}
    lines = [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in flat.items())]
    parts = [toml(v, f"{name}.{k}".lstrip(".")) for k, v in tree.items() if isinstance(v, dict)]
    return "\n".join([*(lines if flat else []), *parts])


def command(corpus: Manifest, out: Path) -> list[str]:
    file = out.parent / "small.toml"
    file.write_text(toml(SMALL))
    words = ["reproduce", "m2f-t2", str(corpus.path), "--from-clips", "--out", str(out)]
    return [*words, "--config", str(file)]


def untimed(table: str) -> str:
    """Leave the seconds that trainings took out of a table."""
    return re.sub(r"\| [\d,]+ s \|", "|", table)


@pytest.fixture(scope="module")
def whole(corpus: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What comes out where nothing interrupts."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert run_command(command(corpus, out)) == 0
    return out


def test_one_command_makes_everything(corpus: Manifest, whole: Path) -> None:
    assert sorted(path.name for path in (whole / "extractors").iterdir()) == [
        "audio", "face", "scene", "text",
    ]  # fmt: skip
    assert features_in(whole / "store") == sorted([*MADE, "visual_embedding"])
    report = json.loads((whole / "report.json").read_text())
    done = {row["slug"]: row["features"] for row in report["rows"] if row["state"] == "done"}
    assert done == {
        "a": ["mel_embedding"],
        "t-v-a-fusion": ["roberta", "visual_embedding", "mel_embedding"],
    }


def test_it_is_what_the_commands_give_one_by_one(
    corpus: Manifest, whole: Path, tmp_path: Path
) -> None:
    store, run = tmp_path / "store", tmp_path / "audio"
    extract(corpus, ["mel"], store)
    fit_encoder("audio", corpus, run, store=store, settings=ENCODER)
    extract(corpus, ["mel_embedding"], store, settings={"mel_embedding": {"encoder": str(run)}})
    theirs = FeatureStore.open(store_path(whole / "store", "mel_embedding"))
    mine = FeatureStore.open(store_path(store, "mel_embedding"))
    assert mine.fingerprint == theirs.fingerprint


def test_encoders_see_no_test_clip(corpus: Manifest, whole: Path, tmp_path: Path) -> None:
    """With other labels of the test clips, and other texts, the same encoders come out."""
    other = [c.label for c in corpus.clips if c.split == "test"][::-1]
    clips = tuple(
        replace(c, label=other.pop(), text="nothing") if c.split == "test" else c
        for c in corpus.clips
    )
    changed = replace(corpus, clips=clips, path=tmp_path / "changed.csv")
    changed.write(tmp_path / "changed.csv")
    trainings(Manifest.read(tmp_path / "changed.csv"), tmp_path / "out").make()
    for kind in ("audio", "face", "scene", "text"):
        models = [out / "extractors" / kind / rundir.MODEL for out in (whole, tmp_path / "out")]
        assert digest(models[0]) == digest(models[1])


@pytest.mark.slow
def test_killed_five_times_it_gives_the_same_table(
    corpus: Manifest, whole: Path, tmp_path: Path
) -> None:
    """SIGKILL in every part of the chain."""
    out = tmp_path / "out"
    words = [*COMMAND, *command(corpus, out)]
    marks = (
        "extractors/text/config.json",
        "store/mel.h5",
        "extractors/scene/config.json",
        "store/faces.h5",
        "runs/a/config.json",
    )
    killed_at([out / mark for mark in marks], words, seconds=300)
    for name in (*MADE, "visual_embedding"):
        stores = [FeatureStore.open(store_path(o / "store", name)) for o in (out, whole)]
        assert stores[0].fingerprint == stores[1].fingerprint
    tables = [untimed((o / "table.md").read_text()) for o in (out, whole)]
    assert tables[0] == tables[1]
    reports = [json.loads((o / "report.json").read_text())["rows"] for o in (out, whole)]
    for row in (row for report in reports for row in report):
        row.pop("seconds", None)
    assert reports[0] == reports[1]


def test_repeated_it_does_nothing_again(corpus: Manifest, whole: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*.safetensors")}
    said: list[str] = []
    trainings(corpus, whole).make(say=said.append)
    assert sum("already trained" in step for step in said) == 4
    assert {path: path.stat().st_mtime_ns for path in whole.rglob("*.safetensors")} == before


def test_other_settings_are_refused_or_made_again(corpus: Manifest, tmp_path: Path) -> None:
    only = {"reproduce": {"features": ["mel_embedding"], "only": ["a"]}}
    first = trainings(corpus, tmp_path, "m2f-fig5", **only)
    assert first.order == ("mel", "mel_embedding")
    first.make()
    store = FeatureStore.open(store_path(tmp_path / "store", "mel_embedding"))
    changed = merge(only, {"extractors": {"audio": {"train": {"seed": 1}}}})
    other = trainings(corpus, tmp_path, "m2f-fig5", **changed)
    with pytest.raises(RunError, match="other settings"):
        other.make()
    again = other.make(overwrite=True)
    assert FeatureStore.open(store_path(again.store, "mel_embedding")).fingerprint != (
        store.fingerprint
    )


def test_a_published_encoder_is_not_trained(corpus: Manifest, tmp_path: Path) -> None:
    own = {"extractors": {"features": {"roberta": {"encoder": "roberta-base"}}}}
    plan = trainings(corpus, tmp_path, **own).plan()
    assert list(plan.extractors) == ["audio", "scene", "face"]
    assert plan.features[0] == "roberta"


def test_a_table_names_all_that_its_rows_see(corpus: Manifest, tmp_path: Path) -> None:
    asked = {"reproduce": {"features": ["roberta", "mel_embedding", "face_embedding"], "only": []}}
    assert "scene" not in trainings(corpus, tmp_path, **asked).kinds
    assert "scene" in trainings(corpus, tmp_path, "m2f-t3", **asked).kinds


def test_clips_that_fail_are_counted(corpus: Manifest, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing")
    first, *others = corpus.clips
    media = {kind: broken for kind in first.media if kind != "words"}
    clips = (replace(first, media=media), *others)
    replace(corpus, clips=clips, root=Path("/"), path=None).write(tmp_path / "some.csv")
    some = Manifest.read(tmp_path / "some.csv", Path("/"))
    asked = {"reproduce": {"features": ["mel_embedding"], "only": ["a"]}}
    said: list[str] = []
    result = trainings(some, tmp_path / "out", "m2f-fig5", **asked).make(say=said.append)
    assert result.failed == 2  # its spectrogram, and what is computed from that
    assert any("1 clip failed" in step for step in said)


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "folds": ("m2f-t2", {"reproduce": {"folds": 3}}, "would have seen clips that other folds test"),
    "no features": ("rrnn-t2", {"experiment": {}}, "does not say which features"),
    "a setting that is none": ("m2f-t2", {"extractors": {"audio": {"x": {"y": 1}}}}, "'x'"),
    "a kind that is none": ("m2f-t2", {"extractors": {"smell": {}}}, "smell"),
    "a text setting": ("m2f-t2", {"extractors": {"text": {"text": {"x": 1}}}}, "x"),
    "a feature": ("m2f-t2", {"extractors": {"features": {"x": {}}}}, "no feature is called 'x'"),
    "a preset": ("m2f-t2", {"extractors": {"preset": "best"}}, "no preset 'best'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_sense_is_refused_before_anything(
    corpus: Manifest, tmp_path: Path, case: str
) -> None:
    name, settings, message = REFUSED[case]
    with pytest.raises(ConfigError, match=message):
        trainings(corpus, tmp_path / "out", name, **settings)
    assert not (tmp_path / "out").exists()


def test_a_file_of_the_single_commands_serves_the_whole(
    corpus: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.toml"
    apart = {
        "fit_encoder": {"train": {"seed": 5}},
        "fit_text": {"text": READER},
        "roberta": {"encoder": "encoders/text", "batch": 3},
        "extractors": {"face": {"train": {"seed": 6}}},
        "train": {"epochs": 2},
    }
    file.write_text(toml(apart))
    seen: list[EncoderTrainings] = []

    def planned(trainings: EncoderTrainings) -> dict[str, Any]:
        seen.append(trainings)
        return {}

    monkeypatch.setattr(EncoderTrainings, "plan", planned)
    words = ["reproduce", "m2f-t2", str(corpus.path), "--from-clips", "--out", str(tmp_path / "o")]
    assert run_command([*words, "--config", str(file), "--dry-run"]) == 0
    config = seen[0].config
    assert config.audio == config.scene == {"train": {"seed": 5}}
    assert config.face == {"train": {"seed": 6}}
    assert config.text == {"text": READER}
    assert config.features == {"roberta": {"batch": 3}}
    assert "text" in seen[0].kinds


def test_a_dry_run_says_what_would_be_made(
    corpus: Manifest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run_command([*command(corpus, out), "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["features"][:3] == ["roberta", "mel", "mel_embedding"]
    assert list(plan["extractors"]) == ["text", "audio", "scene", "face"]
    assert not out.exists()
    assert run_command([*command(corpus, out), "--store", "store"]) == 2
    assert run_command([*command(corpus, out), "--folds", "3"]) == 2
    assert "leave --folds out" in " ".join(capsys.readouterr().err.split())


def test_rows_are_those_of_the_features_as_they_are(
    corpus: Manifest, whole: Path, tmp_path: Path
) -> None:
    settings = {name: part for name, part in SMALL.items() if name != "extractors"}
    chosen = ["roberta", "mel_embedding", "visual_embedding"]
    settings = merge(settings, {"reproduce": {"features": chosen}})
    again = reproduce("m2f-t2", corpus, whole / "store", tmp_path / "again", settings=settings)
    first = json.loads((whole / "report.json").read_text())
    values = [
        [row["conditions"][0]["weighted_f1"] for row in rows if row["state"] == "done"]
        for rows in (first["rows"], again.data["rows"])
    ]
    assert np.array_equal(*values)
