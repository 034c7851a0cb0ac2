"""The search for settings through the command: it draws, resumes, and sees no test clip."""

from __future__ import annotations

import contextlib
import html
import io
import json
import math
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import emocli
from emocli import plugins
from emocli.cli.app import run
from emocli.config import merge, read_toml
from emocli.errors import RunError
from emocli.models import rundir
from emocli.models.rundir import BASELINES, MODEL, read_config
from emocli.training.fusion_task import FusionTask
from emocli.training.train import TrainRequest
from emocli.training.tuning.journal import JOURNAL, open_study
from emocli.training.tuning.search import Search
from emocli.training.tuning.study_summary import NestedSummary, SearchReport
from tests import toy
from tests.conftest import Refused
from tests.interrupt import interrupted
from tests.training.tuning.searches import SPACE, command, spaced, tuned

pytestmark = pytest.mark.usefixtures("undrawn")

corpus = toy.fixture(noise=1.5)

SMALL = ("--set", "network.hidden=4")
"""For a search of other settings."""


@pytest.fixture(scope="module")
def whole(corpus: toy.Toy, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What six trials in one go come to, in a study that nobody writes to."""
    pytest.importorskip("optuna")
    study, out = tmp_path_factory.mktemp("study") / "whole", io.StringIO()
    with contextlib.redirect_stdout(out):
        assert run([*command(corpus, study, *spaced(*SPACE)), "--json"]) == 0
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def essence(summary: dict[str, Any]) -> Any:
    keys = ("number", "settings", "state", "valid", "epochs")
    return [{key: trial[key] for key in keys} for trial in summary["trials"]]


def noted(path: Path) -> list[str]:
    """Return the command that a file of settings speaks of, up to the folder of the run."""
    line = next(each for each in path.read_text().splitlines() if each.startswith("# emocli "))
    assert line.endswith(" --run RUN")
    return shlex.split(line)[2:-1]


# -- the search


def test_it_chooses_what_validates_best(
    corpus: toy.Toy, whole: dict[str, Any], tmp_path: Path
) -> None:
    found = whole
    study = Path(found["study"])
    assert [trial["number"] for trial in found["trials"]] == list(range(6))
    assert set(found["space"]) >= {part.partition("=")[0] for part in SPACE}
    done = {t["number"]: t["valid"] for t in found["trials"] if t["state"] == "complete"}
    assert found["best"]["valid"] == max(done.values())
    assert found["budget"]["epochs"] == sum(t["epochs"] for t in found["trials"]) > 0
    assert len({json.dumps(trial["settings"]) for trial in found["trials"]}) > 3
    # The network of the best trial is there, and has what was drawn; the others' are removed.
    models = list(study.rglob(MODEL))
    assert models == [Path(found["run"]) / MODEL]
    network = read_config(Path(found["run"])).network
    assert network["hidden"] == found["chosen"]["network.hidden"]
    assert (Path(found["run"]) / BASELINES).is_file()
    page = (study / "study.html").read_text()
    assert page.count("data:image/png") >= 2
    report = json.loads((study / "study.json").read_text())
    assert list(report)[:3] == ["format", "split", "study"]
    assert SearchReport.read(study / "study.json").data() == report == found
    assert "epochs" in page
    # Trained again by the command in its file, it is the same network.
    assert run([*noted(study / "best.toml"), str(tmp_path / "r")]) == 0
    assert (tmp_path / "r" / MODEL).read_bytes() == models[0].read_bytes()


def test_more_trials_go_on(
    corpus: toy.Toy, whole: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = tuned(command(corpus, tmp_path / "a", *spaced(*SPACE), trials=3), capsys)
    more = tuned(command(corpus, tmp_path / "a", *spaced(*SPACE), trials=6), capsys)
    assert essence(more)[:3] == essence(few)
    assert essence(more) == essence(whole)
    assert run(command(corpus, tmp_path / "a", *spaced("train.lr=0.1..0.2"))) == 2
    assert (
        "holds a study of another space.network.dropout, space.network.hidden, space.train.lr"
        in capsys.readouterr().err
    )


def test_samplers_and_seeds_draw_otherwise(
    corpus: toy.Toy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Ten trials are random with both samplers; none is trained here but the best."""
    monkeypatch.setattr(
        Search, "_judged", lambda self, trial, drawn: ("complete", drawn["train.lr"])
    )
    cases = {"tpe": [], "other": ["--sampler-seed", "1"], "random": ["--sampler", "random"]}
    found = {
        name: tuned(command(corpus, tmp_path / name, *spaced(*SPACE), *more, trials=13), capsys)
        for name, more in cases.items()
    }
    drawn = {name: json.dumps([t["settings"] for t in s["trials"]]) for name, s in found.items()}
    assert len(set(drawn.values())) == 3


def test_unpromising_trials_end_early(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ranges = spaced("train.lr=1e-7..1e-1:log")
    longer = ("--set", "train.epochs=7", "--set", "train.patience=7")
    found = {
        name: tuned(command(corpus, tmp_path / name, *ranges, *longer, *more, trials=10), capsys)
        for name, more in {"pruned": [], "whole": ["--no-prune"]}.items()
    }
    assert found["pruned"]["budget"]["pruned"] > 0
    assert found["whole"]["budget"]["pruned"] == 0
    assert found["pruned"]["budget"]["epochs"] < found["whole"]["budget"]["epochs"] == 10 * 7
    assert all(trial["epochs"] >= 5 for trial in found["pruned"]["trials"])


def test_interrupted_anywhere_it_ends_as_one_that_was_not(
    corpus: toy.Toy,
    whole: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    checkpoints: None,
) -> None:
    for _ in range(10):
        with interrupted(monkeypatch, FusionTask, "epoch", 3):
            if run(command(corpus, tmp_path / "parts", *spaced(*SPACE))) == 0:
                break
    parts = tuned(command(corpus, tmp_path / "parts", *spaced(*SPACE)), capsys)
    assert essence(parts) == essence(whole)
    assert parts["importances"] == whole["importances"]
    assert (Path(parts["run"]) / MODEL).read_bytes() == (Path(whole["run"]) / MODEL).read_bytes()


def test_killed_it_goes_on(
    corpus: toy.Toy, whole: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By SIGKILL, in the midst of writing the journal too: its last line may be torn."""
    arguments = command(corpus, tmp_path / "killed", *spaced(*SPACE))
    code = f"from emocli.cli.app import run; raise SystemExit(run({arguments!r}))"
    journal = tmp_path / "killed" / JOURNAL
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    ends = time.monotonic() + 120
    while child.poll() is None and time.monotonic() < ends:
        if journal.is_file() and journal.read_bytes().count(b"\n") > 12:
            os.kill(child.pid, signal.SIGKILL)
            break
        time.sleep(0.01)
    child.wait(60)
    with journal.open("ab") as file:
        file.write(b'{"op_code": 5, "wor')
    assert essence(tuned(arguments, capsys)) == essence(whole)


@pytest.mark.slow
def test_killed_ten_times_it_is_the_same_study(
    corpus: toy.Toy,
    whole: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    checkpoints: None,
) -> None:
    """By SIGKILL at ten places of the journal; the last round is left to come to its end."""
    arguments = command(corpus, tmp_path / "killed", *spaced(*SPACE))
    journal, kills = tmp_path / "killed" / JOURNAL, 0
    for _ in range(10):
        kills += _killed_later(arguments, journal)
    assert kills == 10
    parts = tuned(arguments, capsys)
    assert essence(parts) == essence(whole)
    assert parts["importances"] == whole["importances"]
    assert (Path(parts["run"]) / MODEL).read_bytes() == (Path(whole["run"]) / MODEL).read_bytes()


def _killed_later(arguments: list[str], journal: Path) -> bool:
    """Carry on with a search in another process; kill it some lines of the journal later."""
    before = _lines(journal)
    child = os.fork()
    if child == 0:
        with Path(os.devnull).open("w") as sys.stdout:
            os._exit(run(arguments))
    ends = time.monotonic() + 60
    while time.monotonic() < ends and _lines(journal) < before + 6:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    return os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0


@pytest.mark.slow
def test_a_cluster_does_the_same_trials(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One thread after the other: a worker's libraries have one source of randomness."""
    distributed = pytest.importorskip("distributed")
    random = ("--sampler", "random")
    arguments = command(corpus, tmp_path / "dask", *spaced(*SPACE), *random)
    here = tuned(command(corpus, tmp_path / "here", *spaced(*SPACE), *random), capsys)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None
    ) as cluster:
        there = tuned([*arguments, "--scheduler", cluster.scheduler_address], capsys)
    assert essence(there) == essence(here)
    assert run([*arguments, "--scheduler", "nonsense://127.0.0.1:1", "--trials", "9"]) == 2
    assert "is no address" in capsys.readouterr().err


def test_workers_share_the_trials(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = command(corpus, tmp_path / "study", *spaced(*SPACE), "--workers", "2", trials=4)
    found = tuned(arguments, capsys)
    assert [trial["number"] for trial in found["trials"]] == list(range(4))


def test_what_fails_is_counted_and_the_others_go_on(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spaces = spaced("train.scheduler=none,plateau")  # which needs train.patience
    options = (*spaces, *SMALL, "--set", "train.patience=0")
    pytest.importorskip("optuna")
    assert run([*command(corpus, tmp_path / "a", *options, trials=6), "--json"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    failed = [trial for trial in found["trials"] if trial["state"] == "failed"]
    assert 0 < found["budget"]["failed"] == len(failed) < 6
    why = "setting 'train.scheduler' = 'plateau' waits a third of train.patience, which is 0"
    assert all(trial["error"].startswith(why) for trial in failed)
    assert f"a: {len(failed)} of 6 trials failed ({why}" in printed.err
    page = (tmp_path / "a" / "study.html").read_text("utf-8")
    assert page.count(html.escape(why)) == len(failed)


def test_where_none_comes_to_its_end_it_says_why(
    corpus: toy.Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    pytest.importorskip("optuna")
    reasons = iter(("the loss is not finite", "no room"))

    def fails(self: TrainRequest, **options: object) -> None:
        raise RunError(next(reasons), where=self.run.name)

    monkeypatch.setattr(TrainRequest, "train", fails)
    options = (*spaced(*SPACE), "--set", "train.swa=0")
    said = refused(*command(corpus, tmp_path / "study", *options, trials=2))
    assert "none of 2 trials came to its end (trial-0000: the loss is not finite); choose" in said


def test_a_metric_that_is_no_number_is_why(
    corpus: toy.Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    pytest.importorskip("optuna")
    summary = SimpleNamespace(valid={"accuracy": math.nan})
    monkeypatch.setattr(TrainRequest, "train", lambda self, **options: summary)
    options = (*spaced(*SPACE), "--set", "train.swa=0")
    said = refused(*command(corpus, tmp_path / "study", *options, trials=2))
    assert "none of 2 trials came to its end (validation accuracy is nan); choose" in said


# -- what it never sees


def test_labels_of_the_test_split_decide_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = toy.build(tmp_path / "toy")
    found = []
    for number, label in enumerate((None, toy.CLASSES[0])):
        other = made.with_test_labels(label, f"other{number}.csv")
        arguments = command(other, tmp_path / str(number), *spaced(*SPACE), trials=2)
        found.append(essence(tuned(arguments, capsys)))
    assert found[0] == found[1]


def test_nested_every_clip_is_predicted_by_settings_chosen_without_it(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study"
    speakers = ("--set", "train.normalise=speaker")
    arguments = command(corpus, study, *spaced(*SPACE), *speakers, "--folds", "3", trials=2)
    found = tuned(arguments, capsys)
    assert len(found["folds"]) == 3
    report = json.loads((study / "study.json").read_text())
    assert next(iter(report)) == "format"
    assert NestedSummary.read(study / "study.json").data() == report == found
    assert report["emocli"] == emocli.__version__
    chosen = study / "chosen"
    for index, fold in enumerate(found["folds"]):
        config = read_config(chosen / f"fold-{index}")
        assert config.tuned
        assert config.fold is not None
        assert config.fold.index == index
        assert config.network["hidden"] == fold["chosen"]["network.hidden"]
        # It is the search on this fold's train and valid split alone, whatever the others chose.
        own = corpus.manifest.folded(index, 3)
        tested = {clip.id for clip in own.split("test")}
        assert tested.isdisjoint({c.id for c in (*own.split("train"), *own.split("valid"))})
        assert fold["best"]["valid"] == max(t["valid"] or 0 for t in fold["trials"])
    assert len({json.dumps(fold["chosen"]) for fold in found["folds"]}) > 1
    assert run(["evaluate", str(chosen), "--no-figures", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["n"] == len(corpus.manifest.clips)
    assert "svm" in report["classical"]
    assert "unlabelled clips of the tested speakers" in report["normalised"]
    assert any("chosen by a search without the clips it tests" in r for r in report["remarks"])
    assert rundir.folds(chosen)
    page = (study / "study.html").read_text()
    assert page.count("data:image/png") == 1
    for fold in found["folds"]:
        assert f'<td class="number">{fold["best"]["valid"]:.4f}</td>' in page
        assert f"{Path(fold['study']).name}/study.html" in page
        assert f'<td class="number">{fold["chosen"]["train.lr"]:.4g}</td>' in page
    assert f"{found['budget']['epochs']} epochs" in page
    assert essence(tuned(arguments, capsys)["folds"][0]) == essence(found["folds"][0])


def test_a_study_of_former_defaults_is_not_gone_on_with(
    corpus: toy.Toy,
    whole: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    refused: Refused,
) -> None:
    """The default of a setting that is searched has no part in any trial."""
    module = plugins.load("fusion", "late")
    presets = merge(module.PRESETS, {"plus": {"train": {"clip": 0.5, "lr": 0.5}}})
    monkeypatch.setattr(module, "PRESETS", presets)
    study = shutil.copytree(whole["study"], tmp_path / "study")
    said = refused(*command(corpus, study, *spaced(*SPACE), trials=7))
    assert "study: holds a study of another default.train.clip; choose another --study" in said


def test_a_study_that_has_not_noted_its_defaults_goes_on_with_a_warning(
    corpus: toy.Toy, whole: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(whole["study"], tmp_path / "study")
    study = open_study(folder, lower=False, sampler="tpe", seed=0, prune=True)
    asked = study.user_attrs["asked"]
    assert asked.pop("default")
    assert asked.pop("inputs")
    study.set_user_attr("asked", asked)
    assert run([*command(corpus, folder, *spaced(*SPACE)), "--json"]) == 0
    shown = capsys.readouterr()
    assert essence(json.loads(shown.out)) == essence(whole)
    assert f"warning: {folder}: the version that began this study did not note its" in shown.err
    assert "choose another --study" in shown.err
    assert shown.err.count("warning: some values in the search space do nothing: train.swa") == 1


def test_settings_of_best_are_written_as_toml(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = (*SMALL, "--set", "network.stride.audio=2", "--set", "train.class_weights.joy=2.5")
    of = ("-f", "mel", "-f", "glove", "--seeds", "2")
    tuned(command(corpus, tmp_path / "study", *more, *of, trials=1), capsys)
    assert {*of} <= {*noted(tmp_path / "study" / "best.toml")}
    tree = read_toml(tmp_path / "study" / "best.toml")
    assert tree["network"]["stride"] == {"audio": 2}
    assert tree["train"]["class_weights"] == {"joy": 2.5}
    assert tree["train"]["epochs"] == 3
