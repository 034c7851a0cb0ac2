"""Text encoders as a training task: utterances inside their dialogues, one class each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from emocli.config import Settings
from emocli.data.clip import Clip
from emocli.metrics import metrics
from emocli.models import losses
from emocli.models.rundir import EpochMetrics
from emocli.models.settings import Accelerator, Precision
from emocli.models.text import TextNetwork
from emocli.models.text_backbone import make_backbone
from emocli.models.text_reader import Reading, TextConfig, UtteranceReader, collate, read_clips
from emocli.quantities import (
    BatchSize,
    Decay,
    Dropped,
    Epochs,
    Factor,
    Folds,
    LearningRate,
    Seed,
    Threads,
)
from emocli.training.class_weights import balanced
from emocli.training.compute import (
    check_machine,
    clipped_step,
    deterministic_torch,
    make_fabric,
    seeded,
)
from emocli.training.encoders.texts import Texts
from emocli.training.schedule import linear_factor
from emocli.training.trainer import finite_loss


class TextFitConfig(Settings):
    """Settings of the fine-tuning of a text encoder.

    Attributes
    ----------
    lr : float
        Greatest learning rate of AdamW.
    weight_decay : float
        Weight decay of AdamW, decoupled from the gradient.
    warmup : float
        Share of the steps in which the learning rate rises; it then falls to zero, both linearly.
    epochs : int
        Most epochs that are trained; ``patience`` may end it sooner.
    patience : int
        Epochs in a row without one better than the best, after which training ends.
    batch_size : int
        Utterances that are computed at a time.
    accumulate : int
        Batches whose gradients are summed up before each step of the optimizer.
    dropout : float
        Dropout before each of the head's two layers.
    clip : float
        Largest norm of the gradient; 0 for no limit.
    class_weights : {'none', 'balanced'}
        Whether the loss weighs classes by the inverse of their frequency.
    crossfit : int
        Parts of a cross-fitting, at least three; 0 for none.
    precision : {'32-true', 'bf16-mixed', '16-mixed'}
        Arithmetic of training: 32 bits, or 16 where they do; validation is always in 32.
    accelerator : {'auto', 'cpu', 'cuda'}
        Where to train: on the CPU, on a CUDA GPU, or on a GPU if there is one.
    threads : int
        CPU threads of PyTorch; 0 leaves the choice to it.
    seed : int
        Seed of the head's first values, the order of the utterances and dropout.
    """

    lr: LearningRate = 1e-5
    weight_decay: Decay = 0.01
    warmup: Dropped = 0.2
    epochs: Epochs = 5
    patience: Epochs = 3
    batch_size: BatchSize = 16
    accumulate: BatchSize = 1
    dropout: Dropped = 0.1
    clip: Factor = 1.0
    class_weights: Literal["none", "balanced"] = "none"
    crossfit: Folds = 0
    precision: Precision = "32-true"
    accelerator: Accelerator = "auto"
    threads: Threads = 0
    seed: Seed = 0


class TextTask:
    """The fine-tuning of a text encoder with a classifier on top."""

    @classmethod
    def of(cls, text: TextConfig, train: TextFitConfig, corpus: Texts) -> TextTask:
        """Make the parameters in the arithmetic they are trained in."""
        with deterministic_torch(train.threads):
            return cls(text, train, corpus)

    def __init__(self, text: TextConfig, train: TextFitConfig, corpus: Texts) -> None:
        self.config, self.corpus = train, corpus
        check_machine(train.accelerator, train.precision)
        with seeded(train.seed, 0):
            # All parts of a cross-fitting read alike: a vocabulary knows no labels.
            utterances = (clip.text for clip in corpus.context if clip.split == "train")
            backbone, tokenizer = make_backbone(text, utterances)
            network = TextNetwork(backbone, len(corpus.classes), text.pool, train.dropout)
        self.reader = UtteranceReader(tokenizer, text)
        self.readings = read_clips(self.reader, corpus.context)
        counts = np.bincount(corpus.targets(corpus.train), minlength=len(corpus.classes))
        weights = balanced(counts, len(corpus.train)) if train.class_weights != "none" else None
        self.loss = losses.base_loss("ce", "single", weights)
        self.fabric = make_fabric(train.accelerator, train.precision)
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=train.lr, weight_decay=train.weight_decay
        )
        self.network = self.kept = network
        self.module, self.optimizer = self.fabric.setup(network, optimizer)

    def epoch(self, number: int, lr: float) -> EpochMetrics:
        """Train for one epoch and validate; `RunError` if the loss is not finite."""
        self.network.train()
        total = 0.0
        with seeded(self.config.seed, number) as rng:
            groups = list(self._batches(rng))
            for step, clips in enumerate(groups):
                share = (number - 1 + (step + 0.5) / len(groups)) / self.config.epochs
                for group in self.optimizer.param_groups:
                    group["lr"] = lr * linear_factor(share, self.config.warmup)
                loss = self.loss(self._logits(clips), self._targets(clips))
                total += finite_loss(loss, number, lr, self.config.clip) * len(clips)
                self.fabric.backward(loss / self.config.accumulate)
                if (step + 1) % self.config.accumulate == 0 or step + 1 == len(groups):
                    clipped_step(self.fabric, self.module, self.optimizer, self.config.clip)
                    self.optimizer.zero_grad()
        row: EpochMetrics = {"epoch": number, "train_loss": total / len(self.corpus.train)}
        return row | {f"valid_{name}": value for name, value in self.scores().items()}

    def scores(self) -> dict[str, float]:
        """Score the valid split."""
        self.network.eval()
        valid = self.corpus.valid
        with torch.inference_mode():
            parts = [valid[k : k + 16] for k in range(0, len(valid), 16)]
            logits = torch.cat([self._logits(part).float().cpu() for part in parts])
        values = losses.probabilities("single", "ce", logits).numpy()
        scores = metrics.score("single", self.corpus.targets(valid), values, self.corpus.classes)
        return dict(scores.overall)

    def _batches(self, rng: np.random.Generator) -> Iterator[list[Clip]]:
        """Draw batches of inputs of similar length."""
        train, size = self.corpus.train, self.config.batch_size
        order = rng.permutation(len(train))
        groups = []
        for start in range(0, len(order), 16 * size):
            part = order[start : start + 16 * size]
            lengths = [len(self.readings[train[i].id].tokens) for i in part]
            part = part[np.argsort(lengths, kind="stable")]
            groups += [part[k : k + size] for k in range(0, len(part), size)]
        for number in rng.permutation(len(groups)):
            yield [train[i] for i in groups[number]]

    def _logits(self, clips: Sequence[Clip]) -> Tensor:
        readings: list[Reading] = [self.readings[clip.id] for clip in clips]
        inputs = collate(readings, int(self.reader.tokenizer.pad_token_id or 0))
        with self.fabric.autocast():
            logits: Tensor = self.network(*(tensor.to(self.fabric.device) for tensor in inputs))
        return logits.float()

    def _targets(self, clips: Sequence[Clip]) -> Tensor:
        return torch.from_numpy(self.corpus.targets(clips)).to(self.fabric.device)
