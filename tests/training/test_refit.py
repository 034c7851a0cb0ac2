"""The last fit: on train and valid split, for as many epochs as are kept, resumable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli.config import merge
from emocli.data.samples import Samples
from emocli.data.standardise import Standardiser
from emocli.errors import RunError
from emocli.evaluation.evaluate import evaluate
from emocli.evaluation.evaluator import RunEvaluator
from emocli.models import rundir
from emocli.models.baselines_io import read_models
from emocli.models.rundir import CHECKPOINT, MODEL, REFIT
from emocli.models.settings import TrainConfig
from emocli.plugin.robustness import RobustOptions
from emocli.training import jobs
from emocli.training.fit_cca import fit_cca
from emocli.training.fusion_task import FusionTask, fit_network
from emocli.training.prepare import prepare
from emocli.training.summaries import TrainSummary
from emocli.training.train import TrainRequest
from tests import toy
from tests.interrupt import interrupted

pytestmark = pytest.mark.usefixtures("checkpoints")

SIZES = {"train": 36, "valid": 24, "test": 30}
REFITTED = {"train": {"refit": True}}

corpus = toy.fixture(sizes=SIZES, noise=1.2)


def trained(made: toy.Toy, run: Path, *layers: dict[str, Any], **options: Any) -> TrainSummary:
    settings = toy.QUICK
    for layer in layers:
        settings = merge(settings, layer)
    return made.request(run, preset="paper", settings=settings, **options).train()


@pytest.fixture(scope="module")
def plain(corpus: toy.Toy, tmp_path_factory: pytest.TempPathFactory) -> TrainSummary:
    """A training without a last fit, whose run nobody writes to."""
    return trained(corpus, tmp_path_factory.mktemp("plain") / "run")


@pytest.fixture(scope="module")
def refit(corpus: toy.Toy, tmp_path_factory: pytest.TempPathFactory) -> TrainSummary:
    """The same with a last fit."""
    return trained(corpus, tmp_path_factory.mktemp("refit") / "run", REFITTED)


def weights(run: Path) -> np.ndarray:
    state = rundir.load(run).network.state_dict()
    return np.concatenate([value.numpy().ravel() for value in state.values()])


def test_the_epochs_are_those_of_the_first_fit_and_the_network_is_another(
    plain: TrainSummary, refit: TrainSummary
) -> None:
    assert plain.seeds[0].valid == refit.seeds[0].valid
    assert plain.seeds[0].best_epoch == refit.seeds[0].best_epoch
    assert (plain.refit, refit.refit) == (False, True)
    assert not np.array_equal(weights(plain.run), weights(refit.run))
    assert not (refit.run / REFIT).exists()
    assert "valid split together" in (refit.run / "README.md").read_text()
    assert "valid split together" not in (plain.run / "README.md").read_text()


def test_it_is_a_training_on_both_splits(corpus: toy.Toy, refit: TrainSummary) -> None:
    """Equal, bit by bit, to a first fit on the union that ends after as many epochs."""
    settings = merge(toy.QUICK, {"train": {"epochs": refit.seeds[0].best_epoch}})
    parts = prepare(corpus.manifest, corpus.store, "late", None, "paper", settings)
    union = Samples.of(corpus.manifest.merged(), "train", parts.train.stores)
    assert len(union) == 60
    standardiser = Standardiser.fit(union, parts.settings.outliers)
    loaded = rundir.load(refit.run)
    for name, vector in standardiser.tensors().items():
        np.testing.assert_array_equal(loaded.standardiser.tensors()[name], vector)
    network = jobs._first_network(loaded.config)
    seen = union.then(standardiser)
    task = FusionTask(network, seen, None, parts.settings)
    for epoch in range(1, parts.settings.epochs + 1):
        row = task.epoch(epoch, parts.settings.lr)
        assert not any(key.startswith("valid") for key in row)
    for name, value in network.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), loaded.network.state_dict()[name].numpy())


@pytest.mark.parametrize(
    "layer",
    [{}] + [{"train": each} for each in ({"swa": 2}, {"scheduler": "plateau"}, {"patience": 0})],
)
def test_killed_at_any_epoch_it_goes_on_to_the_same(
    corpus: toy.Toy,
    refit: TrainSummary,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    layer: dict[str, Any],
) -> None:
    settings = merge(REFITTED, layer)
    whole = trained(corpus, tmp_path / "whole", settings) if layer else refit
    epochs = 4 + whole.seeds[0].best_epoch
    for call in sorted({2, 5, epochs}):
        run = tmp_path / str(call)
        with interrupted(monkeypatch, FusionTask, "epoch", call), pytest.raises(KeyboardInterrupt):
            trained(corpus, run, settings)
        assert (run / CHECKPOINT).exists()
        assert (run / REFIT).exists() == (call > 5)  # the last fit has ended an epoch
        assert trained(corpus, run, settings).seeds[0].state == "resumed"
        assert (run / MODEL).read_bytes() == (whole.run / MODEL).read_bytes()
        assert not (run / REFIT).exists()


def test_overwriting_begins_anew(
    corpus: toy.Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with interrupted(monkeypatch, FusionTask, "epoch", 6), pytest.raises(KeyboardInterrupt):
        trained(corpus, tmp_path / "run", REFITTED)
    other = trained(corpus, tmp_path / "run", overwrite=True)
    assert other.seeds[0].state == "trained"
    assert not (other.run / REFIT).exists()


def test_nothing_of_the_test_split_has_a_part(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path / "toy", sizes=SIZES)
    other = corpus.with_test_labels(toy.CLASSES[0])
    models = [trained(t, tmp_path / str(k), REFITTED).run for k, t in enumerate((corpus, other))]
    assert (models[0] / MODEL).read_bytes() == (models[1] / MODEL).read_bytes()


def test_what_it_has_learnt_from_is_not_evaluated(refit: TrainSummary) -> None:
    run = refit.run
    assert evaluate(run, figures=False).data["n"] == 30
    with pytest.raises(RunError, match=r"its last fit was on the valid split too.*--split test"):
        evaluate(run, split="valid", figures=False)


def test_without_a_test_split_the_way_out_is_another_manifest_or_fit(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path / "toy", sizes={**SIZES, "test": 0})
    run = trained(corpus, tmp_path / "run", REFITTED).run
    ways = "no labelled test clip: name a --manifest .* or train with --set train.refit=false"
    with pytest.raises(RunError, match=ways):
        evaluate(run, split="valid", figures=False)


def test_baselines_are_refitted_too(corpus: toy.Toy, tmp_path: Path) -> None:
    runs = [
        trained(corpus, tmp_path / str(len(layer)), layer, baselines=True).run
        for layer in ({}, REFITTED)
    ]
    plain, refit = (read_models(run) for run in runs)
    assert plain is not None
    assert refit is not None
    assert (plain.refitted, refit.refitted) == (False, True)
    for one, other in zip(plain.models, refit.models, strict=True):
        assert (one.C, one.valid) == (other.C, other.valid)
        assert not np.array_equal(one.functionals.mean, other.functionals.mean)


@pytest.mark.parametrize("proxy", [None, "nn1"])
def test_check_and_proxies_go_with_it(corpus: toy.Toy, tmp_path: Path, proxy: str | None) -> None:
    fit_cca(corpus.manifest, corpus.store)
    robust = RobustOptions(corrupt=("m3er75",), check=True, proxy=proxy)
    runs = [
        trained(corpus, tmp_path / str(len(layer)), layer, robust=robust).run
        for layer in ({}, REFITTED)
    ]
    plain, refit = (evaluate(r, corrupt=["m3er75"], figures=False).report for r in runs)
    assert plain.flagged is not None
    assert refit.flagged is not None
    # The same check judges the same clips, in its own units.
    for modality, counts in plain.flagged.items():
        assert counts.flagged == pytest.approx(refit.flagged[modality].flagged, abs=1)
        assert counts.detected > 0.5 * counts.corrupted
    lacks = "without 24 of the 60 training clips: the network's last fit was on the valid split"
    assert any(lacks in remark for remark in refit.remarks)
    bank = RunEvaluator.open(runs[1], "test", None, None).repair_factory.train
    assert len(bank) == 60


def test_a_check_is_asked_in_its_own_units(corpus: toy.Toy) -> None:
    from emocli.robust.check.io import load_check

    check = load_check(fit_cca(corpus.manifest, corpus.store).path)
    assert check.provenance is not None
    parts = prepare(corpus.manifest, corpus.store, "late", None, "paper", toy.QUICK)
    mean, std = parts.standardiser.mean, parts.standardiser.std
    other = Standardiser({m: v + 3 for m, v in mean.items()}, {m: v * 5 for m, v in std.items()})
    views = [next(parts.valid.then(each).batches(24)).views for each in (parts.standardiser, other)]
    expected = check.scores(views[0])
    for pair, scores in check.through(other).scores(views[1]).items():
        np.testing.assert_allclose(scores, expected[pair], rtol=1e-3, atol=1e-4)
    assert any(not np.allclose(s, expected[p]) for p, s in check.scores(views[1]).items())


# -- stochastic weight averaging


def test_the_kept_parameters_are_the_mean_over_epochs(corpus: toy.Toy) -> None:
    settings = merge(toy.QUICK, {"train": {"swa": 2}})
    parts = prepare(corpus.manifest, corpus.store, "late", None, "paper", settings)
    request = {"manifest": corpus.manifest, "store": corpus.store, "fusion": "late"}
    request["preset"] = "paper"
    config = TrainRequest(**request, run=corpus.folder / "x", settings=settings)  # type: ignore[arg-type]
    network = jobs._first_network(config.trainings()[0].config)
    task = FusionTask(network, *parts.ready(network), parts.settings)
    seen = []
    for epoch in range(1, 5):
        task.epoch(epoch, 0.01)
        seen.append({k: v.clone() for k, v in network.state_dict().items()})
        for name, value in task.kept.state_dict().items():
            own = seen[1:] if epoch > 1 else seen
            expected = np.mean([state[name].numpy() for state in own], axis=0)
            np.testing.assert_allclose(value.numpy(), expected, atol=1e-6)


def test_averaging_changes_the_network_unless_it_begins_too_late(
    corpus: toy.Toy, plain: TrainSummary, tmp_path: Path
) -> None:
    runs = {swa: trained(corpus, tmp_path / str(swa), {"train": {"swa": swa}}) for swa in (1, 9)}
    result = {swa: weights(summary.run) for swa, summary in runs.items()}
    assert [note for each in runs.values() for note in each.notes if "swa" in note] == [
        "train.swa = 9 averages nothing with train.epochs = 4"
    ]
    assert not np.array_equal(weights(plain.run), result[1])
    np.testing.assert_array_equal(weights(plain.run), result[9])


def test_the_average_is_what_is_validated(corpus: toy.Toy, tmp_path: Path) -> None:
    config = TrainConfig(**{**toy.QUICK["train"], "swa": 1, "patience": 4})  # type: ignore[arg-type]
    parts = prepare(corpus.manifest, corpus.store, "late", None, "paper", toy.QUICK)
    request = corpus.request(tmp_path / "x", preset="paper")
    network = jobs._first_network(request.trainings()[0].config)
    train, valid = parts.ready(network)
    (tmp_path / "run").mkdir()
    fitted = fit_network(
        network, train, valid, config.model_copy(update={"loss": "ce"}), tmp_path / "run"
    )
    best = max(fitted.history, key=lambda row: (row["valid_accuracy"], -row["valid_loss"]))
    network.load_state_dict(fitted.state)
    from emocli.training.outputs import predict

    scores = predict(network, valid, 32).scores("single", config, toy.CLASSES)
    assert scores.overall["accuracy"] == best["valid_accuracy"]
