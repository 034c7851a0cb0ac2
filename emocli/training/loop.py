"""The training loop: plain, deterministic on a CPU, and resumable after any epoch.

What an epoch does depends on the seed, its number and the parameters it starts from, and nothing
else: the order of the clips and dropout are drawn anew from (seed, epoch), and the learning rate
and the end follow from the history. So a training that was killed and resumed ends with the same
parameters, bit by bit, as one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from emocli.data.batch import Batch
from emocli.data.manifest import Task
from emocli.data.samples import Level, Samples
from emocli.errors import ConfigError, RunError
from emocli.metrics import metrics
from emocli.models import losses
from emocli.models.rundir import CHECKPOINT, LAST, Row, write_history
from emocli.models.settings import Accelerator, Precision, TrainConfig
from emocli.training.checkpoint import Resumable, Tensors
from emocli.training.dropout import drop_modalities
from emocli.training.targets import mixed, votes

if TYPE_CHECKING:
    from lightning_fabric import Fabric

FACTOR = 0.5
"""What a plateau multiplies the learning rate by."""

PAUSE = 1.0
"""Seconds between checkpoints at least: of short epochs a kill costs so much work, of long ones one
epoch."""

KEPT = 31 << 20
"""Bytes that are taken and freed once. From then on glibc keeps twice as much of what is freed,
instead of returning it to the system only to ask for it again. More than 32 MB have no effect."""


@dataclass(frozen=True)
class NetworkOutputs:
    """What a network says about clips.

    Attributes
    ----------
    ids : tuple of str
        The clips.
    logits : Tensor, shape (n, C)
        On the CPU.
    targets : Tensor
        (n,) or (n, C), as in a Batch; of batches whose clips all have a label.
    """

    ids: tuple[str, ...]
    logits: Tensor
    targets: Tensor

    def values(self, task: Task, loss: losses.LossName) -> NDArray[np.float32]:
        """Return what the logits mean: probabilities or intensities, shape (n, C)."""
        return losses.probabilities(task, loss, self.logits).numpy()

    def scores(self, task: Task, loss: losses.LossName, classes: Sequence[str]) -> metrics.Scores:
        """Compare with the labels."""
        return metrics.score(task, self.targets.numpy(), self.values(task, loss), classes)


@dataclass(frozen=True)
class Fitted:
    """A finished training.

    Attributes
    ----------
    state : mapping
        The network's parameters after the best epoch.
    history : list
        A row per epoch.
    resumed : int
        Epochs that an earlier process had done.
    """

    state: Tensors
    history: list[Row]
    resumed: int


def fit(
    network: nn.Module,
    train: Samples,
    valid: Samples,
    config: TrainConfig,
    run: Path,
    ended: Callable[[int], None] = lambda epochs: None,
) -> Fitted:
    """Train a network, going on from the run's checkpoint if there is one.

    Parameters
    ----------
    network : Module
        A fusion network with its first parameters; it is changed.
    train, valid : Samples
        What to learn from, and what to stop and choose by.
    config : TrainConfig
        Settings.
    run : Path
        Folder for the checkpoint and the history.
    ended : callable
        Told the number of epochs after each.

    Raises
    ------
    ConfigError
        If settings do not fit the task, the network or the machine.
    RunError
        If the loss is not finite, or the checkpoint is damaged.
    """
    monitor = config.monitored(train.manifest.task)
    learner = Learner(network, train, valid, config)
    history, best = learner.restore(run / CHECKPOINT / LAST, columns(monitor))
    resumed, saved = len(history), time.monotonic()
    with deterministic_torch(config.threads):
        while not over(history, config, monitor):
            row = learner.epoch(len(history) + 1, learning_rate(history, config, monitor))
            history.append(row)
            if best_epoch(history, monitor) == len(history):
                best = learner.parameters()
            if over(history, config, monitor) or time.monotonic() - saved >= PAUSE:
                learner.checkpoint(history, best).save(run / CHECKPOINT / LAST)
                write_history(run, history)
                saved = time.monotonic()
            ended(len(history))
    return Fitted(best, history, resumed)


class Learner(Resumable):
    """A network that learns, epoch by epoch."""

    def __init__(
        self, network: nn.Module, train: Samples, valid: Samples, config: TrainConfig
    ) -> None:
        self.train, self.valid, self.config = train, valid, config
        self.task = train.manifest.task
        self.counts = class_counts(train)
        check_settings(network, train, config)
        self.votes = votes(train) if config.target == "votes" else None
        weights = class_weights(config, train)
        self.loss = losses.base_loss(config.loss, self.task, weights, config.label_smoothing)
        self.fabric = make_fabric(config.accelerator, config.precision)
        kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
        optimizer = kinds[config.optimizer](
            network.parameters(),
            lr=config.lr,
            weight_decay=config.weight_decay,
            # Several times faster, but Fabric cannot clip what it has not unscaled itself.
            fused=config.precision != "16-mixed",
        )
        self.network = network
        self.module, self.optimizer = self.fabric.setup(network, optimizer)

    def epoch(self, number: int, rate: float) -> Row:
        """Train for one epoch and validate.

        Raises
        ------
        RunError
            If a loss is not finite.
        """
        with seeded(self.config.seed, number) as order:
            train_loss = self._train(number, order, rate)
        said = predict(self.network, self.valid, self.config.batch_size, self.fabric.device)
        valid_loss = self._checked(self.loss(said.logits, said.targets), number, "validation ")
        figures = said.scores(self.task, self.config.loss, self.train.manifest.classes).overall
        row: Row = {
            "epoch": number,
            "lr": rate * lr_factor(number, self.config),
            "train_loss": train_loss,
            "valid_loss": valid_loss,
        }
        return row | {f"valid_{name}": value for name, value in figures.items()}

    def _train(self, number: int, order: np.random.Generator, rate: float) -> float:
        self.network.train()
        total = clips = 0.0
        samples = self._drawn(order)
        for batch in samples.batches(self.config.batch_size, level(self.network), order):
            if self.config.modality_dropout:
                batch = drop_modalities(batch, self.config.modality_dropout, order)
            loss = self._batch_loss(self._learnt(batch, order).to(self.fabric.device))
            total += self._checked(loss, number, "") * len(batch)
            clips += len(batch)
            for group in self.optimizer.param_groups:
                group["lr"] = rate * lr_factor(number - 1 + clips / len(samples), self.config)
            self.optimizer.zero_grad()
            self.fabric.backward(loss)
            if self.config.clip:
                # 16-bit gradients may overflow: the scaler then skips the step by itself.
                self.fabric.clip_gradients(
                    self.module,
                    self.optimizer,
                    max_norm=self.config.clip,
                    error_if_nonfinite=False,
                )
            self.optimizer.step()
        return total / clips

    def _learnt(self, batch: Batch, order: np.random.Generator) -> Batch:
        """Give a batch the targets, and the mixtures, that it is learnt with."""
        if self.votes is not None:
            batch = replace(batch, targets=torch.stack([self.votes[i] for i in batch.ids]))
        if self.config.mixup:
            classes = len(self.train.manifest.classes)
            batch = mixed(batch, classes, self.config.mixup, order)
        return batch

    def _batch_loss(self, batch: Batch) -> Tensor:
        # Fabric's wrapper would take the frozen Batch apart to cast it; autocast alone does not.
        with self.fabric.autocast():
            output = self.network(batch)
        output = replace(output, logits=output.logits.float())
        own = getattr(self.network, "loss", None)
        loss: Tensor = (
            self.loss(output.logits, batch.targets)  # type: ignore[arg-type]
            if own is None
            else own(output, batch, self.loss)
        )
        return loss

    def _checked(self, loss: Tensor, number: int, kind: str) -> float:
        value = float(loss.detach())
        if not np.isfinite(value):
            raise RunError(
                f"the {kind}loss is not finite ({value}) in epoch {number}",
                hint=f"choose a smaller train.lr (now {self.config.lr:g}) or train.clip (now "
                f"{self.config.clip:g}) and train again with --overwrite",
            )
        return value

    def _drawn(self, order: np.random.Generator) -> Samples:
        """Draw the clips of an epoch."""
        if self.config.sampler == "none":
            return self.train
        targets = self.train.manifest.targets(self.train.clips)
        share = 1 / (self.counts[targets] * np.count_nonzero(self.counts))
        picks = order.choice(len(targets), len(targets), p=share)
        return replace(self.train, clips=tuple(self.train.clips[i] for i in picks))


def predict(
    network: nn.Module, samples: Samples, batch_size: int, device: torch.device | str = "cpu"
) -> NetworkOutputs:
    """Let a network speak about every clip, in 32 bits."""
    network.eval()
    ids: list[str] = []
    logits: list[Tensor] = []
    targets: list[Tensor] = []
    with torch.inference_mode():
        for batch in samples.batches(batch_size, level(network)):
            output = network(batch.to(device))
            ids.extend(batch.ids)
            logits.append(output.logits.cpu())
            if batch.targets is not None:
                targets.append(batch.targets)
    return NetworkOutputs(tuple(ids), torch.cat(logits), torch.cat(targets or [torch.empty(0)]))


def level(network: nn.Module) -> Level:
    """Whether a network takes clips or dialogues."""
    return cast(Level, network.level)


def check_settings(network: nn.Module, train: Samples, config: TrainConfig) -> None:
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
    _check_targets(network, task, config)
    if config.target == "votes":
        votes(train)
    losses.base_loss(config.loss, task, class_weights(config, train), config.label_smoothing)
    check_machine(config.accelerator, config.precision)


def _check_targets(network: nn.Module, task: Task, config: TrainConfig) -> None:
    """Refuse to learn something else than labels where only labels are understood.

    Raises
    ------
    ConfigError
        If so.
    """
    soft = {"mixup": config.mixup > 0, "target": config.target == "votes"}
    for setting in (name for name, asked in soft.items() if asked):
        where, value = f"setting 'train.{setting}'", getattr(config, setting)
        plain = f"choose train.{setting}={TrainConfig.model_fields[setting].default}"
        if hasattr(network, "loss"):
            raise ConfigError(f"{where} = {value}: the network's own loss takes labels", hint=plain)
        if setting == "mixup" and level(network) != "clip":
            raise ConfigError(f"{where} = {value} is for clips, not for dialogues", hint=plain)
        if setting == "target" and task != "single":
            raise ConfigError(f"{where} = {value} does not fit a task of '{task}'", hint=plain)


def class_counts(samples: Samples) -> NDArray[np.int64]:
    """Count the clips that show each class, shape (C,)."""
    targets = samples.manifest.targets(samples.clips)
    if samples.manifest.task == "single":
        return np.bincount(targets, minlength=len(samples.manifest.classes))
    counts: NDArray[np.int64] = (targets > 0).sum(axis=0)
    return counts


def class_weights(config: TrainConfig, samples: Samples) -> Tensor | None:
    """Weigh the classes as the settings say, shape (C,); None for all alike.

    Raises
    ------
    ConfigError
        If the settings speak of another class.
    """
    classes = samples.manifest.classes
    given = config.weighed(classes)
    if given == "none":
        return None
    if given == "balanced":
        return balanced(class_counts(samples), len(samples))
    return torch.tensor([given[name] for name in classes])


def balanced(counts: NDArray[np.int64], clips: int) -> Tensor:
    """Weigh classes by the inverse of their frequency, (C,); a class nobody shows weighs 1."""
    weights = clips / (len(counts) * np.maximum(counts, 1))
    return torch.from_numpy(np.where(counts > 0, weights, 1)).float()


def columns(monitor: str) -> tuple[str, str]:
    """Name what of a history tells which of its epochs is the best."""
    return f"valid_{monitor}", "valid_loss"


def best_epoch(history: Sequence[Row], monitor: str) -> int:
    """Return the number of the best epoch; the first of equals."""
    scores = [_score(row, monitor) for row in history]
    return 1 + scores.index(max(scores))


def over(history: Sequence[Row], config: TrainConfig, monitor: str) -> bool:
    """Whether the training has come to its end."""
    if not history:
        return False
    waited = len(history) - best_epoch(history, monitor)
    return len(history) >= config.epochs or waited >= config.patience


def lr_factor(epochs: float, config: TrainConfig) -> float:
    """Return the share of the learning rate that is used after so many epochs and parts of one."""
    cold = config.warmup * config.epochs
    warmth = min(1.0, epochs / cold) if cold else 1.0
    if config.scheduler != "cosine":
        return warmth
    return warmth * (1 + math.cos(math.pi * epochs / config.epochs)) / 2


def learning_rate(history: Sequence[Row], config: TrainConfig, monitor: str) -> float:
    """Return the learning rate of the next epoch, of which `lr_factor` uses a share."""
    rate = config.lr
    if config.scheduler != "plateau":
        return rate
    hold = max(1, config.patience // 3)
    best, waited = (-np.inf, -np.inf), 0
    for row in history:
        score = _score(row, monitor)
        waited = 0 if score > best else waited + 1
        best = max(best, score)
        if waited == hold:
            rate, waited = rate * FACTOR, 0
    return rate


def _score(row: Row, monitor: str) -> tuple[float, float]:
    """Return what epochs are ordered by: the figure, then the validation loss."""
    value = row[f"valid_{monitor}"]
    good = -value if monitor in metrics.ERRORS else value
    return (-np.inf if np.isnan(good) else good, -row["valid_loss"])


@contextmanager
def seeded(*key: int) -> Iterator[np.random.Generator]:
    """Let all randomness inside follow from a key; outside it goes on as if nothing had been."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0]))
        yield np.random.default_rng(key)


