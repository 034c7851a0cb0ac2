"""Fusion networks as a training task, and the settings that it refuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from emocli.data.batch import Batch
from emocli.data.manifest import Task
from emocli.data.samples import Samples
from emocli.errors import ConfigError
from emocli.metrics import metrics
from emocli.models import losses
from emocli.models.rundir import EpochMetrics
from emocli.models.settings import TrainConfig
from emocli.plugin.network import Network
from emocli.training.adversary import make_adversary, numbered_speakers
from emocli.training.class_weights import class_counts, class_weights
from emocli.training.compute import check_machine, clipped_step, make_fabric, seeded
from emocli.training.dropout import drop_modalities
from emocli.training.masking import masked, masks
from emocli.training.outputs import level, predict
from emocli.training.schedule import Criterion, Repetition, Schedule, lr_factor
from emocli.training.targets import mixed, votes
from emocli.training.trainer import Fitted, Trainer, Watch, finite_loss

PAUSE = 1.0
"""Seconds between checkpoints at least: of short epochs a kill costs so much work, of long ones one
epoch."""


def fit_network(
    network: Network,
    train: Samples,
    valid: Samples,
    config: TrainConfig,
    run: Path,
    ended: Callable[[int], None] = lambda epochs: None,
    watch: Watch = lambda history: None,
) -> Fitted:
    """Train a fusion network, from the run's checkpoint on; parameters and errors as of its parts.

    See `FusionTask` and `Trainer.fit`.
    """
    schedule = make_schedule(config, train.manifest.task)
    task = FusionTask(network, train, valid, config)
    return Trainer(run, schedule, config.threads, PAUSE).fit(task, ended, watch)


def refit_network(
    network: Network,
    whole: Samples,
    config: TrainConfig,
    run: Path,
    history: Sequence[EpochMetrics],
) -> Fitted:
    """Train it once more, on clips without any held out, as long as the history of the first fit.

    Parameters
    ----------
    network : Network
        With its first parameters; it is changed.
    whole : Samples
        What to learn from.
    run : Path
        Folder of this fit's own checkpoint.
    history : sequence
        The first fit's, up to the epoch it keeps: so many epochs, at the same learning rates.

    Raises
    ------
    EmocliError
        As of `fit_network`.
    """
    first = make_schedule(config, whole.manifest.task)
    rates = tuple(first.learning_rate(history[:epoch]) for epoch in range(len(history)))
    task = FusionTask(network, whole, None, config)
    return Trainer(run, Repetition(rates), config.threads, PAUSE).fit(task)


def make_schedule(config: TrainConfig, task: Task) -> Schedule:
    """Return the schedule that settings ask for.

    Raises
    ------
    ConfigError
        If the task has no such metric as is monitored.
    """
    plateau = max(1, config.patience // 3) if config.scheduler == "plateau" else 0
    criterion = make_criterion(config.monitored(task))
    return Schedule(criterion, config.lr, config.epochs, config.patience, plateau)


def make_criterion(monitor: str) -> Criterion:
    """Order epochs by a validation metric, then by the validation loss."""
    return Criterion(f"valid_{monitor}", lower=monitor in metrics.ERRORS, tie="valid_loss")


class Average(nn.Module):
    """A network and the average of its parameters over epochs (Izmailov et al. 2018).

    Parameters
    ----------
    network : Network
        The network, which learns.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.mean = AveragedModel(network, use_buffers=True)

    @property
    def kept(self) -> Network:
        """The network that has the average."""
        return cast("Network", self.mean.module)

    def follow(self, averaging: bool) -> None:
        """Take an epoch into the average; before averaging begins it is the epoch's parameters."""
        if averaging:
            self.mean.update_parameters(self.network)
        else:
            self.kept.load_state_dict(self.network.state_dict())


