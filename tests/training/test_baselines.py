"""The classical baselines of a network: trained, kept, shown and tested with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli.cli.app import run
from emocli.data.manifest import Task
from emocli.data.samples import Samples
from emocli.data.standardise import Standardiser
from emocli.data.store import open_features
from emocli.evaluation.evaluate import evaluate
from emocli.metrics.metrics import score
from emocli.models import classical
from emocli.models.baselines import fit_classical
from emocli.models.rundir import BASELINES, CARD
from emocli.models.settings import TrainConfig
from emocli.plugin.robustness import RepairOptions
from emocli.plugin.training import PLUS
from emocli.training import jobs, prepare
from emocli.training.fit_cca import fit_cca
from emocli.training.train import train
from tests import toy

SIZES = {"train": 48, "valid": 24, "test": 30}
QUICK = (
    "train.epochs=2",
    "train.lr=0.01",
    "train.accelerator=cpu",
    "train.refit=false",
    "network.hidden=4",
)

CLASSICAL = ("logistic", "svm")

corpus = toy.fixture(sizes=SIZES, noise=1.5)


def command(made: toy.Toy, folder: Path, *options: str) -> list[str]:
    pairs = [part for pair in QUICK for part in ("--set", pair)]
    where = ["--store", str(made.store), "--run", str(folder), "--fusion", "late"]
    return ["train", str(made.manifest.path), *where, *pairs, *options]


@pytest.fixture(scope="module")
def trained(corpus: toy.Toy) -> Path:
    assert run(command(corpus, corpus.folder / "run")) == 0
    return corpus.folder / "run"


def test_they_are_those_of_the_same_features_and_splits(corpus: toy.Toy, trained: Path) -> None:
    evaluation = evaluate(trained, figures=False).data
    stores = open_features(corpus.store, None, corpus.manifest)
    splits = {n: Samples.of(corpus.manifest, n, stores) for n in ("train", "valid", "test")}  # type: ignore[arg-type]
    standardiser = Standardiser.fit(splits["train"])
    learnt, valid, test = (samples.then(standardiser) for samples in splits.values())
    targets = test.manifest.targets(test.clips)
    fitted = fit_classical(CLASSICAL, learnt, valid, settings=TrainConfig(**PLUS))
    for name, model in zip(CLASSICAL, fitted.models, strict=True):
        values = model(test)
        expected = score("single", targets, values, toy.CLASSES).overall
        assert evaluation["clean"]["classical"][name]["metrics"] == pytest.approx(expected)
        gain = evaluation["accuracy"] - expected["accuracy"]
        assert evaluation["classical"][name]["gain"]["accuracy"] == pytest.approx(gain)
        other = evaluation["classical"][name]["gains"]["weighted_f1"]
        assert other["mean"] == pytest.approx(evaluation["weighted_f1"] - expected["weighted_f1"])
        low, high = other.get("ci_clips") or other["ci"]
        assert low < other["mean"] < high


def test_python_fits_them_too(corpus: toy.Toy, tmp_path: Path) -> None:
    how = {"fusion": "late", "settings": toy.QUICK}
    summary = train(corpus.manifest, corpus.store, run=tmp_path / "run", **how)
    assert tuple(summary.baselines) == CLASSICAL
    assert (tmp_path / "run" / BASELINES).is_file()
    alone = train(corpus.manifest, corpus.store, run=tmp_path / "alone", baselines=False, **how)
    assert not alone.baselines


def test_they_are_reported_with_the_network_everywhere(
    corpus: toy.Toy, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command(corpus, trained)) == 0  # again: it is there already
    out = capsys.readouterr().out
    assert "baseline logistic: " in out
    assert "baseline svm: " in out
    by_loss = tmp_path / "loss"
    assert run(command(corpus, by_loss, "--set", "train.monitor=loss")) == 0
    lines = capsys.readouterr().out.splitlines()
    said = [line for line in lines if "validation" in line or "baseline" in line]
    kinds = ("validation loss", "validation accuracy", "baseline logistic", "baseline svm")
    assert all(kind in line for kind, line in zip(kinds, said, strict=True))
    assert run([*command(corpus, trained), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["baselines"].keys() == set(CLASSICAL)
    card = (trained / "README.md").read_text()
    accuracy = summary["baselines"]["svm"]["valid"]["accuracy"]
    assert "| metric | value | logistic | svm | what it is |" in card
    assert f"{accuracy:.3f}" in card
    assert run(["evaluate", str(trained), "--no-figures", "--corrupt", "audio"]) == 0
    out = capsys.readouterr().out
    assert "classical baselines" in out
    assert "accuracy corrupted" in out


def test_without_them_nothing_is_fitted_or_shown(
    corpus: toy.Toy, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command(corpus, tmp_path / "run", "--no-baseline")) == 0
    assert "baseline" not in capsys.readouterr().out
    assert not (tmp_path / "run" / BASELINES).exists()
    assert "svm" not in (tmp_path / "run" / "README.md").read_text()
    assert "classical" not in evaluate(tmp_path / "run", figures=False).data["clean"]
    assert run(command(corpus, tmp_path / "run")) == 0  # added to a run that is trained
    assert (tmp_path / "run" / BASELINES).is_file()
    assert (tmp_path / "run" / CARD).read_text() == (trained / CARD).read_text()


def test_they_join_a_run_of_other_settings_by_what_the_refusal_says(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a run has from before a default was changed."""
    former = ("--no-baseline", "--set", "train.functionals_limit=0", "--set", "train.swa=1")
    assert run(command(corpus, tmp_path / "run", *former)) == 0
    capsys.readouterr()
    assert run(command(corpus, tmp_path / "run")) == 2
    refusal = capsys.readouterr().err
    assert "trained with train.functionals_limit = 0.0 and not 3.0" in refusal
    named = "--set train.functionals_limit=0.0 --set train.swa=1"
    assert f"keep its settings with {named}, choose another --run" in " ".join(refusal.split())
    assert run(command(corpus, tmp_path / "run", *named.split())) == 0
    assert (tmp_path / "run" / BASELINES).is_file()
    fewer = command(corpus, tmp_path / "run", *named.split(), "-f", "mel")
    assert run(fewer) == 2  # settings do not help
    assert "keep its settings" not in capsys.readouterr().err