@contextmanager
def deterministic_torch(threads: int) -> Iterator[None]:
    """Compute deterministically, with so many threads, and without denormal numbers."""
    before = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    had = torch.get_num_threads()
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.set_num_threads(threads or had)
    # A gradient that fades over hundreds of steps ends in denormal numbers, which are ten times as
    # slow to compute with as zeros.
    torch.set_flush_denormal(True)
    # A step's memory comes cleared from the system, page by page, unless the process kept what the
    # step before freed: a tenth of the time of a small network's step.
    torch.empty(KEPT, dtype=torch.uint8)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(had)
        torch.use_deterministic_algorithms(before, warn_only=warned)


def check_machine(accelerator: Accelerator, precision: Precision) -> None:
    """Refuse to compute where, or in an arithmetic in which, this machine cannot.

    Raises
    ------
    ConfigError
        If so.
    """
    gpu = torch.cuda.is_available()
    if accelerator == "cuda" and not gpu:
        hint = "choose train.accelerator=cpu"
        raise ConfigError("setting 'train.accelerator' = 'cuda': there is no GPU here", hint=hint)
    if precision == "16-mixed" and (accelerator == "cpu" or not gpu):
        hint = "choose train.precision=bf16-mixed or 32-true"
        raise ConfigError("setting 'train.precision' = '16-mixed' needs a GPU", hint=hint)


def make_fabric(accelerator: Accelerator, precision: Precision) -> Fabric:
    """Choose where to compute and in which arithmetic.

    Raises
    ------
    ConfigError
        If the machine cannot do it.
    """
    from lightning_fabric import Fabric

    check_machine(accelerator, precision)
    options: dict[str, Any] = {"accelerator": accelerator, "precision": precision}
    return Fabric(devices=1, **options)
