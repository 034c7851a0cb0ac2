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
from emocli.errors import RunError
from emocli.evaluation.evaluator import RunEvaluator
from emocli.metrics.paired import Paired
from emocli.models import rundir
from emocli.models.rundir import MODEL, read_config
from emocli.models.valid_predictions import FILE
from emocli.pipeline.inspect import inspect
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
    assert choice["standard_error"] == pytest.approx(error, rel=0.05)
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
    said = {1.0: ", no more than one standard error (1.0000): the default is chosen"}
    said |= {0.0: ", more than one standard error (0.0000)"}
    what = said.get(
        error, ", and the clips are too few for a standard error: the default is chosen"
    )
    line = f"rial {found['best']['number']} is ahead of the default by "
    report = SearchReport.read(study / "study.json")
    assert report.data() == found
    assert line in str(report.reason)
    assert str(report.reason).endswith(what)
    assert f"# t{str(report.reason)[1:]}." in (study / "best.toml").read_text()
    page = (study / "study.html").read_text()
    assert line in page
    assert f"Chosen is trial {number}:" in page
    facts = inspect(study).facts
    assert (facts["best_trial"], facts["chosen_trial"]) == (found["best"]["number"], number)
    assert facts["chosen"] == found["chosen"]
    assert run(arguments(corpus, study)) == 0
    assert f"study: t{str(report.reason)[1:]}" in " ".join(capsys.readouterr().out.split())


def test_the_best_trial_is_chosen_where_it_is_asked_for_and_back(
    corpus: toy.Toy,
    study: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Paired, "standard_error", lambda self, first, second: 1.0)
    best = tuned(arguments(corpus, study, "--choose", "best"), capsys)
    assert best["choice"] == {"rule": "best", "trial": best["best"]["number"]}
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
    assert (summary.chosen, summary.reason) == (best["best"]["settings"], None)


def test_what_is_chosen_alone_is_given_the_last_fit(
    corpus: toy.Toy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And what is compared are the networks before it, which had not learnt from the clips."""
    monkeypatch.setattr(Paired, "standard_error", lambda self, first, second: 1.0)
    study = tmp_path / "study"
    asked = arguments(corpus, study, "--set", "train.refit=true", "--seeds", "2")
    found = tuned(asked, capsys)
    assert found["choice"]["trial"] == 0
    assert {path.parent.parent.name for path in study.rglob(MODEL)} == {"trial-0000"}
    best = tuned([*asked, "--choose", "best"], capsys)
    assert {path.parent.parent.name for path in study.rglob(MODEL)} == {
        "trial-0000",
        Path(best["run"]).name,
    }
    assert tuned(asked, capsys)["choice"] == found["choice"]


def test_trials_without_predictions_of_the_valid_split_are_trained_once_more(
    corpus: toy.Toy, whole: dict[str, Any], study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As after a search by a former version, which removed all networks but the best."""
    model = (study / "trial-0000" / MODEL).read_bytes()
    rundir.clear(study / "trial-0000")
    (study / f"trial-{whole['best']['number']:04d}" / FILE).unlink()
    found = tuned(arguments(corpus, study), capsys)
    assert found["choice"] == whole["choice"]
    assert (study / "trial-0000" / MODEL).read_bytes() == model


def test_predictions_that_are_damaged_are_refused(
    corpus: toy.Toy, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (study / "trial-0000" / FILE).write_text("{}")
    assert run(arguments(corpus, study)) == 2
    said = capsys.readouterr().err
    assert "is damaged or not that of predictions of the valid split" in said
    with pytest.raises(RunError):
        rundir.read_valid_predictions(study)


@pytest.mark.parametrize(
    "more",
    [
        ("--set", "train.monitor=loss"),  # which has no standard error
        ("--space", "train.weight_decay=0.5,0.6"),  # so that the default is not tried as a whole
    ],
)
def test_where_there_is_nothing_to_compare_the_best_trial_is_chosen(
    corpus: toy.Toy, tmp_path: Path, more: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = tuned(arguments(corpus, tmp_path / "study", *more), capsys)
    assert found["choice"] == {"rule": "one-se", "trial": found["best"]["number"]}
    assert found["chosen"] == found["best"]["settings"]