def test_corruption_hurts_them_and_a_repair_is_theirs_too(corpus: toy.Toy, trained: Path) -> None:
    def accuracies(**options: Any) -> dict[str, float]:
        data = evaluate(trained, corrupt=["audio@0.0001", "text@0.0001"], figures=False, **options)
        classical = data.report.classical or {}
        return {name: each.metrics["accuracy"] for name, each in classical.items()}

    clean = evaluate(trained, figures=False).report.classical or {}
    noisy, repaired = accuracies(), accuracies(repair=RepairOptions(oracle=True))
    for name in CLASSICAL:
        assert noisy[name] < clean[name].metrics["accuracy"] - 0.1
        assert noisy[name] != repaired[name]


def test_what_is_discarded_is_lacking_to_them(corpus: toy.Toy, trained: Path) -> None:
    """So a modality's mean functionals stand for it, as where a clip never had it."""
    from emocli.evaluation.evaluator import RunEvaluator
    from emocli.plugin.robustness import on, read

    corruptions = on(read(["audio"]), ["audio"])

    def predicted(fill: str) -> np.ndarray:
        repair = RepairOptions(oracle=True, fill=fill)
        predictions = RunEvaluator.open(trained, "test", None, None, repair).predict(corruptions, 0)
        return predictions.classical["logistic"]

    np.testing.assert_array_equal(predicted("discard"), predicted("missing"))
    assert not np.array_equal(predicted("discard"), predicted("zero"))


def test_they_learn_from_what_the_network_learns_from(corpus: toy.Toy, tmp_path: Path) -> None:
    fit_cca(corpus.manifest, corpus.store)
    runs = {
        "clean": (),
        "noisy": ("--corrupt", "m3er75"),
        "checked": ("--corrupt", "m3er75", "--check"),
    }
    kept = {}
    for name, options in runs.items():
        assert run(command(corpus, tmp_path / name, *options)) == 0
        kept[name] = (tmp_path / name / BASELINES).read_bytes()
    assert len(set(kept.values())) == 3


def test_labels_of_the_test_split_have_no_part(
    corpus: toy.Toy, trained: Path, tmp_path: Path
) -> None:
    other = corpus.with_test_labels(toy.CLASSES[0])
    assert run(command(other, tmp_path / "run")) == 0
    assert (tmp_path / "run" / BASELINES).read_bytes() == (trained / BASELINES).read_bytes()


def test_every_fold_has_its_own_and_their_predictions_are_pooled(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command(corpus, tmp_path / "run", "--folds", "3"), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    for name in CLASSICAL:
        each = [fold["baselines"][name]["valid"]["accuracy"] for fold in summary["folds"]]
        assert summary["baselines"][name]["accuracy"] == pytest.approx(np.mean(each))
    files = [(tmp_path / "run" / f"fold-{k}" / BASELINES).read_bytes() for k in range(3)]
    assert len(set(files)) == 3
    pooled = evaluate(tmp_path / "run", figures=False).data["classical"]["svm"]["metrics"]
    parts = [evaluate(tmp_path / "run" / f"fold-{k}", figures=False).data for k in range(3)]
    hits = sum(p["n"] * p["classical"]["svm"]["metrics"]["accuracy"] for p in parts)
    assert pooled["accuracy"] == pytest.approx(hits / sum(p["n"] for p in parts))


def test_a_machine_that_would_take_long_is_approximated_and_named_so(
    corpus: toy.Toy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(prepare, "MANY", 40)
    monkeypatch.setattr(classical, "LANDMARKS", 20)
    assert run([*command(corpus, tmp_path / "run"), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    names = ["logistic", "svm_nystroem"]
    assert list(summary["baselines"]) == names
    card = (tmp_path / "run" / "README.md").read_text()
    assert "| logistic | svm_nystroem |" in card
    assert "approximated at" in card
    assert list(evaluate(tmp_path / "run", figures=False).data["classical"]) == names


def test_overwriting_replaces_them(corpus: toy.Toy, tmp_path: Path) -> None:
    assert run(command(corpus, tmp_path / "run")) == 0
    before = (tmp_path / "run" / BASELINES).read_bytes()
    assert run(command(corpus, tmp_path / "run", "-f", "mel", "-f", "glove", "--overwrite")) == 0
    assert (tmp_path / "run" / BASELINES).read_bytes() != before
    assert jobs.read_models(tmp_path / "run") is not None


@pytest.mark.parametrize(
    ("task", "usual"), [("single", "accuracy"), ("multi", "weighted_f1"), ("intensity", "mse_sum")]
)
def test_beside_the_loss_they_are_compared_by_what_chose_their_c(
    task: Task, usual: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = toy.build(tmp_path, task)
    assert run(command(made, tmp_path / "run", "--set", "train.monitor=loss")) == 0
    assert f"validation {usual} " in capsys.readouterr().out
    assert TrainConfig(monitor="loss").compared(task) == usual
    assert TrainConfig(monitor="uar").compared(task) == "uar"
