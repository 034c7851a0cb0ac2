"""Repairs of networks whose check, and bank of proxies, are fitted on clips as given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emocli.data.samples import Samples
from emocli.data.standardise import Standardiser
from emocli.data.store import check_path, open_features
from emocli.errors import StoreError
from emocli.evaluation.evaluator import RunEvaluator
from emocli.models import rundir
from emocli.plugin.robustness import RobustOptions
from emocli.robust.proxy.settings import configure
from emocli.robust.repair import RobustConfig
from emocli.robust.repair_factory import RepairFactory
from emocli.training.fit_cca import fit_cca
from emocli.training.train import train
from tests import toy

SIZES = {"train": 160, "valid": 60, "test": 30}
NOISE = ("m3er75",)
AS_GIVEN = {"check": {"fit_on": "as_given"}}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> toy.Toy:
    corpus = toy.build(tmp_path_factory.mktemp("toy"), sizes=SIZES)
    fit_cca(corpus.manifest, corpus.store)
    fit_cca(corpus.manifest, corpus.store, settings=AS_GIVEN, corrupt=NOISE)
    return corpus


def factory(corpus: toy.Toy, **settings: object) -> RepairFactory:
    stores = open_features(corpus.store, None, corpus.manifest)
    samples = Samples.of(corpus.manifest, "train", stores)
    config = RobustConfig.model_validate({"corrupt": NOISE, **settings})
    place = check_path(corpus.store, None, config.fit_on)
    return RepairFactory(place, Standardiser.fit(samples), config, samples)


def test_each_fit_has_its_check(corpus: toy.Toy) -> None:
    clean, given = factory(corpus, trust="check"), factory(corpus, trust="check", fit_on="as_given")
    assert clean.check.config.fit_on == "clean"
    assert given.check.config.screens
    assert given.check.left_out
    assert clean.check.limits != given.check.limits


def test_proxies_are_made_of_what_passes(corpus: toy.Toy) -> None:
    kind = configure("ridge")
    clean = factory(corpus, trust="check").generator(kind).bank
    everything = factory(corpus).generator(configure("ridge", {"fit_on": "as_given"})).bank
    passing = factory(corpus, trust="check", fit_on="as_given").generator(kind).bank
    truth = factory(corpus, trust="oracle", fit_on="as_given").generator(kind).bank
    for m in clean:
        assert np.isfinite(clean[m]).all()
        assert np.isfinite(everything[m]).all()
        left = np.isfinite(passing[m]).all(axis=1)
        assert 0.5 < left.mean() < 0.95
        assert abs(left.sum() - np.isfinite(truth[m]).all(axis=1).sum()) <= 6
        # Noise has a hundred times the power: hardly any is left in the bank.
        assert np.square(passing[m][left]).mean() < 0.1 * np.square(everything[m]).mean()


def test_proxies_made_of_what_passes_are_nearer_the_truth_than_those_made_of_all(
    corpus: toy.Toy,
) -> None:
    kind = configure("ridge", {"fit_on": "as_given"})
    repairs = factory(corpus, trust="check", fit_on="as_given"), factory(corpus)
    stores = open_features(corpus.store, None, corpus.manifest)
    test = Samples.of(corpus.manifest, "test", stores).then(repairs[0].standardiser)
    views = test.batch(test.clips).views
    without = {m: np.full(len(test), m != "audio") for m in views}
    true = views["audio"].values.numpy()
    errors = [
        float(
            np.square(r.generator(kind).fill(views, without)["audio"].values.numpy() - true).sum()
        )
        for r in repairs
    ]
    assert errors[0] < errors[1]


def test_a_missing_check_says_how_it_is_fitted(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path)
    robust = RobustOptions(corrupt=NOISE, check=True)
    settings = {**toy.QUICK, "robust": {"fit_on": "as_given"}}
    with pytest.raises(StoreError, match=r"check_as_given\.h5.*check\.fit_on=as_given"):
        train(
            corpus.manifest,
            corpus.store,
            fusion="late",
            run=tmp_path / "run",
            settings=settings,
            robust=robust,
        )


def test_a_run_asks_the_check_it_was_trained_with(corpus: toy.Toy) -> None:
    settings = {**toy.QUICK, "robust": {"fit_on": "as_given"}}
    robust = {"corrupt": NOISE, "check": True, "proxy": "ridge"}
    run = corpus.trained("given", settings=settings, robust=robust)
    assert rundir.read_config(run).robust["fit_on"] == "as_given"
    evaluator = RunEvaluator.open(run, "test", None, None)
    assert evaluator.repair_factory.place.name == "check_as_given.h5"
    assert not list(evaluator.repair_factory.remarks(evaluator.repair))
    other = corpus.trained(
        "other", settings=settings, robust={**robust, "corrupt": ("audio@0.01",)}
    )
    evaluator = RunEvaluator.open(other, "test", None, None)
    (remark,) = evaluator.repair_factory.remarks(evaluator.repair)
    assert remark == (
        "the modality check was fitted on m3er75 (seed 0), the network on audio@0.01 (seed 0)"
    )


def test_the_literal_check_serves_the_literal_network(tmp_path: Path) -> None:
    """A check by the preset is where the network of the preset looks for one; another says so."""
    corpus = toy.build(tmp_path, sizes={"train": 40, "valid": 20, "test": 20})
    fit_cca(corpus.manifest, corpus.store, preset="literal", corrupt=NOISE)
    robust = {"corrupt": NOISE, "check": True, "proxy": "literal"}
    run = corpus.trained("printed", settings=toy.QUICK, preset="literal", robust=robust)
    assert rundir.read_config(run).robust["fit_on"] == "as_given"
    wanted = r"check\.h5.*check_as_given\.h5 is there.*--set robust\.fit_on=as_given"
    with pytest.raises(StoreError, match=wanted):
        corpus.trained("other", settings=toy.QUICK, preset="paper", robust=robust)
