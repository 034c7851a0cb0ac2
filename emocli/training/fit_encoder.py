"""Training an encoder of sound, faces or scenes: pictures of one class come to lie together.

Learns from the train split, stops and chooses by how often the nearest training picture of a valid
picture is of its class. Repeating the same command resumes, or leaves alone what is finished.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor, nn

from emocli.config import Settings, Tree, build, merge
from emocli.data.durable import locked, used_folder, write_text
from emocli.data.manifest import Manifest
from emocli.display import markdown
from emocli.errors import ConfigError, RunError
from emocli.models import rundir
from emocli.models.encoder import (
    Encoder,
    EncoderConfig,
    EncoderRun,
    Kind,
    Picture,
    Screen,
    embed,
    make_encoder,
    outline,
    read_run,
)
from emocli.models.rundir import CARD, CHECKPOINT, Row
from emocli.models.settings import Accelerator
from emocli.quantities import Decay, Epochs, LearningRate, Seed, Threads
from emocli.training import triplet
from emocli.training.augment import AugmentConfig
from emocli.training.checkpoint import Resumable, Tensors
from emocli.training.fitting import Place, State, best_epoch, fit, state
from emocli.training.loop import deterministic_torch, make_fabric, seeded
from emocli.training.pictures import Pictures, Teach, of_folder, of_manifest
from emocli.training.triplet import TripletConfig

EPOCHS: Mapping[Kind, int] = {"audio": 60, "face": 100, "scene": 100}
"""Epochs at most (Chudasama 2022, sec. 4.2)."""

NEIGHBOUR = "valid_1nn"
"""The figure by which the best epoch is chosen."""

LIBRARIES = ("torch", "transformers", "numpy")


MOST_CLASSES = 16
"""Of a batch, where not given."""

MOST_PICTURES = 20_000
"""Of a batch."""

PerBatch = Annotated[int, Field(ge=2, le=10_000)]


class FitConfig(Settings):
    """How an encoder is trained.

    Attributes
    ----------
    teach : {'label', 'speaker'}
        Which classes of a manifest: its labels, or who it is (of the train split; one clip in ten
        is then for validation).
    loss : {'triplet', 'cross_entropy'}
        The paper's loss, with the settings ``loss.KEY``; or that of a linear classifier on top,
        which is thrown away.
    lr, weight_decay : float
        Of Adam.
    epochs, patience : int
        At most so many, fewer once ``patience`` in a row were not better; no epochs: 60 for sound,
        100 for pictures.
    classes, per_class : int
        A batch holds so many pictures of each of so many classes; no classes: all, at most 16.
    accelerator : {'auto', 'cpu', 'cuda'}
        Where to compute.
    threads : int
        Of the CPU; 0 leaves the choice to PyTorch.
    seed : int
        Of parameters, batches and augmentation.
    """

    teach: Teach = "label"
    loss: Literal["triplet", "cross_entropy"] = "triplet"
    lr: LearningRate = 1e-4
    weight_decay: Decay = 1e-6
    epochs: Epochs | None = None
    patience: Epochs = 10
    classes: PerBatch | None = None
    per_class: PerBatch = 8
    accelerator: Accelerator = "auto"
    threads: Threads = 0
    seed: Seed = 0

    @model_validator(mode="after")
    def _batch_fits(self) -> FitConfig:
        if (self.classes or MOST_CLASSES) * self.per_class > MOST_PICTURES:
            raise ValueError(f"classes times per_class are more than {MOST_PICTURES} pictures")
        return self


PRESETS: Mapping[str, Tree] = {
    name: {"encoder": encoder, "loss": dict(triplet.PRESETS[name])}
    for name, encoder in {"literal": {}, "paper": {}, "plus": {"colour": "repeat"}}.items()
}


@dataclass(frozen=True)
class EncoderSummary:
    """How a training went.

    Attributes
    ----------
    run : Path
        The encoder.
    kind, state : str
        What it looks at, and whether it was trained just now.
    classes : tuple of str
        What it tells apart.
    train, valid : int
        Pictures.
    skipped : mapping
        Reason to the clips that could not be used.
    parameters, epochs, best_epoch : int
        Numbers learned, epochs done, and the one that was kept.
    accuracy : float
        Share of valid pictures whose nearest training picture is of their class, in that epoch.
    """

    run: Path
    kind: Kind
    state: State
    classes: tuple[str, ...]
    train: int
    valid: int
    skipped: dict[str, int]
    parameters: int
    epochs: int
    best_epoch: int
    accuracy: float


def fit_encoder(
    kind: Kind,
    source: Manifest | Path,
    run: Path,
    *,
    store: Path = Path("store"),
    preset: str = "paper",
    settings: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> EncoderSummary:
    """Train an encoder.

    Parameters
    ----------
    kind : {'audio', 'face', 'scene'}
        What it looks at: the feature ``mel``, the feature ``faces``, or pictures of the videos.
    source : Manifest or Path
        A corpus, or a folder that holds one folder of files per class.
    run : Path
        Folder to write.
    store : Path
        Folder of the corpus's features.
    preset : str
        ``literal``, ``paper`` or ``plus``.
    settings : mapping, optional
        ``{"encoder": ..., "train": ..., "loss": ..., "augment": ...}``, laid over the preset.
    overwrite : bool
        Replace an encoder of other settings, or one that is finished.
    progress : callable
        Told epochs done and epochs at most.

    Raises
    ------
    EmocliError
        If settings, pictures and folder do not fit each other; then nothing has been written.
    """
    plan = Plan.of(preset, settings or {}, kind)
    pictures = plan.pictures(source, store, run / CHECKPOINT)
    config = plan.config(pictures)

    def same() -> bool:
        return _choices(read_run(run)) == _choices(config)

    place = Place(run, "an encoder", "pictures", same, overwrite)
    # Made before anything is written: it refuses what cannot be trained.
    learner = None if place.stays() and rundir.finished(run) else Learner.of(plan, pictures)
    with used_folder(run), locked(run / ".lock"):
        if not place.cleared():
            rundir.write_config(run, config)
        standing = state(run)
        if standing != "already trained":
            _train(learner or Learner.of(plan, pictures), config, run, progress)
        shutil.rmtree(run / CHECKPOINT, ignore_errors=True)
        return _summary(run, config, pictures, standing)


@dataclass(frozen=True)
class Plan:
    """All settings of a training, resolved."""

    kind: Kind
    encoder: EncoderConfig
    train: FitConfig
    loss: TripletConfig
    augment: AugmentConfig

    @classmethod
    def of(cls, preset: str, settings: Mapping[str, Any], kind: Kind) -> Plan:
        """Lay settings over the preset.

        Raises
        ------
        ConfigError
            If there is no such preset, section or setting.
        """
        if preset not in PRESETS:
            raise ConfigError(
                f"there is no preset '{preset}'", hint=f"there are: {', '.join(PRESETS)}"
            )
        sections: dict[str, type[Settings]] = {
            "encoder": EncoderConfig,
            "train": FitConfig,
            "loss": TripletConfig,
            "augment": AugmentConfig,
        }
        tree = merge(PRESETS[preset], settings)
        for section in tree:
            if section not in sections:
                raise ConfigError(
                    f"unknown setting '{section}'", hint=f"there are: {', '.join(sections)}"
                )
        made: dict[str, Any] = {n: build(k, tree.get(n, {}), n) for n, k in sections.items()}
        epochs = made["train"].epochs or EPOCHS[kind]
        made["train"] = made["train"].model_copy(update={"epochs": epochs})
        return cls(kind, **made)

    @property
    def epochs(self) -> int:
        """Epochs at most."""
        return self.train.epochs or EPOCHS[self.kind]

    def pictures(self, source: Manifest | Path, store: Path, cache: Path) -> Pictures:
        """Find what to learn from."""
        if isinstance(source, Manifest):
            return of_manifest(self.kind, source, store, self.train.teach, self.encoder.side, cache)
        return of_folder(self.kind, source)

    def config(self, pictures: Pictures) -> EncoderRun:
        """Write down what the encoder is."""
        parts = {"train": self.train, "loss": self.loss, "augment": self.augment}
        return EncoderRun(
            kind=self.kind,
            encoder=self.encoder,
            resnet={},
            settings={name: part.model_dump(mode="json") for name, part in parts.items()},
            classes=pictures.classes,
            source=pictures.fingerprint,
            versions=rundir.versions(LIBRARIES),
        )


def _choices(config: EncoderRun) -> Tree:
    return config.model_dump(exclude={"versions", "resnet"})


def _train(
    learner: Learner, config: EncoderRun, run: Path, progress: Callable[[int, int], None]
) -> None:
    """Train from the checkpoint on, and write the encoder."""
    plan = learner.plan
    with deterministic_torch(plan.train.threads):
        history, best = fit(
            learner,
            run,
            NEIGHBOUR,
            plan.epochs,
            plan.train.patience,
            lambda done: progress(done, plan.epochs),
        )
    rundir.write_history(run, history)
    write_text(run / CARD, _card(config, history))
    rundir.write_config(run, config.model_copy(update={"resnet": learner.encoder.shape}))
    rundir.write_parameters(run, best)


class Learner(Resumable):
    """An encoder that learns, epoch by epoch."""

    network: nn.ModuleDict

    @classmethod
    def of(cls, plan: Plan, pictures: Pictures) -> Learner:
        """Make one as it is trained."""
        with deterministic_torch(plan.train.threads):
            return cls(plan, pictures)

    def __init__(self, plan: Plan, pictures: Pictures) -> None:
        self.plan, self.pictures = plan, pictures
        self.screen = Screen(plan.kind, plan.encoder)
        self.fabric = make_fabric(plan.train.accelerator, "32-true")
        self.device = self.fabric.device
        with seeded(plan.train.seed, 0):
            self.encoder = make_encoder(plan.encoder).to(self.device)
            head = nn.Linear(plan.encoder.dim, len(pictures.classes))
        self.network = nn.ModuleDict({"encoder": self.encoder})
        if plan.train.loss == "cross_entropy":
            self.network["head"] = head.to(self.device)
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), lr=plan.train.lr, weight_decay=plan.train.weight_decay
        )

    def epoch(self, number: int) -> Row:
        """Train for one epoch and validate.

        Raises
        ------
        RunError
            If the loss is not finite.
        """
        began, total, count = time.monotonic(), 0.0, 0
        self.network.train()
        with seeded(self.plan.train.seed, number) as rng:
            for indices in batches(self.pictures, self.plan.train, rng):
                loss = self._loss(indices, rng)
                if not torch.isfinite(loss):
                    raise RunError(
                        f"the loss is not finite in epoch {number}",
                        hint=f"choose a smaller train.lr (now {self.plan.train.lr:g})",
                    )
                self.optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                self.optimizer.step()
                total, count = total + float(loss.detach()), count + 1
        row: Row = {"epoch": number, "train_loss": total / count, NEIGHBOUR: self.accuracy()}
        return row | {"seconds": round(time.monotonic() - began, 3)}

    def accuracy(self) -> float:
        """Share of valid pictures whose nearest training picture is of their class."""
        known, asked = self.pictures.train, self.pictures.valid
        train, valid = (
            embedded(self.encoder, self.screen, self.pictures, part) for part in (known, asked)
        )
        labels = self.pictures.labels
        return float(nearest(train, labels[known], valid, labels[asked]).mean())

    def parameters(self) -> Tensors:
        """Copy the encoder's parameters and statistics."""
        return {name: value.detach().clone() for name, value in self.encoder.state_dict().items()}

    def _loss(self, indices: NDArray[np.int64], rng: np.random.Generator) -> Tensor:
        shown = self.screen([self._augmented(int(index), rng) for index in indices])
        vectors = self.encoder(shown.to(self.device))
        labels = torch.from_numpy(self.pictures.labels[indices]).to(self.device)
        if "head" in self.network:
            return nn.functional.cross_entropy(self.network["head"](vectors), labels)
        # PyTorch's own generator is seeded too; triplets are drawn from it.
        return triplet.loss(vectors, labels, self.plan.loss, None)

    def _augmented(self, index: int, rng: np.random.Generator) -> Picture:
        picture, augment = self.pictures.draw(index, rng), self.plan.augment
        if self.plan.kind == "audio":
            return augment.sound(picture, rng, self.pictures.bands)
        return augment.picture(picture, rng)


