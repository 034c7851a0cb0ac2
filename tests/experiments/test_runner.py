"""Experiments: every row is trained and tested as it would be by hand, and an interruption costs
nothing but time."""

from __future__ import annotations

import json
import subprocess
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from emocli import plugins
from emocli.config import merge
from emocli.errors import EmocliError, RunError
from emocli.evaluation.evaluate import evaluate
from emocli.experiments.runner import Reproduction, plan
from emocli.models import rundir
from emocli.plugin.experiment import CLEAN, RobustOptions, Row, Table
from emocli.robust.check.io import load_check
from emocli.training.fit_cca import fit_cca
from tests import toy
from tests.experiments.small import NOISE, ONCE, PAIRS, QUICK, ROWS, SETTINGS, Config, run
from tests.interrupt import COMMAND, kill_when

corpus = toy.fixture()


@pytest.fixture(scope="module")
def done(corpus: toy.Toy, tmp_path_factory: pytest.TempPathFactory) -> Reproduction:
    """The table, which nobody writes to."""
    table = Table(
        "A table",
        ROWS,
        metrics=("accuracy", "uar"),
        comparisons=PAIRS,
        recoveries=(("both, checked", "face", "Both + more"), ("smell", "face", "SVM")),
    )
    module = SimpleNamespace(__name__="toy", Config=Config, table=lambda config: table)
    load = plugins.load
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plugins, "load", lambda k, n: module if k == "experiments" else load(k, n))
        return run(corpus, tmp_path_factory.mktemp("out"))


def row(report: Reproduction, name: str) -> dict[str, Any]:
    (result,) = (result for result in report.data["rows"] if result["row"] == name)
    return dict(result)


def without_seconds(report: Reproduction) -> dict[str, Any]:
    data = json.loads(json.dumps(report.data))
    del data["seconds"]
    for result in data["rows"]:
        result.pop("seconds", None)
    return dict(data)


# -- what comes out


def test_a_row_is_what_the_commands_give(corpus, done, tmp_path):
    request = corpus.request(tmp_path / "late", settings=QUICK, seeds=2, preset="paper")
    request.cross_validate(3)
    by_hand = evaluate(tmp_path / "late", corrupt=NOISE.corrupt, figures=False).data
    clean, noisy = row(done, "Both + more")["conditions"]
    for metric in ("accuracy", "accuracy_std", "accuracy_ci", "uar", "per_class", "by_seed"):
        assert clean[metric] == by_hand["clean"][metric]
        assert noisy[metric] == by_hand["corrupted"][metric]
    models = {p.relative_to(tmp_path / "late") for p in tmp_path.rglob("model.safetensors")}
    runs = done.path.parent / "runs" / "both-more"
    assert len(models) == 6
    for model in models:
        assert (runs / model).read_bytes() == (tmp_path / "late" / model).read_bytes()
    assert evaluate(runs, figures=False).data["accuracy"] == clean["accuracy"]


def test_every_row_is_there(done):
    states = {result["row"]: result["state"] for result in done.data["rows"]}
    assert states == dict.fromkeys((r.name for r in ROWS), "done") | {"smell": "lacking"}
    assert row(done, "smell")["lacking"] == (
        "no feature of olfactory (there are: audio, text, visual)"
    )
    assert done.data["n"] == 51
    assert row(done, "face")["features"] == ["face_hog"]
    assert row(done, "face")["parameters"] < row(done, "Both + more")["parameters"]
    assert len(row(done, "face")["best_epochs"]) == 6
    assert row(done, "face")["seconds"] > 0


def test_baselines_have_their_metrics(done):
    (prior,) = row(done, "prior")["conditions"]
    assert prior["accuracy"] == pytest.approx(1 / 3, abs=0.05)
    clean, noisy = row(done, "SVM")["conditions"]
    assert clean["accuracy"] > noisy["accuracy"]
    assert len(row(done, "SVM")["C"]) == 3
    assert "accuracy_std" not in clean


