"""Greedy tuning through the command: what is tried, what decides, and what it never looks at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emocli.cli.app import run
from emocli.models.rundir import read_config
from emocli.training.train import TrainRequest
from tests import toy
from tests.conftest import Refused
from tests.interrupt import interrupted

pytestmark = pytest.mark.usefixtures("undrawn")

QUICK = (
    "train.epochs=2",
    "train.lr=0.01",
    "train.accelerator=cpu",
    "train.threads=1",
    "train.refit=false",
    "train.functionals=none",
)
DEPTHS = ("network.layers.text=1,2", "network.layers.audio=1,3")
corpus = toy.fixture()


def command(made: toy.Toy, study: Path, *tried: str, fusion: str = "m2fnet") -> list[str]:
    pairs = [part for pair in QUICK for part in ("--set", pair)]
    options = [part for each in tried for part in ("--try", each)]
    where = ["--store", str(made.store), "--study", str(study)]
    return ["tune", str(made.manifest.path), "--fusion", fusion, *where, *pairs, *options]


def tuned(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert run([*arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_depths_are_chosen_one_after_the_other_by_validation(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = tuned(command(corpus, tmp_path / "study", *DEPTHS), capsys)
    trials = found["trials"]
    assert [(t["setting"], t["value"]) for t in trials] == [
        (setting, value)
        for setting, _, values in (each.partition("=") for each in DEPTHS)
        for value in values.split(",")
    ]
    for setting, value in found["chosen"].items():
        scores = {t["value"]: t["valid"] for t in trials if t["setting"] == setting}
        assert scores[value] == max(scores.values())
        assert [t["value"] for t in trials if t["setting"] == setting and t["chosen"]] == [value]
    text, audio = (
        int(found["chosen"][name]) for name in ("network.layers.text", "network.layers.audio")
    )
    assert read_config(Path(found["run"])).network["layers"] == {"text": text, "audio": audio}
    for trial in trials[2:]:  # the first setting is as it was chosen
        layers = read_config(Path(trial["run"])).network["layers"]
        assert layers == {"text": text, "audio": int(trial["value"])}
    assert json.loads((tmp_path / "study" / "tune.json").read_text())["chosen"] == found["chosen"]
    assert run(command(corpus, tmp_path / "study", *DEPTHS)) == 0
    assert f"--set network.layers.text={text} --set network.layers.audio={audio}" in (
        capsys.readouterr().out
    )


def test_labels_of_the_test_split_decide_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = toy.build(tmp_path / "toy")
    scores = []
    for number, label in enumerate((None, toy.CLASSES[0])):
        other = made.with_test_labels(label, f"other{number}.csv")
        found = tuned(command(other, tmp_path / str(number), *DEPTHS), capsys)
        scores.append([(t["value"], t["valid"], t["chosen"]) for t in found["trials"]])
    assert scores[0] == scores[1]


def test_errors_are_better_when_smaller_and_what_is_known_is_not_trained_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = toy.build(tmp_path / "toy", "intensity")
    tried = ("network.hidden=3,6", "train.lr=0.01,0.05")
    found = tuned(command(made, tmp_path / "study", *tried, fusion="late"), capsys)
    assert found["monitor"] == "mse_sum"
    for setting, value in found["chosen"].items():
        scores = {t["value"]: t["valid"] for t in found["trials"] if t["setting"] == setting}
        assert scores[value] == min(scores.values())
    first = next(t for t in found["trials"] if t["chosen"])
    again = next(t for t in found["trials"] if t["setting"] == "train.lr")
    assert again["run"] == first["run"]  # 0.01 is what the first setting was tried with
    assert len(list((tmp_path / "study").glob("*-*"))) == 3


def test_what_is_known_follows_the_rules_of_the_preset(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """32 is the default without rules; by them, the first setting was trained with batches of 8."""
    tried = ("network.dropout=0.1,0.2", "train.batch_size=32,8")
    arguments = command(corpus, tmp_path / "study", *tried, fusion="late")
    trials = tuned([*arguments, "--preset", "plus"], capsys)["trials"]
    runs = {t["value"]: t["run"] for t in trials if t["setting"] == "train.batch_size"}
    assert {value: read_config(Path(run)).train.batch_size for value, run in runs.items()} == {
        "32": 32,
        "8": 8,
    }
    assert runs["8"] == next(t["run"] for t in trials if t["chosen"])


def test_interrupted_it_goes_on_and_chooses_the_same(
    corpus: toy.Toy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = tuned(command(corpus, tmp_path / "whole", *DEPTHS), capsys)
    with interrupted(monkeypatch, TrainRequest, "train", 3):
        assert run(command(corpus, tmp_path / "parts", *DEPTHS)) == 130
    assert not (tmp_path / "parts" / "tune.json").exists()
    parts = tuned(command(corpus, tmp_path / "parts", *DEPTHS), capsys)
    for name in ("chosen", "valid"):
        assert parts[name] == whole[name]


@pytest.mark.parametrize(
    ("tried", "said"),
    [
        (["network.layers.text"], "is no setting with different values"),
        (["network.layers.text=1,1"], "is no setting with different values"),
        (["network.layers.text=1,0"], "network.layers"),
        (["network.layers.smell=1,2"], "there is no such modality"),
        (["network.x=1,2"], "unknown setting 'network.x'"),
        (["x.y=1,2"], "unknown setting 'x'"),
        (["network.fusion_layers=1,2", "network.fusion_layers=3"], "names a setting twice"),
    ],
)
def test_what_cannot_be_tried_is_refused_before_anything_is_written(
    corpus: toy.Toy, tmp_path: Path, refused: Refused, tried: list[str], said: str
) -> None:
    for extra in ([], ["--dry-run"]):
        assert said in refused(*command(corpus, tmp_path / "study", *tried), *extra)
    assert not (tmp_path / "study").exists()


def test_a_plan_trains_nothing(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run([*command(corpus, tmp_path / "study", *DEPTHS), "--seeds", "3", "--dry-run", "--json"])
        == 0
    )
    assert json.loads(capsys.readouterr().out)["trainings"] == 12
    assert not (tmp_path / "study").exists()
