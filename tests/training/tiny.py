"""Networks that learn a toy corpus in a moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from emocli.config import build
from emocli.data.batch import Batch, FusionOutput
from emocli.data.samples import Samples
from emocli.data.store import open_features
from emocli.models.settings import TrainConfig
from emocli.plugin.network import Network
from emocli.training.compute import seeded
from emocli.training.fusion_task import fit_network
from emocli.training.trainer import Fitted
from tests import toy


class Tiny(Network):
    """Means of all views into one layer: enough to learn the toy corpus."""

    level = "clip"

    def __init__(self, dims: dict[str, int], outputs: int, dropout: float = 0.2) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(sum(dims.values()), outputs)

    def forward(self, batch: Batch) -> FusionOutput:
        means = torch.cat([view.mean() for _, view in sorted(batch.views.items())], dim=-1)
        return FusionOutput(self.out(self.dropout(means)))


class TinyDialogue(Tiny):
    """The same, for dialogues: a clip also hears the mean of its dialogue."""

    level = "dialogue"

    def forward(self, batch: Batch) -> FusionOutput:
        assert batch.turns is not None
        means = torch.cat([view.mean() for _, view in sorted(batch.views.items())], dim=-1)
        heard = [own.mean(dim=0).expand_as(own) for own in means.split(batch.turns.tolist())]
        rows = means + 0.1 * torch.cat(heard)
        return FusionOutput(self.out(self.dropout(rows)))


def splits(corpus: toy.Toy) -> tuple[Samples, Samples]:
    stores = open_features(corpus.store, None, corpus.manifest)
    return Samples.of(corpus.manifest, "train", stores), Samples.of(
        corpus.manifest, "valid", stores
    )


def config(**changes: Any) -> TrainConfig:
    base = {"epochs": 5, "batch_size": 7, "lr": 0.02, "accelerator": "cpu"}
    return build(TrainConfig, base | changes, "train")


def train(corpus: toy.Toy, folder: Path, kind: type[Tiny] = Tiny, **changes: Any) -> Fitted:
    settings = config(**changes)
    samples, valid = splits(corpus)
    folder.mkdir(exist_ok=True)
    with seeded(settings.seed, 0):
        network = kind(samples.dims, len(corpus.manifest.classes))
    return fit_network(network, samples, valid, settings, folder)


def same(a: Fitted, b: Fitted) -> bool:
    equal = all(torch.equal(a.state[name], b.state[name]) for name in a.state)
    return equal and a.history == b.history