def test_a_row_like_another_one_is_tested_in_another_way(done):
    plain, checked = row(done, "Both + more"), row(done, "both, checked")
    assert checked["parameters"] == plain["parameters"]
    assert plain["conditions"][0]["accuracy"] == checked["conditions"][0]["accuracy"]
    assert checked["conditions"][1]["repair"] == "check, discard"
    assert checked["conditions"][1]["corrupted"]["visual"] == 51
    assert not (done.path.parent / "runs" / "both-checked").exists()


def test_rows_are_compared_clip_by_clip(corpus, done):
    result = done.data["comparisons"]
    assert [(f["rows"][1], f["condition"]) for f in result] == [
        ("face", "clean"),
        ("face", "noise"),
        ("SVM", "clean"),
        ("SVM", "noise"),
    ]
    values = {
        name: [c["accuracy"] for c in row(done, name)["conditions"]]
        for name in ("Both + more", "SVM")
    }
    ours, theirs = values["Both + more"], values["SVM"]
    clean, noise = result[2:]
    assert clean["difference"]["mean"] == pytest.approx(ours[0] - theirs[0])
    assert "loss" not in clean
    assert noise["difference"]["mean"] == pytest.approx(ours[1] - theirs[1])
    lost = (ours[0] - ours[1]) - (theirs[0] - theirs[1])
    assert noise["loss"]["mean"] == pytest.approx(lost)
    low, high = noise["loss"]["ci"]
    assert low <= lost <= high


def test_a_row_makes_up_for_a_share_of_what_lies_between_two_others(done):
    (result,) = done.data["recoveries"]  # of 'smell' nothing is known
    assert result["rows"] == ["both, checked", "face", "Both + more"]
    ours, worse, better = (row(done, n)["conditions"][0]["accuracy"] for n in result["rows"])
    assert result["share"]["mean"] == pytest.approx((ours - worse) / (better - worse))
    assert result["share"]["mean"] == 1  # both are right of the same clips,
    assert result["share"]["ci"] == [None, None]  # so that all draws are alike


def test_the_table_can_be_read(done):
    text = done.table.read_text()
    clean = row(done, "Both + more")["conditions"][0]
    cell = f"{clean['accuracy']:.3f} ± {clean['accuracy_std']:.3f}"
    assert f"| Both + more | {cell} |" in text
    uar = f"{clean['uar']:.3f} ± {clean['uar_std']:.3f} (0.500)"
    assert f"| Both + more | {uar} |" in text
    assert "- smell: no feature of olfactory" in text
    assert json.loads(done.path.read_text()) == done.data
    assert done.figures[0].read_bytes().startswith(b"\x89PNG")


def test_settings_reach_the_networks_that_have_them(corpus, tmp_path, experiment):
    experiment((Row("a", fusion="gca", settings={"train": {"clip": 0.5}}), Row("b", fusion="late")))
    settings = {
        "network": {"hops": 2},
        "train": {"epochs": 1},
        "rows": {"b": {"train": {"lr": 0.25, "epochs": 2}}},
        "reproduce": {"folds": 0, "seeds": 1},
    }
    result = run(corpus, tmp_path, settings=settings)
    a, b = (rundir.read_config(tmp_path / "runs" / name) for name in "ab")
    assert (a.network["hops"], a.network["hidden"], a.train.clip, a.train.epochs) == (2, 6, 0.5, 1)
    assert "hops" not in b.network
    assert (b.network["hidden"], b.train.lr, b.train.epochs) == (6, 0.25, 2)
    assert a.fold is None
    assert result.data["n"] == 15


def test_what_tells_rows_apart_is_not_set_for_all_of_them(corpus, tmp_path, experiment):
    experiment([Row(f"{n}", fusion="gca", settings={"network": {"hops": n}}) for n in (1, 2, 3)])
    settings = {
        "network": {"hops": 2},
        "rows": {"3": {"network": {"hops": 4}}},
        "train": {"epochs": 1},
        "reproduce": {"folds": 0, "seeds": 1},
    }
    said: list[str] = []
    run(corpus, tmp_path, settings=settings, say=said.append)
    result = [rundir.read_config(tmp_path / "runs" / name).network["hops"] for name in "123"]
    assert result == [1, 2, 4]
    (line,) = (line for line in said if line.startswith("warning: "))
    assert line == (
        "warning: network.hops does not count for 1, 3, which the table tells apart by it; "
        "rows.ROW.network.hops changes one"
    )
    planned = plan("rrnn-t2", corpus.manifest, corpus.store, merge(SETTINGS, settings))
    assert planned.remarks == (line.removeprefix("warning: "),)