class FusionTask:
    """The training of a fusion network.

    Parameters
    ----------
    network : Network
        With its first parameters; it is changed.
    train, valid : Samples
        What to learn from, and what to stop and choose by, if anything is.
    config : TrainConfig
        Settings.

    Raises
    ------
    ConfigError
        If settings do not fit the task, the network or the machine.
    """

    def __init__(
        self, network: Network, train: Samples, valid: Samples | None, config: TrainConfig
    ) -> None:
        self.train, self.valid, self.config = train, valid, config
        self.task = train.manifest.task
        self.counts = class_counts(train)
        check_settings(network, train, config)
        self.votes = votes(train) if config.target == "votes" else None
        weights = class_weights(config, train)
        logit_task = config.logit_task(self.task)
        self.loss = losses.base_loss(config.loss, logit_task, weights, config.label_smoothing)
        self.fabric = make_fabric(config.accelerator, config.precision)
        self.adversary = make_adversary(network, train, config)
        against = [] if self.adversary is None else [self.adversary.to(self.fabric.device)]
        kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
        optimizer = kinds[config.optimizer](
            [*nn.ModuleList([network, *against]).parameters()],
            lr=config.lr,
            weight_decay=config.weight_decay,
            # Several times faster, but Fabric cannot clip what it has not unscaled itself.
            fused=config.precision != "16-mixed",
        )
        self.learner = network
        self.module, self.optimizer = self.fabric.setup(network, optimizer)
        self.average = Average(network) if config.swa else None
        learnt: nn.Module = self.average or network
        self.network = nn.ModuleList([learnt, *against]) if against else learnt
        self.kept = self.average.kept if self.average else network

    def epoch(self, number: int, lr: float) -> EpochMetrics:
        """Train for one epoch and validate; `RunError` if a loss is not finite."""
        with seeded(self.config.seed, number) as order:
            train_loss = self._train(number, order, lr)
        if self.average is not None:
            self.average.follow(number >= self.config.swa)
        row: EpochMetrics = {
            "epoch": number,
            "lr": lr * lr_factor(number, self.config),
            "train_loss": train_loss,
        }
        return row if self.valid is None else row | self._validated(self.valid, number)

    def _validated(self, valid: Samples, number: int) -> EpochMetrics:
        outputs = predict(self.kept, valid, self.config.batch_size, self.fabric.device)
        loss = self.loss(outputs.logits, outputs.targets)
        valid_loss = self._finite(loss, number, "validation ")
        scores = outputs.scores(self.task, self.config, self.train.manifest.classes)
        metrics = {f"valid_{name}": value for name, value in scores.overall.items()}
        return {"valid_loss": valid_loss} | metrics

    def _train(self, number: int, order: np.random.Generator, lr: float) -> float:
        self.learner.train()
        total = clips = 0.0
        samples = self._drawn(order)
        for batch in samples.batches(self.config.batch_size, level(self.learner), order):
            if self.config.modality_dropout:
                batch = drop_modalities(batch, self.config.modality_dropout, order)
            if masks(self.config):
                batch = masked(batch, self.config, order)
            progress = (number - 1 + clips / len(samples)) / self.config.epochs
            learnt = self._learnt(batch, order).to(self.fabric.device)
            loss = self._batch_loss(learnt, progress)
            total += self._finite(loss, number) * len(batch)
            clips += len(batch)
            for group in self.optimizer.param_groups:
                group["lr"] = lr * lr_factor(number - 1 + clips / len(samples), self.config)
            self.optimizer.zero_grad()
            self.fabric.backward(loss)
            clipped_step(self.fabric, self.module, self.optimizer, self.config.clip)
        return total / clips

    def _learnt(self, batch: Batch, order: np.random.Generator) -> Batch:
        """Give a batch the targets, and the mixtures, that it is learnt with."""
        if self.votes is not None:
            batch = replace(batch, targets=torch.stack([self.votes[i] for i in batch.ids]))
        if self.config.mixup:
            classes = len(self.train.manifest.classes)
            batch = mixed(batch, classes, self.config.mixup, order)
        return batch

    def _batch_loss(self, batch: Batch, progress: float) -> Tensor:
        # Fabric's wrapper would take the frozen Batch apart to cast it; autocast alone does not.
        with self.fabric.autocast():
            output = self.learner(batch)
        output = replace(output, logits=output.logits.float())
        loss = self.learner.loss(output, batch, self.loss)
        return loss if self.adversary is None else loss + self.adversary(output, batch, progress)

    def _finite(self, loss: Tensor, number: int, kind: str = "") -> float:
        return finite_loss(loss, number, self.config.lr, self.config.clip, kind)

    def _drawn(self, order: np.random.Generator) -> Samples:
        """Draw the clips of an epoch."""
        if self.config.sampler == "none":
            return self.train
        targets = self.train.manifest.targets(self.train.clips)
        share = 1 / (self.counts[targets] * np.count_nonzero(self.counts))
        picks = order.choice(len(targets), len(targets), p=share)
        return replace(self.train, clips=tuple(self.train.clips[i] for i in picks))


def check_settings(network: Network, train: Samples, config: TrainConfig) -> None:
    """Refuse what a training would refuse when it begins, before anything is written for it.

    Raises
    ------
    ConfigError
        If settings do not fit the task, the network or the machine.
    ManifestError
        If a clip has no votes to learn.
    """
    task = train.manifest.task
    if config.sampler == "balanced" and (task != "single" or level(network) != "clip"):
        raise ConfigError(
            "setting 'train.sampler' = 'balanced' is for clips with one class each",
            hint="choose train.class_weights=balanced",
        )
    if config.scheduler == "plateau" and not config.patience:
        raise ConfigError(
            "setting 'train.scheduler' = 'plateau' waits a third of train.patience, which is 0",
            hint="choose train.patience=10, or train.scheduler=cosine",
        )
    check_targets(network, task, config)
    if config.target == "votes":
        votes(train)
    if config.adversary:
        numbered_speakers(network, train)
    weights, logit_task = class_weights(config, train), config.logit_task(task)
    losses.base_loss(config.loss, logit_task, weights, config.label_smoothing)
    check_machine(config.accelerator, config.precision)


def check_targets(network: Network | type[Network], task: Task, config: TrainConfig) -> None:
    """Raise `ConfigError` for other targets where only labels are understood."""
    others = {"mixup": config.mixup > 0, "target": config.target != "label"}
    for setting in (name for name, chosen in others.items() if chosen):
        where, value = f"setting 'train.{setting}'", getattr(config, setting)
        hint = f"choose train.{setting}={TrainConfig.model_fields[setting].default}"
        if value != "one_vs_rest" and not network.takes_soft_targets:
            raise ConfigError(f"{where} = {value}: the network's own loss takes labels", hint=hint)
        if setting == "mixup" and level(network) != "clip":
            raise ConfigError(f"{where} = {value} is for clips, not for dialogues", hint=hint)
        if setting == "target" and task != "single":
            raise ConfigError(f"{where} = {value} does not fit a task of '{task}'", hint=hint)
