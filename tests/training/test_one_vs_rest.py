"""Classes asked for one by one, and votes as targets: by the commands, for every network."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import emocli
from emocli import plugins
from emocli.cli.app import run
from emocli.config import build
from emocli.data.batch import Batch, Padded
from emocli.data.manifest import Manifest
from emocli.fusion import m3er
from emocli.metrics.metrics import score
from emocli.models import losses
from tests import toy

QUICK = (
    "train.epochs=4",
    "train.lr=0.02",
    "train.accelerator=cpu",
    "train.threads=1",
    "train.refit=false",
    "train.functionals=none",
)
corpus = toy.fixture()


def trained(made: toy.Toy, folder: Path, fusion: str, *settings: str) -> Path:
    """A run of the command."""
    pairs = [part for pair in (*QUICK, *settings) for part in ("--set", pair)]
    features = ["-f", "glove"] if fusion == "unimodal" else []
    where = ["--store", str(made.store), "--run", str(folder), "--overwrite"]
    network = ["--fusion", fusion, "--no-baseline", *features]
    command = ["train", str(made.manifest.path), *network, *where, *pairs]
    assert run(command) == 0
    return folder


def evaluated(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert run(["evaluate", str(folder), "--no-figures", "--json"]) == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


@pytest.mark.parametrize("fusion", plugins.names("fusion"))
def test_every_network_learns_one_class_against_the_rest(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str], fusion: str
) -> None:
    short = "train.epochs=1"
    ovr = trained(corpus, tmp_path / "ovr", fusion, short, "train.target=one_vs_rest")
    config = json.loads((ovr / "config.json").read_text())
    assert (config["task"], config["train"]["loss"]) == ("single", "bce")
    assert 'train.target = "one_vs_rest"' in (ovr / "README.md").read_text()
    result = emocli.load_run(ovr).predict(corpus.manifest.path)
    assert not np.allclose(result.values.sum(axis=1), 1)  # each class by itself
    report = evaluated(ovr, capsys)
    tested = corpus.manifest.split("test")
    values = result.values[[result.ids.index(clip.id) for clip in tested]]
    targets = corpus.manifest.targets(tested)
    assert report["clean"]["accuracy"] == pytest.approx((values.argmax(1) == targets).mean())
    for k, name in enumerate(toy.CLASSES):
        right = ((values[:, k] >= 0.5) == (targets == k)).mean()
        assert report["clean"]["per_class"][name]["accuracy"] == pytest.approx(right)
    assert "whatever the others'" in report["rules"]["binary"]
    softmax = trained(corpus, tmp_path / "softmax", fusion, short)
    assert "binary" not in evaluated(softmax, capsys)["rules"]
    other = emocli.load_run(softmax).predict(corpus.manifest.path)
    assert np.allclose(other.values.sum(axis=1), 1, atol=1e-5)


def test_a_class_is_predicted_from_one_half_on_whatever_the_others_are() -> None:
    values = np.array([[0.9, 0.8], [0.4, 0.3], [0.2, 0.7]])
    targets, classes = np.array([0, 0, 1]), ("a", "b")
    own, shared = (score("single", targets, values, classes, ovr) for ovr in (True, False))
    assert own.overall["accuracy"] == shared.overall["accuracy"] == 1
    assert shared.overall["binary_accuracy"] == 1
    # a: said of clip 0 alone, so clip 1 is missed; b: said of clips 0 and 2, of which 0 is not.
    assert [own.per_class[name]["accuracy"] for name in classes] == pytest.approx([2 / 3, 2 / 3])
    assert own.per_class["a"]["f1_pos"] == pytest.approx(2 / 3)
    assert own.overall["binary_accuracy"] == pytest.approx(2 / 3)


def batch(targets: torch.Tensor) -> Batch:
    torch.manual_seed(0)
    views = {m: Padded(torch.randn(3, 4, 5), torch.tensor([4, 2, 3])) for m in ("audio", "text")}
    return Batch(("a", "b", "c"), views, targets)


def m3er_loss(targets: torch.Tensor, target: str = "label", **settings: Any) -> float:
    """The loss of an M3ER network of fixed parameters."""
    torch.manual_seed(1)
    config = build(m3er.Config, {"hidden": 4, "memory": 6, **settings}, "network")
    network = m3er.Model({"audio": 5, "text": 5}, 3, config).eval()
    task = "multi" if target == "one_vs_rest" else "single"
    network.set_task(task, losses.CHOICES[task][0])  # type: ignore[index]
    base = losses.base_loss("auto", task)  # type: ignore[arg-type]
    given = batch(targets)
    return network.loss(network(given), given, base).item()


@pytest.mark.parametrize("kind", ["mod", "orig", "sum_ce"])
@pytest.mark.parametrize("target", ["label", "one_vs_rest"])
def test_votes_for_one_class_are_the_label_to_m3er(kind: str, target: str) -> None:
    labels = torch.tensor([2, 0, 1])
    one_hot = functional.one_hot(labels, 3).float()
    for boosted in (False, True):
        wanted = m3er_loss(labels, target, loss=kind, boosted=boosted)
        assert m3er_loss(one_hot, target, loss=kind, boosted=boosted) == pytest.approx(wanted)


def test_divided_votes_are_the_mean_of_the_losses_of_m3er() -> None:
    first, second = torch.tensor([2, 0, 1]), torch.tensor([1, 0, 0])
    shares = 0.75 * functional.one_hot(first, 3) + 0.25 * functional.one_hot(second, 3)
    mean = 0.75 * m3er_loss(first) + 0.25 * m3er_loss(second)
    assert m3er_loss(shares) == pytest.approx(mean, rel=1e-5)
    assert m3er_loss(first) != pytest.approx(mean, rel=1e-3)


def test_the_questions_of_m3er_are_one_for_each_class() -> None:
    labels = torch.tensor([2, 0, 1])
    assert m3er_loss(labels, "one_vs_rest") != pytest.approx(m3er_loss(labels), rel=1e-2)


@pytest.mark.parametrize("fusion", ["late", "m3er", "m2fnet"])
def test_votes_change_what_is_learnt_and_are_asked_for_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fusion: str
) -> None:
    corpus = toy.build(tmp_path / "toy")
    plain = trained(corpus, tmp_path / "plain", fusion)
    command = ["train", str(corpus.manifest.path), "--fusion", fusion, "--store", str(corpus.store)]
    capsys.readouterr()
    assert run([*command, "--run", str(tmp_path / "x"), "--set", "train.target=votes"]) == 2
    captured = capsys.readouterr().err
    assert captured.count("\n") == 1
    assert (
        "has no votes; choose train.target=label, or write the manifest with the votes" in captured
    )
    voted = tuple(replace(clip, labels=shares(clip.label)) for clip in corpus.manifest.clips)
    path = tmp_path / "toy" / "votes.csv"
    replace(corpus.manifest, clips=voted).write(path)
    other = toy.Toy(corpus.folder, Manifest.read(path))
    soft = trained(other, tmp_path / "votes", fusion, "train.target=votes")
    hard, learnt = (emocli.load_run(r).predict(path).values for r in (plain, soft))
    assert not np.allclose(hard, learnt)
    assert np.allclose(learnt.sum(axis=1), 1, atol=1e-5)
    assert evaluated(soft, capsys)["clean"]["accuracy"] > 1 / 3


def shares(label: str | None) -> dict[str, float]:
    """Six raters of ten saw the label, the others the next class."""
    own = toy.CLASSES.index(label or "")
    seen = {toy.CLASSES[own]: 0.6, toy.CLASSES[(own + 1) % 3]: 0.4}
    return dict.fromkeys(toy.CLASSES, 0.0) | seen
