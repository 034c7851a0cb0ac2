"""What a training compares with: votes, mixtures, and where neither is understood."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from emocli.config import build
from emocli.data.batch import Batch, FusionOutput, Padded
from emocli.data.samples import Samples
from emocli.data.store import open_features
from emocli.errors import ConfigError, ManifestError
from emocli.models import losses
from emocli.models.settings import TrainConfig
from emocli.plugin.network import Network
from emocli.training.compute import seeded
from emocli.training.fusion_task import FusionTask, fit_network
from emocli.training.targets import mixed, votes
from tests import toy


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> toy.Toy:
    """A toy corpus nobody writes to."""
    return toy.build(tmp_path_factory.mktemp("toy"))


class Bias(Network):
    """Says the same about every clip."""

    level = "clip"

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(3))

    def forward(self, batch: Batch) -> FusionOutput:
        return FusionOutput(torch.zeros(len(batch), 1) + self.logits)


def voted(corpus: toy.Toy) -> Samples:
    """The train split; of ten raters seven saw the label and three the next class."""
    clips = []
    for clip in corpus.manifest.clips:
        own = toy.CLASSES.index(clip.label or "")
        counts = dict.fromkeys(toy.CLASSES, 0.0)
        counts |= {toy.CLASSES[own]: 0.7, toy.CLASSES[(own + 1) % 3]: 0.3}
        clips.append(replace(clip, labels=counts))
    manifest = replace(corpus.manifest, clips=tuple(clips))
    return Samples.of(manifest, "train", open_features(corpus.store, None, manifest))


def config(**changes: Any) -> TrainConfig:
    base = {"epochs": 150, "lr": 0.1, "loss": "ce", "accelerator": "cpu", "scheduler": "cosine"}
    return build(TrainConfig, {**base, "patience": 150, **changes}, "train")


def test_votes_are_shares_by_clip(corpus: toy.Toy) -> None:
    samples = voted(corpus)
    result = votes(samples)
    assert list(result) == [clip.id for clip in samples.clips]
    assert result["train00"].tolist() == pytest.approx([0.7, 0.3, 0.0])
    assert result["train02"].tolist() == pytest.approx([0.3, 0.0, 0.7])


def test_a_network_learns_the_votes_and_is_validated_by_the_labels(
    corpus: toy.Toy, tmp_path: Path
) -> None:
    """Of clips of the first class alone, it comes to say what their raters did."""
    whole = voted(corpus)
    one = replace(whole, clips=tuple(c for c in whole.clips if c.label == toy.CLASSES[0]))
    said = {}
    for target in ("votes", "label"):
        network = Bias()
        folder = tmp_path / target
        folder.mkdir()
        fitted = fit_network(network, one, whole, config(target=target, monitor="loss"), folder)
        said[target] = torch.softmax(network.logits, 0).tolist()
        first = fitted.history[0]["valid_loss"]
        assert first == pytest.approx(np.log(3), abs=0.1)
        assert fitted.history[-1]["valid_accuracy"] == pytest.approx(1 / 3)
    assert said["votes"] == pytest.approx([0.7, 0.3, 0.0], abs=0.02)
    assert said["label"][0] > 0.95


def test_clips_without_votes_are_named(corpus: toy.Toy) -> None:
    samples = Samples.of(
        corpus.manifest, "train", open_features(corpus.store, None, corpus.manifest)
    )
    with pytest.raises(ManifestError, match=r"'train00' has no votes; choose train\.target=label"):
        votes(samples)


def batch() -> Batch:
    torch.manual_seed(0)
    audio = Padded(torch.randn(4, 5, 2), torch.tensor([5, 2, 0, 4]))
    return Batch(tuple("abcd"), {"audio": audio}, torch.tensor([0, 1, 2, 1]))


def test_mixing_is_the_mean_of_two_clips_and_of_their_labels() -> None:
    clips = batch()
    result = mixed(clips, 3, 0.4, np.random.default_rng(3))
    order = np.random.default_rng(3)
    share = order.beta(0.4, 0.4)
    share = max(share, 1 - share)
    others = order.permutation(4)
    assert 0.5 < share < 0.99
    assert sorted(others) == [0, 1, 2, 3]
    view = clips.views["audio"]
    got = result.views["audio"]
    assert got.lengths.tolist() == view.lengths.tolist()
    for item, other in enumerate(others):
        for step in range(int(view.lengths[item])):
            inside = step < view.lengths[other]
            partner = view.values[other, step] if inside else torch.zeros(2)
            wanted = share * view.values[item, step] + (1 - share) * partner
            torch.testing.assert_close(got.values[item, step], wanted)
        labels = torch.zeros(3)
        labels[clips.targets[item]] += share
        labels[clips.targets[other]] += 1 - share
        torch.testing.assert_close(result.targets[item], labels)


def test_mixing_never_reads_padding_and_keeps_soft_targets() -> None:
    clips = batch()
    view = clips.views["audio"]
    dirty = view.with_values(view.values.masked_fill(~view.mask[..., None], torch.nan))
    soft = replace(clips, views={"audio": dirty}, targets=torch.rand(4, 3))
    result = mixed(soft, 3, 0.4, np.random.default_rng(3))
    assert result.views["audio"].values.isfinite().all()
    assert result.targets.shape == (4, 3)
    torch.testing.assert_close(result.targets.sum(), soft.targets.sum())
    loss = losses.base_loss("ce", "single")
    assert loss(torch.randn(4, 3), result.targets).isfinite()


class Own(Bias):
    takes_soft_targets = False

    def loss(self, output: FusionOutput, batch: Batch, base: Any) -> torch.Tensor:
        return base(output.logits, batch.targets)


class Dialogues(Bias):
    level = "dialogue"


@pytest.mark.parametrize(
    ("network", "task", "changes", "message"),
    [
        (Own, "single", {"mixup": 0.2}, r"train\.mixup' = 0\.2: the network's own loss .*mixup=0"),
        (Own, "single", {"target": "votes"}, r"train\.target' = votes: the network's own loss"),
        (Dialogues, "single", {"mixup": 0.2}, r"is for clips, not for dialogues"),
        (Bias, "multi", {"target": "votes", "loss": "auto"}, r"does not fit a task of 'multi'"),
    ],
)
def test_soft_targets_are_refused_where_only_labels_are_understood(
    tmp_path: Path, network: type[Bias], task: Any, changes: dict[str, Any], message: str
) -> None:
    corpus = toy.build(tmp_path, task)
    stores = open_features(corpus.store, None, corpus.manifest)
    train, valid = (Samples.of(corpus.manifest, split, stores) for split in ("train", "valid"))
    with seeded(0), pytest.raises(ConfigError, match=message):
        FusionTask(network(), train, valid, config(**changes))
