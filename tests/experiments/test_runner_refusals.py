"""What an experiment refuses before it trains, and what it plans."""

from __future__ import annotations

import numpy as np
import pytest

from emocli import plugins
from emocli.errors import ConfigError, EmocliError, ManifestError
from emocli.experiments.runner import plan, reproduce
from emocli.plugin.experiment import Condition, Row
from tests import toy
from tests.experiments.small import SETTINGS, run

corpus = toy.fixture()


# -- what does not fit


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"netwrk": {"hidden": 4}}, "unknown section of settings 'netwrk'; did you mean 'network'"),
        ({"network": {"hiden": 4}}, "'network.hiden'; did you mean 'network.hidden'"),
        ({"train": {"epoch": 4}}, "row 'face': unknown setting 'train.epoch'; did you mean"),
        ({"rows": {"fase": {}}}, "there is no row 'fase'; did you mean 'face'"),
        ({"reproduce": {"check_preset": "literal"}}, "choose --set check.fit_on=clean"),
        ({"check": {"rul": "any"}}, "unknown setting 'check.rul'; did you mean 'check.rule'"),
        ({"rows": {"face": 3}}, "'rows.face' is a section, not a setting"),
        (
            {"reproduce": {"fold": 4}},
            "unknown setting 'reproduce.fold'; did you mean 'reproduce.folds'",
        ),
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
        ((Row("a", baseline="linear"),), "there are: .*logistic.*svm, svm_linear"),
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
    result = plan("rrnn-t2", corpus.manifest, corpus.store, dict(SETTINGS))
    assert sorted(corpus.folder.rglob("*")) == before
    assert result.trainings == 12
    assert [r.trainings for r in result.rows] == [0, 6, 6, 0, 0, 0]
    assert result.rows[4].lacking.startswith("no feature of olfactory")


@pytest.mark.parametrize("name", plugins.names("experiments"))
def test_the_experiments_are_tables_that_hold_together(name):
    module = plugins.load("experiments", name)
    table = module.table(module.Config())
    names = [result.name for result in table.rows]
    assert len(set(names)) == len(names)
    assert set(table.alternatives) <= set(names)
    for compared in (*table.comparisons, *table.recoveries):
        assert set(compared) <= set(names)
    for result in table.rows:
        kinds = (result.fusion, result.baseline, result.like, result.encoder, result.cited)
        assert sum(map(bool, kinds)) == 1
        assert result.like in ("", *names)
        tested = {condition.name for condition in result.conditions}
        assert set(result.printed) <= tested
        metrics = {metric for printed in result.printed.values() for metric in printed}
        assert metrics <= set(table.metrics)


def test_beards_nine_lines_are_all_there():
    module = plugins.load("experiments", "rrnn_t3")
    cells = [
        tuple(metrics.values())
        for result in module.table(module.Config(corpus="mosei")).rows
        for metrics in result.printed.values()
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