def embedded(
    encoder: Encoder, screen: Screen, pictures: Pictures, indices: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Embed some of the pictures, shape (n, dim); a few of them are in memory at a time."""
    parts = [
        embed(encoder, screen, [pictures.draw(int(i), None) for i in part])
        for part in np.array_split(indices, max(1, len(indices) // 64))
    ]
    return np.concatenate(parts)


def batches(
    pictures: Pictures, config: FitConfig, rng: np.random.Generator
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
    asked: NDArray[np.float32],
    wanted: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Tell whether nearest neighbours are of the wanted class.

    Parameters
    ----------
    gallery, asked : ndarray, shape (m, dim), (n, dim)
        Vectors of pictures that are known, and of others; near is what has a great cosine.
    known, wanted : ndarray of int, shape (m,), (n,)
        Their classes.

    Returns
    -------
    ndarray of bool, shape (n,)
        For each one asked about.
    """
    unit = [
        x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12) for x in (gallery, asked)
    ]
    found: NDArray[np.bool_] = known[(unit[1] @ unit[0].T).argmax(axis=1)] == wanted
    return found


def _summary(run: Path, config: EncoderRun, pictures: Pictures, state: State) -> EncoderSummary:
    history = rundir.read_history(run, (NEIGHBOUR,))
    best = best_epoch(history, NEIGHBOUR)
    return EncoderSummary(
        run=run,
        kind=config.kind,
        state=state,
        classes=config.classes,
        train=len(pictures.train),
        valid=len(pictures.valid),
        skipped=pictures.skipped,
        parameters=sum(p.numel() for p in outline(run).parameters()),
        epochs=len(history),
        best_epoch=best,
        accuracy=history[best - 1][NEIGHBOUR],
    )


def _card(config: EncoderRun, history: list[Row]) -> str:
    best = best_epoch(history, NEIGHBOUR)
    return f"""---
library_name: emocli
tags: [feature-extraction, {config.kind}]
license: other
---

# Encoder of kind {config.kind}

{config.encoder.backbone}, {config.encoder.dim}-dimensional vectors, trained to tell
{len(config.classes)} classes apart: {", ".join(map(markdown, config.classes[:12]))}.

Nearest-neighbour accuracy on the validation pictures: {history[best - 1][NEIGHBOUR]:.3f}
(epoch {best} of {len(history)}). Use it with `emocli extract`; loading it executes no code.
"""
