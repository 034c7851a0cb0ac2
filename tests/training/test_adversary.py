"""Speaker-adversarial training: the reversed gradient, and what it does to a network."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from emocli.config import merge
from emocli.data.batch import Batch, FusionOutput
from emocli.data.samples import Samples
from emocli.data.store import open_features
from emocli.errors import ConfigError
from emocli.models import rundir
from emocli.models.settings import TrainConfig
from emocli.training import jobs
from emocli.training.adversary import Adversary, make_adversary, reversed_gradient, rise
from emocli.training.fusion_task import FusionTask
from tests import toy
from tests.interrupt import interrupted

corpus = toy.fixture()


def trained(made: toy.Toy, run: Path, **train: Any) -> dict[str, np.ndarray]:
    """Train a small network; return what it learnt."""
    made.request(run, preset="paper", settings=merge(toy.QUICK, {"train": train})).train()
    state = rundir.load(run).network.state_dict()
    return {name: value.numpy() for name, value in state.items()}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    assert one.keys() == other.keys()
    return all(np.array_equal(one[name], other[name]) for name in one)


def task(made: toy.Toy, **settings: Any) -> FusionTask:
    """A training of the toy corpus, before its first epoch."""
    stores = open_features(made.store, None, made.manifest)
    train, valid = (Samples.of(made.manifest, split, stores) for split in ("train", "valid"))
    config = TrainConfig(epochs=2, accelerator="cpu", **settings)
    prepared = made.request("unwritten", preset="paper").trainings()[0]
    return FusionTask(jobs._first_network(prepared.config), train, valid, config)


def test_the_gradient_is_that_of_a_loop_reversed() -> None:
    """The classifier descends its loss; the vectors get minus the weight times its gradient."""
    torch.manual_seed(0)
    speakers = {"a": 0, "b": 1, "d": 2}
    adversary = Adversary(3, speakers, 0.7)
    vectors = torch.randn(4, 3, requires_grad=True)
    batch, output = Batch(("a", "b", "c", "d"), {}), FusionOutput(torch.zeros(4, 2), vector=vectors)
    adversary(output, batch, 0.4).backward()

    first, _, last = adversary.layers
    W, b, V, c = (p.detach().double().numpy() for p in adversary.parameters())
    strength = 0.7 * (2 / (1 + math.exp(-4.0)) - 1)
    expected, bias = np.zeros((4, 3)), np.zeros(3)
    for row, clip in enumerate(("a", "b", "c", "d")):
        if clip not in speakers:
            continue  # nobody knows who it is
        x = vectors[row].detach().double().numpy()
        hidden = [max(0.0, sum(W[u, i] * x[i] for i in range(3)) + b[u]) for u in range(len(b))]
        logits = [sum(V[s, u] * h for u, h in enumerate(hidden)) + c[s] for s in range(3)]
        total = sum(math.exp(logit) for logit in logits)
        for s in range(3):
            slope = (math.exp(logits[s]) / total - (s == speakers[clip])) / 3
            bias[s] += slope
            for u, h in enumerate(hidden):
                for i in range(3 * (h > 0)):
                    expected[row, i] -= strength * slope * V[s, u] * W[u, i]
    np.testing.assert_allclose(vectors.grad, expected, atol=1e-7)
    np.testing.assert_allclose(last.bias.grad, bias, atol=1e-7)
    assert first.weight.grad.abs().sum() > 0


def test_reversal_passes_values_as_they_are() -> None:
    values = torch.randn(5, requires_grad=True)
    passed = reversed_gradient(values, 2.0)
    assert torch.equal(passed, values)
    passed.sum().backward()
    assert torch.equal(values.grad, torch.full((5,), -2.0))


def test_the_weight_rises_from_none_to_all_of_it() -> None:
    assert rise(0) == 0
    assert rise(0.1) == pytest.approx(math.tanh(0.5))
    assert rise(1) == pytest.approx(1, abs=1e-4)


def test_clips_of_unknown_speakers_alone_are_no_loss() -> None:
    output = FusionOutput(torch.zeros(1, 2), vector=torch.zeros(1, 3))
    loss = Adversary(3, {"a": 0, "b": 1}, 1.0)(output, Batch(("x",), {}), 0.5)
    assert loss.item() == 0


def test_weight_zero_is_a_training_without_and_any_other_is_not(
    corpus: toy.Toy, tmp_path: Path
) -> None:
    off = trained(corpus, tmp_path / "off")
    assert same(off, trained(corpus, tmp_path / "zero", adversary=0.0))
    assert not same(off, trained(corpus, tmp_path / "on", adversary=1.0))


def test_a_classifier_that_reverses_nothing_leaves_the_network_alone(corpus: toy.Toy) -> None:
    """Bit by bit: it draws no random numbers, and has no part in the norm that is clipped."""
    off, on = task(corpus), task(corpus, adversary=1e-6)
    assert on.adversary is not None
    on.adversary.weight = 0.0
    before = [p.clone() for p in on.adversary.parameters()]
    for epoch in (1, 2):
        off.epoch(epoch, 0.01)
        on.epoch(epoch, 0.01)
    for one, other in zip(off.kept.parameters(), on.kept.parameters(), strict=True):
        assert torch.equal(one, other)
    after = [*on.adversary.parameters()]
    assert not any(torch.equal(p, q) for p, q in zip(before, after, strict=True))


def test_speakers_become_harder_to_tell(corpus: toy.Toy) -> None:
    """What the same classifier, trained alike, loses by a network that learns against it."""
    losses = []
    for weight in (0.0, 30.0):
        one = task(corpus, adversary=1e-6, lr=0.01, batch_size=8)
        assert one.adversary is not None
        one.adversary.weight = weight
        for epoch in range(1, 13):
            one.epoch(epoch, 0.01)
        batch = one.train.batch(one.train.clips)
        with torch.no_grad():
            losses.append(one.adversary(one.learner.eval()(batch), batch, 1.0).item())
    assert losses[1] > losses[0]


@pytest.mark.usefixtures("checkpoints")
def test_a_training_that_was_interrupted_ends_the_same(
    corpus: toy.Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with interrupted(monkeypatch, FusionTask, "epoch", 3), pytest.raises(KeyboardInterrupt):
        trained(corpus, tmp_path / "run", adversary=1.0)
    resumed = trained(corpus, tmp_path / "run", adversary=1.0)
    assert same(resumed, trained(corpus, tmp_path / "whole", adversary=1.0))


def test_it_needs_several_speakers_and_a_network_that_tells_its_vector(corpus: toy.Toy) -> None:
    one, config = task(corpus), TrainConfig(adversary=1.0)
    alone = replace(one.train, clips=one.train.clips[:1])
    with pytest.raises(ConfigError, match="needs several speakers; the train split has 1"):
        make_adversary(one.learner, alone, config)
    one.learner.vector_width = 0
    with pytest.raises(ConfigError, match="does not tell what it classifies clips by"):
        make_adversary(one.learner, one.train, config)