def test_general_settings_that_the_table_shares_are_no_matter(corpus, experiment):
    experiment([Row("a", fusion="gca", settings={"network": {"hops": 3}})])
    settings = merge(SETTINGS, {"network": {"hops": 3, "hidden": 8}})
    assert plan("rrnn-t2", corpus.manifest, corpus.store, settings).remarks == ()


def test_baselines_see_features_standardised_like_those_of_networks(corpus, tmp_path, experiment):
    experiment(ROWS[5:])
    whole = row(run(corpus, tmp_path), "SVM")["conditions"]
    cut = row(run(corpus, tmp_path, settings={"train": {"outliers": 0.2}}), "SVM")["conditions"]
    assert whole[0]["per_class"] != cut[0]["per_class"]
    assert row(run(corpus, tmp_path), "SVM")["conditions"] == whole


def test_rows_can_be_run_one_by_one(corpus, tmp_path, done, experiment):
    experiment(comparisons=PAIRS)
    result = run(corpus, tmp_path, settings={"reproduce": {"only": ["both-checked"]}})
    states = {each["row"]: each["state"] for each in result.data["rows"]}
    assert states["both, checked"] == states["Both + more"] == "done"
    assert states["face"] == "not yet run"
    assert result.data["experiment"] == "rrnn-t2"
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name == "both-more"
    whole = run(corpus, tmp_path)
    assert [each["state"] for each in whole.data["rows"]] == [
        each["state"] for each in done.data["rows"]
    ]
    assert whole.data["comparisons"] == done.data["comparisons"]


def test_training_may_be_corrupted_and_checked(corpus, tmp_path, experiment):
    robust = RobustOptions(corrupt=("visual:zero",), check=True)
    experiment((Row("a", fusion="late", training=robust, conditions=(CLEAN, NOISE)),))
    result = run(corpus, tmp_path, settings=ONCE)
    config = rundir.read_config(tmp_path / "runs" / "a" / "fold-1")
    assert config.robust == {"trust": "check", "corrupt": ["visual:zero"]}
    assert row(result, "a")["conditions"][1]["repair"] == "check, discard"


def test_a_check_that_is_there_is_used_and_a_warning_says_if_it_has_other_settings(
    tmp_path, experiment
):
    corpus = toy.build(tmp_path / "toy")
    experiment((Row("a", fusion="late", training=RobustOptions(check=True)),))
    said: list[str] = []
    once = {"reproduce": {"seeds": 1, "folds": 0}}
    fit_cca(corpus.manifest, corpus.store)
    before = (corpus.store / "check.h5").read_bytes()
    run(corpus, tmp_path / "same", settings=once, say=said.append)
    assert not any("warning" in line for line in said)
    other = once | {"check": {"rule": "any"}}
    run(corpus, tmp_path / "other", settings=other, say=said.append)
    (warning,) = [line for line in said if "warning" in line]
    assert "check.h5 has other settings than would be given it here" in warning
    assert (corpus.store / "check.h5").read_bytes() == before
    (corpus.store / "check.h5").unlink()
    run(corpus, tmp_path / "anew", settings=other)
    assert load_check(corpus.store / "check.h5").config.rule == "any"


def test_intensities_are_compared_by_their_errors(tmp_path, experiment):
    corpus = toy.build(tmp_path / "toy", "intensity")
    rows = (Row("a", baseline="svm", conditions=(CLEAN, NOISE)), Row("b", baseline="prior"))
    experiment(rows, metrics=("mse_sum",), comparisons=(("a", "b"), ("a", "a")))
    result = run(corpus, tmp_path / "out")
    ours, theirs = row(result, "a")["conditions"], row(result, "b")["conditions"]
    first, *_, last = result.data["comparisons"]
    assert first["metric"] == "mse_sum"
    assert first["difference"]["mean"] == pytest.approx(ours[0]["mse_sum"] - theirs[0]["mse_sum"])
    assert last["loss"]["mean"] == 0


