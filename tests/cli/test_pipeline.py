"""The commands, one after the other, on a generated corpus, and what they print."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import pytest

import emocli
from emocli.cli.app import run
from emocli.data.manifest import Manifest
from emocli.pipeline.demo_report import DemoReport
from tests import toy

pytestmark = pytest.mark.usefixtures("undrawn")

SMALL = (
    "--set",
    "network.hidden=4",
    "--set",
    "train.epochs=2",
    "--set",
    "train.batch_size=4",
)

Said = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(corpus: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with store, check and run, made from the command line."""
    folder = tmp_path_factory.mktemp("pipeline")
    assert corpus.path is not None
    manifest, store = str(corpus.path), str(folder / "store")
    vectors = f"glove.vectors={corpus.root / 'vectors.txt'}"
    features = ("-f", "mel", "-f", "glove", "-f", "face_hog", "-f", "faces")
    assert run(["extract", manifest, *features, "--set", vectors, "--store", store]) == 0
    assert run(["fit-cca", manifest, "--store", store]) == 0
    train = ("train", manifest, "--store", store, "--fusion", "rrnn", "--seeds", "2")
    assert run([*train, "--run", str(folder / "run"), *SMALL]) == 0
    return folder


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """Run a command with --json and return what it printed."""

    def answer(*arguments: object) -> Any:
        capsys.readouterr()
        assert run([*map(str, arguments), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return answer


def test_a_check_of_corrupted_clips_has_the_seed_of_the_corruptions(
    folder: Path, corpus: Manifest, tmp_path: Path, said: Said
) -> None:
    store = shutil.copytree(folder / "store", tmp_path / "store")
    asked = ("fit-cca", corpus.path, "--store", store, "-f", "mel", "-f", "glove", "-f", "face_hog")
    noisy = (*asked, "--set", "check.fit_on=as_given", "--corrupt", "m3er75")
    result = [said(*noisy, *seed)["pairs"] for seed in ((), ("--seed", 0), ("--seed", 1))]
    assert result[0] == result[1] != result[2]


def test_a_check_of_clips_as_given_says_how_many_it_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = toy.build(tmp_path, sizes={"train": 80, "valid": 40, "test": 10})
    where = [str(corpus.manifest.path), "--store", str(corpus.store)]
    given = ["fit-cca", *where, "--set", "check.fit_on=as_given", "--corrupt", "m3er75"]
    assert run(given) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "training clips left out as corrupted: audio" in shown
    assert (corpus.store / "check_as_given.h5").is_file()
    assert not (corpus.store / "check.h5").exists()
    assert run([*given, "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["left_out"]) == {"audio", "text", "visual"}
    assert run(["inspect", str(corpus.store / "check_as_given.h5"), "--json"]) == 0
    facts = capsys.readouterr().out
    assert '"contamination": "screen"' in facts
    assert '"left_out"' in facts
    quick = [part for name, kind in toy.QUICK.items() for part in _sets(name, kind)]
    command = ["train", *where, "--fusion", "late", "--run", str(tmp_path / "run"), *quick]
    asked = ["--corrupt", "m3er75", "--check", "--proxy", "ridge"]
    assert run([*command, *asked]) == 2  # that one asks the check of clean clips
    assert "check.h5" in capsys.readouterr().err
    assert run([*command, *asked, "--set", "robust.fit_on=as_given"]) == 0
    assert run(["evaluate", str(tmp_path / "run"), "--corrupt", "m3er75", "--json"]) == 0


def _sets(section: str, values: Mapping[str, object]) -> list[str]:
    return [part for key, value in values.items() for part in ("--set", f"{section}.{key}={value}")]


def test_a_second_extraction_finds_everything_there(
    folder: Path, corpus: Manifest, said: Said
) -> None:
    arguments = ("extract", corpus.path, "-f", "mel", "-f", "faces", "--store", folder / "store")
    for result in said(*arguments):
        assert (result["done"], result["resumed"]) == (0, len(corpus.clips))
    for plan in said(*arguments, "--dry-run"):
        assert plan["remaining"] == 0


def test_other_settings_are_refused_and_the_store_stays(
    folder: Path, corpus: Manifest, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "store" / "mel.h5").read_bytes()
    command = ["extract", str(corpus.path), "-f", "mel", "--store", str(folder / "store")]
    assert run([*command, "--set", "mel.bands=64"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (folder / "store" / "mel.h5").read_bytes() == before


def test_settings_reach_the_feature(tmp_path: Path, corpus: Manifest) -> None:
    command = ["extract", str(corpus.path), "-f", "mel", "--store", str(tmp_path)]
    assert run([*command, "--set", "mel.bands=64"]) == 0
    with h5py.File(tmp_path / "mel.h5") as file:
        assert file["values"].shape[1] == 64


def test_the_check_knows_every_pair(folder: Path, corpus: Manifest, said: Said) -> None:
    summary = said("fit-cca", corpus.path, "--store", folder / "store")
    pairs = {tuple(pair["modalities"]) for pair in summary["pairs"]}
    assert pairs == {("audio", "text"), ("audio", "visual"), ("text", "visual")}
    for pair in summary["pairs"]:
        assert pair["correlations"] == sorted(pair["correlations"], reverse=True)


def test_evaluation_prints_metrics_and_their_spread(folder: Path, said: Said) -> None:
    report = said("evaluate", folder / "run", "--corrupt", "visual")
    for key in ("accuracy", "uar", "weighted_f1", "macro_f1"):
        assert 0 <= report[key] <= 1
        assert f"{key}_std" in report
        assert report[key] == report["corrupted"][key]
    assert report["corruption"] == ["visual gaussian 0 dB"]
    assert report["n"] == 4


def test_the_check_is_wired_into_evaluation(folder: Path, said: Said) -> None:
    spec = ("--corrupt", "visual:gaussian@0.0001", "--no-figures")
    plain = said("evaluate", folder / "run", *spec, "--no-check")
    checked = said("evaluate", folder / "run", *spec, "--check")
    assert "flagged" not in plain["corrupted"]
    assert checked["corrupted"]["flagged"]["visual"]["corrupted"]


def test_a_sweep_draws_a_curve(folder: Path, said: Said) -> None:
    levels = ("--sweep", "--levels", "10dB,-10dB")
    report = said("evaluate", folder / "run", "--corrupt", "audio", *levels)
    assert [point["snr_db"] for point in report["sweep"]] == [10, -10]
    assert list((folder / "run" / "reports").glob("*sweep*.png"))


def test_inspect_knows_manifest_store_and_run(folder: Path, corpus: Manifest, said: Said) -> None:
    manifest = said("inspect", corpus.path)
    assert (manifest["kind"], manifest["clips"]) == ("manifest", len(corpus.clips))
    assert manifest["media"]["video"]["not_on_disk"] == 0
    store = said("inspect", folder / "store", "--manifest", corpus.path)
    assert store["mel"]["shape"] == [128]
    assert store["faces"]["shape"] == [112, 112, 3]
    assert store["mel"]["missing"] == 0
    assert store["mel"]["provenance"]["settings"]["bands"] == 128
    result = said("inspect", folder / "run")
    assert (result["kind"], result["fusion"], result["finished"]) == ("run", "rrnn", 2)


def test_people_get_tables(
    folder: Path, corpus: Manifest, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (
        ["inspect", str(corpus.path)],
        ["inspect", str(folder / "store")],
        ["inspect", str(folder / "run")],
        ["evaluate", str(folder / "run"), "--corrupt", "visual", "--check", "--no-figures"],
        ["info"],
    ):
        assert run(command) == 0
        assert "┃" in capsys.readouterr().out


def test_info_names_everything(said: Said) -> None:
    result = said("info")
    assert {p["name"] for p in result["fusion"]} >= {"rrnn", "gca", "early", "late", "unimodal"}
    assert {p["name"] for p in result["corruptions"]} >= {"gaussian", "zero", "drop", "dropout"}
    assert {p["name"] for p in result["datasets"]} >= {"demo", "ravdess", "cremad"}
    assert {p["name"] for p in result["features"]} >= {"glove", "mel", "faces", "face_hog"}
    assert {p["name"] for p in result["experiments"]} >= {"rrnn-t1", "m2f-t2"}
    assert {p["name"] for p in result["models"]} >= {"whisper-tiny.en", "face-expression"}
    fetched = {each["name"] for each in said("models", "list")}
    assert fetched == {p["name"] for p in result["models"]}


def test_a_dry_run_of_training_writes_nothing(
    tmp_path: Path, folder: Path, corpus: Manifest, capsys: pytest.CaptureFixture[str]
) -> None:
    train = ["train", str(corpus.path), "--store", str(folder / "store"), "--fusion", "late"]
    train += ["--run", str(tmp_path / "run"), "--dry-run"]
    assert run([*train, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert run(train) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"│ network.hidden │ {plan['network']['hidden']} │" in shown
    assert f"│ clips.train │ {plan['clips']['train']} │" in shown
    assert not (tmp_path / "run").exists()


def test_the_demonstration_runs_small_and_resumes(tmp_path: Path, said: Said) -> None:
    one = "{train=1,valid=1,test=1}"
    small = ("--set", f"demo.dialogues={one}", "--set", f"demo.speakers={one}", *SMALL)
    size = ("--set", "demo.turns=4", "--set", "demo.seconds=[1.2,1.3]", "--set", "demo.talk=12")
    size += ("--set", "demo.size=96", "--seeds", "1")
    command = ("demo", "--dir", tmp_path / "demo", "--workers", "1", *size, *small)
    first = said(*command)
    assert {system["fusion"] for system in first["systems"]} == {
        "unimodal",
        "early",
        "late",
        "gca",
        "rrnn",
    }
    tri = next(system for system in first["systems"] if system["fusion"] == "rrnn")
    assert tri["corrupted"].keys() == {"text", "audio", "visual"}
    assert (tri["tested"], len(tri["clean"]["ci"])) == (4, 2)
    report = tmp_path / "demo" / "report.json"
    assert DemoReport.read(report).data() == json.loads(report.read_text()) == first
    facts = said("inspect", tmp_path / "demo")
    assert (facts["format"], facts["clips"], facts["rows"]) == (1, first["clips"], 7)
    assert first["emocli"] == emocli.__version__
    report.write_text(json.dumps({k: v for k, v in first.items() if k != "format"}))
    assert said("inspect", tmp_path / "demo") == facts  # the format before had no number
    models = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    assert said(*command) == first
    assert {path: path.stat().st_mtime_ns for path in models} == models
