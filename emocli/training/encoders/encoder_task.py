"""Encoders of sound, faces and scenes as a training task.

An epoch learns from batches of P classes with K pictures each, and validates by how often the
nearest training picture of a valid picture is of its class.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from emocli.models.encoder import PictureTransform, ResNetEncoder, embed, make_encoder
from emocli.models.rundir import EpochMetrics
from emocli.training.compute import deterministic_torch, make_fabric, seeded
from emocli.training.encoders import triplet
from emocli.training.encoders.pictures import LabelledPictures
from emocli.training.encoders.plan import MOST_CLASSES, NEIGHBOUR, EncoderFitConfig, EncoderPlan
from emocli.training.trainer import finite_loss


class EncoderTask:
    """The training of an encoder: pictures of one class come to lie together."""

    @classmethod
    def of(cls, plan: EncoderPlan, pictures: LabelledPictures) -> EncoderTask:
        """Make the parameters in the arithmetic they are trained in."""
        with deterministic_torch(plan.train.threads):
            return cls(plan, pictures)

    def __init__(self, plan: EncoderPlan, pictures: LabelledPictures) -> None:
        self.plan, self.pictures = plan, pictures
        self.draw = plan.source.augmented(pictures.pictures, plan.augment)
        self.screen = PictureTransform(plan.encoder)
        self.fabric = make_fabric(plan.train.accelerator, plan.train.precision)
        self.device = self.fabric.device
        with seeded(plan.train.seed, 0):
            self.kept = make_encoder(plan.encoder).to(self.device)
            head = nn.Linear(plan.encoder.dim, len(pictures.classes))
        self.network = nn.ModuleDict({"encoder": self.kept})
        if plan.train.loss == "cross_entropy":
            self.network["head"] = head.to(self.device)
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), lr=plan.train.lr, weight_decay=plan.train.weight_decay
        )

    def epoch(self, number: int, lr: float) -> EpochMetrics:
        """Train for one epoch and validate; `RunError` if the loss is not finite."""
        began, total, count = time.monotonic(), 0.0, 0
        self.network.train()
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        with seeded(self.plan.train.seed, number) as rng:
            for indices in batches(self.pictures, self.plan.train, rng):
                loss = self._loss(indices, rng)
                total, count = total + finite_loss(loss, number, lr, None), count + 1
                self.optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                self.optimizer.step()
        row: EpochMetrics = {
            "epoch": number,
            "train_loss": total / count,
            NEIGHBOUR: self.accuracy(),
        }
        return row | {"seconds": round(time.monotonic() - began, 3)}

    def accuracy(self) -> float:
        """Share of valid pictures whose nearest training picture is of their class."""
        splits = (self.pictures.train, self.pictures.valid)
        train, valid = (embedded(self.kept, self.screen, self.pictures, part) for part in splits)
        known, wanted = (self.pictures.labels[part] for part in splits)
        return float(nearest(train, known, valid, wanted).mean())

    def _loss(self, indices: NDArray[np.int64], rng: np.random.Generator) -> Tensor:
        shown = self.screen([self.draw(int(index), rng) for index in indices])
        with self.fabric.autocast():
            vectors = self.kept(shown.to(self.device))
        vectors = vectors.float()
        labels = torch.from_numpy(self.pictures.labels[indices]).to(self.device)
        if "head" in self.network:
            return nn.functional.cross_entropy(self.network["head"](vectors), labels)
        # PyTorch's own generator is seeded too; triplets are drawn from it.
        return triplet.loss(vectors, labels, self.plan.loss, None)


def embedded(
    encoder: ResNetEncoder,
    screen: PictureTransform,
    pictures: LabelledPictures,
    indices: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Embed some of the pictures, shape (n, dim); a few of them are in memory at a time."""
    parts = [
        embed(encoder, screen, [pictures.pictures.draw(int(i), None) for i in part])
        for part in np.array_split(indices, max(1, len(indices) // 64))
    ]
    return np.concatenate(parts)


def batches(
    pictures: LabelledPictures, config: EncoderFitConfig, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Draw the batches of an epoch: P classes with K pictures each, about as many as there are."""
    labels = pictures.labels[pictures.train]
    present = np.unique(labels)
    most = min(config.classes or MOST_CLASSES, len(present))
    for _ in range(max(1, round(len(labels) / (most * config.per_class)))):
        chosen = rng.choice(present, most, replace=False)
        yield np.concatenate(
            [
                rng.choice(own, config.per_class, replace=len(own) < config.per_class)
                for own in (pictures.train[labels == name] for name in chosen)
            ]
        )


def nearest(
    gallery: NDArray[np.float32],
    known: NDArray[np.int64],
    queries: NDArray[np.float32],
    wanted: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Tell whether nearest neighbours are of the wanted class.

    Parameters
    ----------
    gallery, queries : ndarray, shape (m, dim), (n, dim)
        Vectors of pictures that are known, and of others; the nearest has the greatest cosine.
    known, wanted : ndarray of int, shape (m,), (n,)
        Their classes.

    Returns
    -------
    ndarray of bool, shape (n,)
        For each query.
    """
    unit = [
        x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12) for x in (gallery, queries)
    ]
    right: NDArray[np.bool_] = known[(unit[1] @ unit[0].T).argmax(axis=1)] == wanted
    return right
