"""What a search chooses: the default, unless the best trial is ahead by a standard error."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import emocli
from emocli.cli.app import run
from emocli.config import parse_sets, read_toml
from emocli.data.manifest import Task
from emocli.errors import ConfigError
from emocli.evaluation.evaluator import RunEvaluator
from emocli.metrics.paired import Paired
from emocli.models import rundir
from emocli.models.rundir import MODEL, read_config
from emocli.models.valid_predictions import FILE
from emocli.pipeline.inspect import inspect
from emocli.space import parse
from emocli.training.tuning.chosen import choose_trial
from emocli.training.tuning.search import Search
from emocli.training.tuning.study_summary import SearchReport
from tests import toy
from tests.training.tuning.searches import QUICK, command, spaced, tuned

pytestmark = pytest.mark.usefixtures("undrawn")

corpus = toy.fixture(noise=1.5, sizes={"train": 24, "valid": 60, "test": 12})

HOLDING = ("network.hidden=4,16,32", "train.lr=1e-4..1e-1:log", "network.dropout=0.0..0.6")
"""Ranges that hold the default of ``late``: 16 units, a rate of .001, dropout .4."""

LONG = ("train.epochs=6", "train.patience=6")


def arguments(corpus: toy.Toy, study: Path, *more: str) -> list[str]:
    longer = [part for pair in LONG for part in ("--set", pair)]
    return command(corpus, study, *spaced(*HOLDING), *longer, *more, trials=5)


@pytest.fixture(scope="module")
def whole(corpus: toy.Toy, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A search whose best trial is not the default, in a study that nobody writes to."""
    pytest.importorskip("optuna")
    study, out = tmp_path_factory.mktemp("study") / "whole", io.StringIO()
    with contextlib.redirect_stdout(out):
        assert run([*arguments(corpus, study), "--json"]) == 0
    found: dict[str, Any] = json.loads(out.getvalue())
    assert found["best"]["number"] != 0
    return found


@pytest.fixture
def study(whole: dict[str, Any], tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(whole["study"], tmp_path / "study"))


@pytest.fixture
def never_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    """No trial is ahead of the default by a standard error."""
    monkeypatch.setattr(Paired, "standard_error", lambda self, first, second: 1.0)


def hits(corpus: toy.Toy, run: Path) -> dict[str, bool]:
    """Whether the network of a run is right about each valid clip."""
    evaluator = RunEvaluator.open(run, "valid", corpus.manifest, corpus.store)
    predicted = evaluator.predict((), 0)
    right = predicted.values[0].argmax(axis=1) == predicted.targets
    return dict(zip(predicted.ids, right.tolist(), strict=True))


def by_dialogue(corpus: toy.Toy, changes: dict[str, int]) -> NDArray[np.float64]:
    """Mean change of each dialogue; all have three clips."""
    own: dict[str, list[int]] = {}
    for clip in corpus.manifest.split("valid"):
        own.setdefault(clip.dialogue, []).append(changes[clip.id])
    assert {len(each) for each in own.values()} == {3}
    return np.array([np.mean(each) for each in own.values()])


def test_the_difference_is_that_of_the_networks_and_its_error_that_of_the_dialogues(
    corpus: toy.Toy, whole: dict[str, Any]
) -> None:
    best, choice = whole["best"], whole["choice"]
    ours, theirs = (
        hits(corpus, Path(whole["study"]) / f"trial-{number:04d}") for number in (best["number"], 0)
    )
    changes = by_dialogue(corpus, {name: ours[name] - theirs[name] for name in ours})
    assert choice["ahead"] == pytest.approx(changes.mean())
    assert choice["ahead"] == pytest.approx(best["valid"] - whole["trials"][0]["valid"])
    error = np.std(changes, ddof=1) / np.sqrt(len(changes))
    assert choice["standard_error"] == pytest.approx(error)
    assert choice["rule"] == "one-se"
    assert (choice["trial"] == 0) == (choice["ahead"] <= choice["standard_error"])


