"""Experiments: every row is trained and tested as it would be by hand, and an interruption costs
nothing but time."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from emocli import plugins
from emocli.config import Settings, merge
from emocli.errors import ConfigError, EmocliError, ManifestError, RunError
from emocli.evaluation.evaluate import evaluate
from emocli.experiments.runner import Reproduction, plan, reproduce
from emocli.models import rundir
from emocli.plugin.experiment import CLEAN, Condition, RepairOptions, RobustOptions, Row, Table
from emocli.robust.check.io import load_check
from emocli.training.fit_cca import fit_cca
from tests import toy
from tests.interrupt import COMMAND, kill_when

NOISE = Condition("noise", ("visual:gaussian@-10dB",))
CHECKED = Condition("noise", NOISE.corrupt, repair=RepairOptions(check=True))
QUICK = merge(toy.QUICK, {"train": {"threads": 1}})
SETTINGS = {**QUICK, "reproduce": {"folds": 3, "seeds": 2}}

ROWS = (
    Row("prior", baseline="prior"),
    Row("face", fusion="unimodal", modalities=("visual",), conditions=(CLEAN, NOISE)),
    Row("Both + more", fusion="late", conditions=(CLEAN, NOISE), printed={"clean": {"uar": 0.5}}),
    Row("both, checked", like="Both + more", conditions=(CLEAN, CHECKED)),
    Row("smell", fusion="unimodal", modalities=("olfactory",)),
    Row("SVM", baseline="svm_linear", conditions=(CLEAN, NOISE)),
)
PAIRS = (("Both + more", "face"), ("Both + more", "SVM"), ("Both + more", "smell"))
ONCE = {"reproduce": {"seeds": 1}}


class Config(Settings):
    """None."""


corpus = toy.fixture()


@pytest.fixture
def experiment(monkeypatch: pytest.MonkeyPatch, undrawn: None) -> Any:
    """Lay a table of one's own in the place of every experiment's."""

    def lay(rows: Sequence[Row] = ROWS, **more: Any) -> None:
        table = Table("A table", tuple(rows), **({"comparisons": ()} | more))
        module = SimpleNamespace(Config=Config, table=lambda config: table)
        load = plugins.load

        def loaded(kind: plugins.PluginKind, name: str) -> Any:
            return module if kind == "experiments" else load(kind, name)

        monkeypatch.setattr(plugins, "load", loaded)

    return lay


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
    module = SimpleNamespace(Config=Config, table=lambda config: table)
    load = plugins.load
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plugins, "load", lambda k, n: module if k == "experiments" else load(k, n))
        return run(corpus, tmp_path_factory.mktemp("out"))


def run(corpus: toy.Toy, out: Path, **options: Any) -> Reproduction:
    settings = merge(SETTINGS, options.pop("settings", {}))
    return reproduce("rrnn-t2", corpus.manifest, corpus.store, out, settings=settings, **options)


def row(report: Reproduction, name: str) -> dict[str, Any]:
    (found,) = (found for found in report.data["rows"] if found["row"] == name)
    return dict(found)


def without_costs(report: Reproduction) -> dict[str, Any]:
    data = json.loads(json.dumps(report.data))
    del data["seconds"]
    for found in data["rows"]:
        found.pop("seconds", None)
    return dict(data)


# -- what comes out


def test_a_row_is_what_the_commands_give(corpus, done, tmp_path):
    request = corpus.request(tmp_path / "late", settings=QUICK, seeds=2, preset="paper")
    request.cross_validate(3)
    by_hand = evaluate(tmp_path / "late", corrupt=NOISE.corrupt, figures=False).data
    clean, noisy = row(done, "Both + more")["conditions"]
    for figure in ("accuracy", "accuracy_std", "accuracy_ci", "uar", "per_class", "by_seed"):
        assert clean[figure] == by_hand["clean"][figure]
        assert noisy[figure] == by_hand["corrupted"][figure]
    models = {p.relative_to(tmp_path / "late") for p in tmp_path.rglob("model.safetensors")}
    runs = done.path.parent / "runs" / "both-more"
    assert len(models) == 6
    for model in models:
        assert (runs / model).read_bytes() == (tmp_path / "late" / model).read_bytes()
    assert evaluate(runs, figures=False).data["accuracy"] == clean["accuracy"]


def test_every_row_is_there(done):
    states = {found["row"]: found["state"] for found in done.data["rows"]}
    assert states == dict.fromkeys((r.name for r in ROWS), "done") | {"smell": "lacking"}
    assert row(done, "smell")["lacking"] == (
        "no feature of olfactory (there are: audio, text, visual)"
    )
    assert done.data["n"] == 51
    assert row(done, "face")["features"] == ["face_hog"]
    assert row(done, "face")["parameters"] < row(done, "Both + more")["parameters"]
    assert len(row(done, "face")["best_epochs"]) == 6
    assert row(done, "face")["seconds"] > 0


def test_baselines_have_their_figures(done):
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
    found = done.data["comparisons"]
    assert [(f["rows"][1], f["condition"]) for f in found] == [
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
    clean, noise = found[2:]
    assert clean["difference"]["mean"] == pytest.approx(ours[0] - theirs[0])
    assert "loss" not in clean
    assert noise["difference"]["mean"] == pytest.approx(ours[1] - theirs[1])
    lost = (ours[0] - ours[1]) - (theirs[0] - theirs[1])
    assert noise["loss"]["mean"] == pytest.approx(lost)
    low, high = noise["loss"]["ci"]
    assert low <= lost <= high


def test_a_row_makes_up_for_a_share_of_what_lies_between_two_others(done):
    (found,) = done.data["recoveries"]  # of 'smell' nothing is known
    assert found["rows"] == ["both, checked", "face", "Both + more"]
    ours, worse, better = (row(done, n)["conditions"][0]["accuracy"] for n in found["rows"])
    assert found["share"]["mean"] == pytest.approx((ours - worse) / (better - worse))
    assert found["share"]["mean"] == 1  # both are right of the same clips,
    assert found["share"]["ci"] == [None, None]  # so that all draws are alike


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
    found = run(corpus, tmp_path, settings=settings)
    a, b = (rundir.read_config(tmp_path / "runs" / name) for name in "ab")
    assert (a.network["hops"], a.network["hidden"], a.train.clip, a.train.epochs) == (2, 6, 0.5, 1)
    assert "hops" not in b.network
    assert (b.network["hidden"], b.train.lr, b.train.epochs) == (6, 0.25, 2)
    assert a.fold is None
    assert found.data["n"] == 15


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
    made = [rundir.read_config(tmp_path / "runs" / name).network["hops"] for name in "123"]
    assert made == [1, 2, 4]
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
    found = run(corpus, tmp_path, settings={"reproduce": {"only": ["both-checked"]}})
    states = {each["row"]: each["state"] for each in found.data["rows"]}
    assert states["both, checked"] == states["Both + more"] == "done"
    assert states["face"] == "not yet run"
    assert found.data["experiment"] == "rrnn-t2"
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
    found = run(corpus, tmp_path, settings=ONCE)
    config = rundir.read_config(tmp_path / "runs" / "a" / "fold-1")
    assert config.robust == {"trust": "check", "corrupt": ["visual:zero"]}
    assert row(found, "a")["conditions"][1]["repair"] == "check, discard"


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
    found = run(corpus, tmp_path / "out")
    ours, theirs = row(found, "a")["conditions"], row(found, "b")["conditions"]
    first, *_, last = found.data["comparisons"]
    assert first["metric"] == "mse_sum"
    assert first["difference"]["mean"] == pytest.approx(ours[0]["mse_sum"] - theirs[0]["mse_sum"])
    assert last["loss"]["mean"] == 0


# -- interruptions


def test_what_is_done_is_not_done_again(corpus, tmp_path, experiment, monkeypatch):
    experiment(ROWS[1:3])
    first = run(corpus, tmp_path, settings=ONCE)
    files = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.npz")}
    files |= {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.safetensors")}
    assert len(files) == 2 * (6 + 3)  # conditions and networks of three folds
    monkeypatch.setattr("emocli.experiments.feature_rows.RunEvaluator", None)  # nobody is asked
    again = run(corpus, tmp_path, settings=ONCE)
    assert without_costs(again) == without_costs(first)
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
    assert without_costs(run(corpus, tmp_path, settings=ONCE)) == without_costs(first)


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
        for found in report["rows"]:
            found.pop("seconds", None)
    assert reports[0] == reports[1]
    assert sum(found["state"] == "done" for found in reports[0]["rows"]) == 8


def test_two_do_not_meet(corpus, tmp_path, experiment):
    experiment((ROWS[0],))

    def second(step: str) -> None:
        with pytest.raises(EmocliError, match="is being written by process"):
            run(corpus, tmp_path)

    run(corpus, tmp_path, say=second)


# -- what does not fit


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"netwrk": {"hidden": 4}}, "unknown section of settings 'netwrk'; did you mean 'network'"),
        ({"network": {"hiden": 4}}, "no network of the table has a setting 'network.hiden'; did"),
        ({"train": {"epoch": 4}}, "row 'face': unknown setting 'train.epoch'; did you mean"),
        ({"rows": {"fase": {}}}, "there is no row 'fase'; did you mean 'face'"),
        ({"reproduce": {"check_preset": "literal"}}, "choose --set check.fit_on=clean"),
        ({"check": {"rul": "any"}}, "unknown setting 'check.rul'; did you mean 'rule'"),
        ({"rows": {"face": 3}}, "'rows.face' is a section, not a setting"),
        ({"reproduce": {"fold": 4}}, "unknown setting 'reproduce.fold'; did you mean 'folds'"),
        ({"reproduce": {"only": ["fase"]}}, "there is no row 'fase'; did you mean 'face'"),
        ({"reproduce": {"folds": 2}}, "2 folds are too few"),
        ({"reproduce": {"folds": 9}}, "too few for 9 folds; ask for at most 3"),
        ({"reproduce": {"preset": "best"}}, "row 'face': 'unimodal' has no preset 'best'"),
        ({"reproduce": {"features": ["mfcc"]}}, "has no feature 'mfcc'"),
        ({"experiment": {"noise": 1}}, "unknown setting 'experiment.noise'"),
    ],
    ids=str,
)
def test_bad_settings_are_one_line_and_train_nothing(
    corpus, tmp_path, experiment, settings, message
):
    experiment()
    with pytest.raises(EmocliError) as caught:
        run(corpus, tmp_path / "out", settings=settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "out").rglob("*.safetensors"))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((Row("a", baseline="svn"),), "no baseline is called 'svn'; did you mean 'svm'"),
        ((Row("a"),), "row 'a' has to be one of fusion, baseline, encoder, cited, not 0"),
        ((Row("a", fusion="late", baseline="svm"),), "has to be one of .*, not 2 of them"),
        ((Row("a", fusion="lat"),), "no network is called 'lat'; did you mean 'late'"),
        ((Row("a", like="b"),), "row 'a' is like 'b', which has no network of its own"),
        ((Row("A", baseline="svm"), Row("a", baseline="svm")), "two rows .* called 'a'"),
        (
            (Row("a", baseline="svm", conditions=(Condition("n", ("audio:gauss",)),)),),
            "did you mean 'gaussian'",
        ),
        ((Row("a", fusion="late", modalities=("smell",)),), "no row of rrnn-t2 can be run: a: no"),
    ],
    ids=str,
)
def test_a_table_that_makes_no_sense_is_refused(corpus, tmp_path, experiment, rows, message):
    experiment(rows)
    with pytest.raises(ConfigError, match=message):
        run(corpus, tmp_path / "out")


def test_an_unknown_experiment_is_refused(corpus, tmp_path):
    with pytest.raises(ConfigError, match="no experiment is called 'rrnn-t5'; did you mean 'rrnn-"):
        reproduce("rrnn-t5", corpus.manifest, corpus.store, tmp_path / "out")


def test_an_experiment_about_another_task_is_refused(corpus, tmp_path):
    with pytest.raises(
        ManifestError, match="is of task 'single', and rrnn-t3 is about 'intensity'"
    ):
        reproduce("rrnn-t3", corpus.manifest, corpus.store, tmp_path / "out")


def test_a_plan_writes_nothing(corpus, experiment):
    experiment()
    before = sorted(corpus.folder.rglob("*"))
    found = plan("rrnn-t2", corpus.manifest, corpus.store, dict(SETTINGS))
    assert sorted(corpus.folder.rglob("*")) == before
    assert found.trainings == 12
    assert [r.trainings for r in found.rows] == [0, 6, 6, 0, 0, 0]
    assert found.rows[4].lacking.startswith("no feature of olfactory")


@pytest.mark.parametrize("name", plugins.names("experiments"))
def test_the_experiments_are_tables_that_hold_together(name):
    module = plugins.load("experiments", name)
    table = module.table(module.Config())
    names = [found.name for found in table.rows]
    assert len(set(names)) == len(names)
    assert set(table.alternatives) <= set(names)
    for compared in (*table.comparisons, *table.recoveries):
        assert set(compared) <= set(names)
    for found in table.rows:
        kinds = (found.fusion, found.baseline, found.like, found.encoder, found.cited)
        assert sum(map(bool, kinds)) == 1
        assert found.like in ("", *names)
        tested = {condition.name for condition in found.conditions}
        assert set(found.printed) <= tested
        figures = {figure for printed in found.printed.values() for figure in printed}
        assert figures <= set(table.metrics)


def test_beards_nine_lines_are_all_there():
    module = plugins.load("experiments", "rrnn_t3")
    cells = [
        tuple(figures.values())
        for found in module.table(module.Config(corpus="mosei")).rows
        for figures in found.printed.values()
    ]
    assert len(cells) == 9
    np.testing.assert_allclose(np.sum(cells, axis=0), [4.6930, 8.4714, 5.0971], atol=1e-9)


def test_a_setting_that_makes_rows_alike_is_refused(corpus, tmp_path):
    for asked in ({"network": {"loss": "orig"}}, {"train": {"modality_dropout": 0.25}}):
        ((section, values),) = asked.items()
        ((key, value),) = values.items()
        said = rf"'{section}\.{key}' = .*{value}.* would make .*m3er.* what .* is by it; .*rows\."
        with pytest.raises(ConfigError, match=said):
            plan("m3er-t2", corpus.manifest, corpus.store, asked)
        with pytest.raises(ConfigError, match=said):
            reproduce("m3er-t2", corpus.manifest, corpus.store, tmp_path / "out", settings=asked)
    assert not (tmp_path / "out").exists()
    one = {"rows": {"m3er": {"network": {"loss": "sum_ce"}}}, "network": {"loss": "mod"}}
    rows = {r.slug: r for r in plan("m3er-t2", corpus.manifest, corpus.store, one).rows}
    assert rows["m3er"].settings["network"]["loss"] == "sum_ce"
    assert rows["original-loss"].settings["network"]["loss"] == "orig"


def test_a_setting_that_changes_other_rows_says_which(corpus):
    asked = {"network": {"loss": "sum_ce"}, "reproduce": {"only": ["m3er", "original-loss"]}}
    (line,) = plan("m3er-t2", corpus.manifest, corpus.store, asked).remarks
    assert line.startswith("network.loss does not count for original-loss, which the table")
    assert line.endswith("rows.ROW.network.loss changes one (it changes m3er)")


def test_a_preset_says_what_it_is_not_that_of(corpus):
    asked = {"reproduce": {"preset": "plus"}}
    check, proxies = plan("m3er-t2", corpus.manifest, corpus.store, asked).remarks
    assert "the modality check keeps 'plus': reproduce.check_preset changes it" in check
    assert "the proxies keep 'paper': experiment.proxy changes them" in proxies
    told = {
        "reproduce": {"preset": "plus", "check_preset": "paper"},
        "experiment": {"proxy": "plus"},
    }
    assert plan("m3er-t2", corpus.manifest, corpus.store, told).remarks == ()
    assert plan("m3er-t2", corpus.manifest, corpus.store, {}).remarks == ()
    alone = {"reproduce": {"preset": "plus", "only": ["m3er"]}}
    assert plan("m3er-t2", corpus.manifest, corpus.store, alone).remarks == ()