# -- interruptions


def test_what_is_done_is_not_done_again(corpus, tmp_path, experiment, monkeypatch):
    experiment(ROWS[1:3])
    said: list[str] = []
    first = run(corpus, tmp_path, settings=ONCE, say=said.append)
    trained = [line for line in said if ": training " in line]
    assert trained == ["face: training unimodal, 3 times", "Both + more: training late, 3 times"]
    files = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.npz")}
    files |= {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.safetensors")}
    assert len(files) == 2 * (6 + 3)  # conditions and networks of three folds
    monkeypatch.setattr("emocli.experiments.feature_rows.RunEvaluator", None)  # nobody is asked
    said.clear()
    again = run(corpus, tmp_path, settings=ONCE, say=said.append)
    assert not any(": training " in line for line in said)
    assert without_seconds(again) == without_seconds(first)
    assert again.data["seconds"] == first.data["seconds"]
    assert {p: p.stat().st_mtime_ns for p in files} == files


def test_cached_evaluations_of_other_settings_are_not_used(corpus, tmp_path, experiment):
    experiment((ROWS[1],))
    first = run(corpus, tmp_path, settings=ONCE)
    other = run(corpus, tmp_path, settings=merge(ONCE, {"reproduce": {"corruption_seed": 1}}))
    clean, noisy = (
        [r["conditions"][k]["by_seed"] for r in (row(first, "face"), row(other, "face"))]
        for k in range(2)
    )
    assert clean[0] == clean[1]
    assert noisy[0] != noisy[1]
    for path in tmp_path.rglob("*.npz"):
        path.write_bytes(path.read_bytes()[:100])  # truncated
    assert without_seconds(run(corpus, tmp_path, settings=ONCE)) == without_seconds(first)


def test_another_setting_needs_another_folder_or_overwrite(corpus, tmp_path, experiment):
    experiment((ROWS[1],))
    changed = merge(ONCE, {"train": {"lr": 0.02}})
    run(corpus, tmp_path, settings=ONCE)
    with pytest.raises(RunError, match=r"trained with train.lr = 0.01 .* --overwrite") as caught:
        run(corpus, tmp_path, settings=changed)
    assert "choose another --out" in str(caught.value)
    run(corpus, tmp_path, settings=changed, overwrite=True)
    assert rundir.read_config(tmp_path / "runs" / "face" / "fold-2").train.lr == 0.02


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on(corpus, tmp_path):
    """SIGKILL of the whole in the middle of a training by two processes, and once more."""
    arguments = ["rrnn-t2", str(corpus.folder / "toy.csv"), "--store", str(corpus.store)]
    arguments += ["--folds", "3", "--seeds", "1", "-f", "mel", "-f", "face_hog"]
    for section in ("network", "train"):
        for key, value in QUICK[section].items():
            arguments += ["--set", f"{section}.{key}={value}"]
    arguments += ["--set", "experiment.noise=['0dB']"]
    command = [*COMMAND, "reproduce", *arguments]
    killed = [*command, "--out", str(tmp_path / "killed"), "--workers", "2"]

    def has_trained(count: int) -> bool:
        return len(list((tmp_path / "killed").rglob("model.safetensors"))) >= count

    for count in (2, 8):
        kill_when(partial(has_trained, count), killed, seconds=200)
    for arguments in (killed, [*command, "--out", str(tmp_path / "whole")]):
        subprocess.run(arguments, check=True, capture_output=True)
    reports = [json.loads((tmp_path / n / "report.json").read_text()) for n in ("killed", "whole")]
    for report in reports:
        del report["seconds"]
        for result in report["rows"]:
            result.pop("seconds", None)
    assert reports[0] == reports[1]
    assert sum(result["state"] == "done" for result in reports[0]["rows"]) == 8


def test_two_do_not_meet(corpus, tmp_path, experiment):
    experiment((ROWS[0],))

    def second(step: str) -> None:
        with pytest.raises(EmocliError, match="is being written by process"):
            run(corpus, tmp_path)

    run(corpus, tmp_path, say=second)