@pytest.mark.parametrize(("error", "default"), [(1.0, True), (0.0, False), (np.nan, True)])
def test_the_default_stays_unless_the_best_trial_is_ahead_by_a_standard_error(
    corpus: toy.Toy,
    whole: dict[str, Any],
    study: Path,
    error: float,
    default: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Paired, "standard_error", lambda self, first, second: error)
    found = tuned(arguments(corpus, study), capsys)
    number = 0 if default else found["best"]["number"]
    assert found["best"] == whole["best"]
    assert found["choice"]["trial"] == number
    assert found["chosen"] == found["trials"][number]["settings"]
    assert Path(found["run"]) == study / f"trial-{number:04d}"
    hidden = read_toml(study / "best.toml")["network"]["hidden"]
    assert hidden == read_config(Path(found["run"])).network["hidden"]
    # It is said everywhere.
    ahead = f"trial {found['best']['number']} is ahead of the default by "
    end = f"the {'default' if default else 'best trial'} is chosen"
    reason = found["choice"]["reason"]
    assert reason.startswith(ahead)
    assert reason.endswith(end)
    assert ("standard error (" in reason) == np.isfinite(error)
    assert SearchReport.read(study / "study.json").data() == found
    text = (study / "best.toml").read_text()
    assert f"# Why: {reason}." in text
    assert ("flatters" in text) != default
    page = (study / "study.html").read_text()
    assert f"T{reason[1:]}." in page
    assert f"Trial {number} is chosen:" in page
    assert f"{number} (chosen)" in page
    facts = inspect(study).facts
    assert (facts["best_trial"], facts["chosen_trial"]) == (found["best"]["number"], number)
    assert facts["chosen"] == found["chosen"]
    assert run(arguments(corpus, study)) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert f"study: {reason}" in printed
    assert ("so its metric flatters" in printed) != default


def test_one_clip_more_is_not_enough(corpus: toy.Toy, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    base = corpus.request(tmp_path / "study", settings=parse_sets(QUICK))
    ranges = ("train.lr=5e-4..2e-3:log", "network.dropout=0.3..0.5", "train.modality_dropout=0,0.2")
    search = Search(base, dict(map(parse, ranges)), trials=3, seed=2)
    search.carry_out(1)
    chosen, choice = choose_trial(search)
    assert search.best().number != 0
    assert choice.ahead == pytest.approx(1 / 60)
    assert choice.standard_error == pytest.approx(1 / 60)
    assert chosen.number == 0


def test_of_a_metric_of_which_less_is_better_the_best_trial_has_less(
    corpus: toy.Toy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    brier = ("--set", "train.monitor=brier", "--trials", "3")
    for error in (0.0, 1.0):
        monkeypatch.setattr(Paired, "standard_error", lambda self, one, two, error=error: error)
        found = tuned(arguments(corpus, tmp_path / "study", *brier), capsys)
        assert found["best"]["number"] != 0
        assert found["choice"]["ahead"] > 0
        assert found["best"]["valid"] < found["trials"][0]["valid"]
        assert found["choice"]["trial"] == (0 if error else found["best"]["number"])


@pytest.mark.parametrize(
    ("task", "fusion"), [("multi", "late"), ("intensity", "late"), ("single", "m2fnet")]
)
def test_every_task_and_dialogues_are_compared(
    task: Task, fusion: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = toy.build(tmp_path / "toy", task=task)
    ranges = spaced("train.lr=1e-5..1e-1:log")
    asked = command(made, tmp_path / "study", *ranges, "--choose", "one-se", trials=3)
    asked[asked.index("late")] = fusion
    choice = tuned(asked, capsys)["choice"]
    assert choice["reason"] == "the default validates best" or choice["standard_error"] > 0


def test_the_best_trial_is_chosen_where_it_is_asked_for_and_back(
    corpus: toy.Toy,
    study: Path,
    never_clear: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    best = tuned(arguments(corpus, study, "--choose", "best"), capsys)
    asked = {"rule": "best", "trial": best["best"]["number"]}
    assert best["choice"] == {**asked, "reason": "the best trial was asked for"}
    assert best["chosen"] == best["best"]["settings"]
    back = tuned(arguments(corpus, study), capsys)
    assert back["choice"]["trial"] == 0
    assert read_toml(study / "best.toml")["network"]["hidden"] == 16
    # From Python it is the same choice.
    fixed = [pair for pair in QUICK if pair.split("=")[0] not in {p.split("=")[0] for p in LONG}]
    summary = emocli.tune(
        str(corpus.manifest.path),
        str(corpus.store),
        fusion="late",
        study=str(study),
        space=dict(text.split("=", 1) for text in HOLDING),
        trials=5,
        settings=parse_sets([*fixed, *LONG]),
        choose="best",
    )
    assert summary.chosen == best["best"]["settings"]


def test_what_is_chosen_alone_is_given_the_last_fit(
    corpus: toy.Toy,
    tmp_path: Path,
    never_clear: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And what is compared are the networks before it, which had not learnt from the clips."""
    study = tmp_path / "study"
    asked = arguments(corpus, study, "--set", "train.refit=true", "--seeds", "2", "--trials", "3")
    found = tuned(asked, capsys)
    assert found["choice"]["trial"] == 0
    assert {path.parent.parent.name for path in study.rglob(MODEL)} == {"trial-0000"}
    best = tuned([*asked, "--choose", "best"], capsys)
    assert {path.parent.parent.name for path in study.rglob(MODEL)} == {
        "trial-0000",
        Path(best["run"]).name,
    }
    assert tuned(asked, capsys)["choice"] == found["choice"]


def test_trials_of_a_former_version_are_not_compared(
    corpus: toy.Toy, whole: dict[str, Any], study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They have left no predictions of the valid split, and the default no network."""
    rundir.clear(study / "trial-0000")
    (study / f"trial-{whole['best']['number']:04d}" / FILE).unlink()
    found = tuned(arguments(corpus, study), capsys)
    assert found["choice"]["trial"] == whole["best"]["number"]
    assert (
        "predictions are not there to be compared: the best trial is chosen"
        in found["choice"]["reason"]
    )


@pytest.mark.parametrize("damage", ["row", "clip", "width", "label", "number", "empty"])
def test_predictions_that_are_damaged_are_refused(
    corpus: toy.Toy, study: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = study / "trial-0000" / FILE
    saved = json.loads(path.read_text())
    if damage == "row":
        saved["predictions"].pop()
    elif damage == "clip":
        saved["ids"][0] = "another"
    elif damage == "width":
        saved["predictions"][0].pop()
    elif damage == "label":
        saved["labels"][0] = 3
    elif damage == "number":
        saved["predictions"][0][0] = "x"
    path.write_text(json.dumps({} if damage == "empty" else saved))
    assert run(arguments(corpus, study)) == 2
    (line,) = (each for each in capsys.readouterr().err.splitlines() if each.startswith("error"))
    assert f"trial-0000/{FILE}: " in line
    assert "predictions of the valid split" in line


def test_a_rule_that_there_is_not_is_refused_before_anything(
    corpus: toy.Toy, tmp_path: Path
) -> None:
    pytest.importorskip("optuna")
    where = (corpus.manifest, corpus.store)
    rule: Any = "bset"
    with pytest.raises(ConfigError, match=r"^choose = 'bset'; there are: one-se, best$"):
        emocli.tune(*where, fusion="late", study=tmp_path / "study", choose=rule)
    assert not (tmp_path / "study").exists()


def test_of_another_choice_nothing_is_left_in_a_cross_validation(
    corpus: toy.Toy,
    tmp_path: Path,
    never_clear: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = [*arguments(corpus, tmp_path / "study"), "--folds", "3", "--trials", "3"]
    defaults = tuned(asked, capsys)
    assert {fold["choice"]["trial"] for fold in defaults["folds"]} == {0}
    chosen = tmp_path / "study" / "chosen"
    assert run(["evaluate", str(chosen), "--no-figures"]) == 0
    best = tuned([*asked, "--choose", "best"], capsys)
    for index, (old, new) in enumerate(zip(defaults["folds"], best["folds"], strict=True)):
        own, another = chosen / f"fold-{index}", Path(new["run"]) != Path(old["run"])
        assert (own / MODEL).read_bytes() == (Path(new["run"]) / MODEL).read_bytes()
        assert (own / rundir.REPORTS).exists() != another
    assert [Path(fold["run"]) for fold in best["folds"]] != [
        Path(fold["run"]) for fold in defaults["folds"]
    ]


def test_a_network_that_a_kill_has_left_goes_when_the_command_is_repeated(
    corpus: toy.Toy,
    whole: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kept = {f"trial-{number:04d}" for number in (0, whole["best"]["number"])}
    monkeypatch.setattr(Search, "_tidy", lambda self: None)
    tuned(arguments(corpus, tmp_path / "study"), capsys)
    assert len(list((tmp_path / "study").glob("trial-*/config.json"))) > len(kept)
    monkeypatch.undo()
    tuned(arguments(corpus, tmp_path / "study"), capsys)
    assert {path.parent.name for path in (tmp_path / "study").rglob("config.json")} == kept


def test_the_default_is_never_pruned(
    corpus: toy.Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    optuna = pytest.importorskip("optuna")
    monkeypatch.setattr(optuna.trial.Trial, "should_prune", lambda self: True)
    summary = emocli.tune(
        corpus.manifest,
        corpus.store,
        fusion="late",
        study=tmp_path / "study",
        trials=3,
        settings=parse_sets(QUICK),
    )
    assert [trial.state for trial in summary.trials] == ["complete", "pruned", "pruned"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("--set", "train.monitor=loss"), "and loss has no standard error: "),
        (
            ("--space", "train.weight_decay=0.5,0.6"),
            "not tried as a whole, or failed: ",
        ),
    ],
)
def test_where_there_is_nothing_to_compare_the_best_trial_is_chosen(
    corpus: toy.Toy,
    tmp_path: Path,
    more: tuple[str, str],
    why: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = tuned(arguments(corpus, tmp_path / "study", *more, "--trials", "3"), capsys)
    assert found["choice"]["trial"] == found["best"]["number"]
    assert found["choice"]["reason"].endswith(f"{why}the best trial is chosen")
    assert found["chosen"] == found["best"]["settings"]
