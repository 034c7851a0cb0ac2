"""Fine-tuning a text encoder on utterances inside their dialogues.

Learns from the train split, stops and chooses on the valid split. With a cross-fitting the train
split is also divided by dialogues, and for each part an encoder is trained that does not see it:
features of training clips are then no surer than those of unseen ones. Repeating the same command
resumes, or leaves alone what is finished.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emocli.config import Settings, Tree, build
from emocli.data import folds
from emocli.data.clip import Clip
from emocli.data.durable import locked, make_folder, used_folder, write_text
from emocli.data.manifest import Manifest
from emocli.display import markdown
from emocli.errors import ConfigError, ManifestError, RunError
from emocli.metrics import metrics
from emocli.models import losses, rundir
from emocli.models.rundir import CARD, CHECKPOINT, Row
from emocli.models.settings import Accelerator, Precision
from emocli.models.text import (
    BACKBONE,
    PART,
    Reader,
    Reading,
    TextConfig,
    TextNetwork,
    TextRun,
    collate,
    make_backbone,
    outline,
    read_clips,
    read_run,
)
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
from emocli.training.checkpoint import Resumable, Tensors
from emocli.training.fitting import Place, State, best_epoch, fit, state
from emocli.training.loop import balanced, check_machine, deterministic_torch, make_fabric, seeded

MONITOR = "valid_weighted_f1"
"""The figure by which the best epoch is chosen (Kim & Vossen 2021)."""

LIBRARIES = ("torch", "transformers", "tokenizers")


class FitConfig(Settings):
    """How a text encoder is fine-tuned.

    Attributes
    ----------
    lr, weight_decay : float
        Of AdamW.
    warmup : float
        Share of the steps in which the learning rate rises; it then falls to zero, both linearly.
    epochs, patience : int
        At most so many; fewer once ``patience`` in a row were not better.
    batch_size, accumulate : int
        Utterances at a time, and batches before each step.
    dropout : float
        Before each of the head's two layers.
    clip : float
        Largest norm of the gradient; 0 for no limit.
    class_weights : {'none', 'balanced'}
        Whether the loss weighs classes by the inverse of their frequency.
    crossfit : int
        Parts of a cross-fitting, at least three; 0 for none.
    precision, accelerator, threads, seed
        As in every training.
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


@dataclass(frozen=True)
class TextSummary:
    """How a fine-tuning went.

    Attributes
    ----------
    run : Path
        The encoder.
    state : str
        Whether it was trained just now.
    classes : tuple of str
        What it tells apart.
    train, valid : int
        Utterances.
    parameters : int
        Numbers learned.
    tokens : float
        Mean length of an input.
    epochs, best_epoch : tuple of int
        Of the encoder, and of each part of a cross-fitting.
    figures : mapping
        On the valid split, in the best epoch, of the encoder that saw the whole train split.
    notes : tuple of str
        What is odd about the data.
    """

    run: Path
    state: State
    classes: tuple[str, ...]
    train: int
    valid: int
    parameters: int
    tokens: float
    epochs: tuple[int, ...]
    best_epoch: tuple[int, ...]
    figures: dict[str, float]
    notes: tuple[str, ...]


def fit_text(
    manifest: Manifest,
    run: Path,
    *,
    settings: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> TextSummary:
    """Fine-tune a text encoder.

    Parameters
    ----------
    manifest : Manifest
        The corpus; texts, dialogues, turns and speakers are read from it.
    run : Path
        Folder to write.
    settings : mapping, optional
        ``{"text": ..., "train": ...}``.
    overwrite : bool
        Replace an encoder of other settings, or one that is finished.
    progress : callable
        Told epochs done and epochs at most.

    Raises
    ------
    EmocliError
        If settings, corpus and folder do not fit each other; then nothing has been written.
    """
    text, train = _resolve(settings or {})
    corpus = Texts.of(manifest)
    members = _members(run, corpus, train.crossfit)
    config = _config(text, train, corpus)

    def same() -> bool:
        return _choices(read_run(run)) == _choices(config)

    place = Place(run, "a text encoder", "texts", same, overwrite, f"{PART}*")
    made: list[Learner] = []
    if not (place.stays() and rundir.finished(run)):
        # Before anything is written: it refuses what cannot be trained.
        made.append(Learner.of(text, train, corpus))
    with used_folder(run), locked(run / ".lock"):
        if not place.cleared():
            rundir.write_config(run, config)
        states: list[State] = []
        for number, (folder, unseen) in enumerate(members):

            def ended(done: int, before: int = number * train.epochs) -> None:
                progress(before + done, len(members) * train.epochs)

            part = None if folder == run else int(folder.name.removeprefix(PART))
            mine = config.model_copy(update={"part": part, "unseen": tuple(sorted(unseen))})
            known = corpus.without(unseen)
            states.append(_member(folder, mine, train, known, ended, made.pop() if made else None))
        return _summary(run, states, corpus, [folder for folder, _ in members])


@dataclass(frozen=True)
class Texts:
    """What may be read in training; the test split is not in it.

    Attributes
    ----------
    classes : tuple of str
        In order.
    context : tuple of Clip
        All clips of the train and valid split: an unlabelled one is still context.
    train, valid : tuple of Clip
        Those with a text and a class.
    """

    classes: tuple[str, ...]
    context: tuple[Clip, ...]
    train: tuple[Clip, ...]
    valid: tuple[Clip, ...]

    @classmethod
    def of(cls, manifest: Manifest) -> Texts:
        """Take a corpus's texts.

        Raises
        ------
        ManifestError
            If it has no class per clip, or a split has nothing to read.
        """
        where = manifest.path or manifest.dataset
        if manifest.task != "single":
            what = f"a task of kind '{manifest.task}' has no class per clip"
            hint = "extract roberta with a published encoder, e.g. roberta.encoder=roberta-base"
            raise ManifestError(what, where=where, hint=hint)
        context = tuple(clip for clip in manifest.clips if clip.split != "test")
        usable = [clip for clip in context if clip.text.strip() and manifest.is_labelled(clip)]
        parts = {s: tuple(c for c in usable if c.split == s) for s in ("train", "valid")}
        for split, clips in parts.items():
            if not clips:
                what = f"split '{split}' has no labelled clip with a text"
                raise ManifestError(what, where=where, hint="see its columns split, text and label")
        return cls(manifest.classes, context, parts["train"], parts["valid"])

    @property
    def fingerprint(self) -> str:
        """Of everything that is read and learned."""
        rows = [
            (c.id, c.split, c.dialogue, c.turn, c.speaker, c.text, c.label) for c in self.context
        ]
        return hashlib.sha256(json.dumps([self.classes, rows]).encode()).hexdigest()

    def without(self, unseen: frozenset[str]) -> Texts:
        """Leave training clips out."""
        kept = tuple(clip for clip in self.train if clip.id not in unseen)
        return replace(self, train=kept)

    def targets(self, clips: Sequence[Clip]) -> NDArray[np.int64]:
        """Return the classes of clips as numbers."""
        numbers = {name: number for number, name in enumerate(self.classes)}
        return np.array([numbers[clip.label or ""] for clip in clips], np.int64)


def _resolve(settings: Mapping[str, Any]) -> tuple[TextConfig, FitConfig]:
    for section in settings:
        if section not in ("text", "train"):
            raise ConfigError(
                f"unknown setting '{section}'", hint="there are text.KEY and train.KEY"
            )
    text = build(TextConfig, settings.get("text", {}), "text")
    return text, build(FitConfig, settings.get("train", {}), "train")


def _members(run: Path, corpus: Texts, crossfit: int) -> list[tuple[Path, frozenset[str]]]:
    """Name the folder of each encoder and the training clips it may not see."""
    whole: list[tuple[Path, frozenset[str]]] = [(run, frozenset())]
    if not crossfit:
        return whole
    where = "train.crossfit"
    if crossfit < folds.FEWEST:
        hint = f"give at least {folds.FEWEST}, or 0 for none"
        raise ConfigError(f"{crossfit} is too few parts of a cross-fitting", where=where, hint=hint)
    try:
        numbers = folds.assign(corpus.train, crossfit, overlap=True)
    except ManifestError:
        what = f"the train split has too few dialogues for {crossfit} parts"
        raise ConfigError(what, where=where, hint="give fewer, or 0 for none") from None
    pairs = list(zip(corpus.train, numbers, strict=True))
    return whole + [
        (run / f"{PART}{k}", frozenset(clip.id for clip, number in pairs if number == k))
        for k in range(crossfit)
    ]


def _config(text: TextConfig, train: FitConfig, corpus: Texts) -> TextRun:
    return TextRun(
        text=text,
        train=train.model_dump(mode="json"),
        classes=corpus.classes,
        source=corpus.fingerprint,
        versions=rundir.versions(LIBRARIES),
    )


def _choices(config: TextRun) -> Tree:
    return config.model_dump(exclude={"versions"})


def _member(
    folder: Path,
    config: TextRun,
    train: FitConfig,
    corpus: Texts,
    ended: Callable[[int], None],
    learner: Learner | None,
) -> State:
    """Train one encoder, resume it, or leave it alone if it is done.

    ``learner`` is the one that is to be trained, where it is made already.
    """
    standing = state(folder)
    if standing == "already trained":
        shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)
        return standing
    make_folder(folder)
    rundir.write_config(folder, config)
    learner = learner or Learner.of(config.text, train, corpus)
    with deterministic_torch(train.threads):
        history, best = fit(learner, folder, MONITOR, train.epochs, train.patience, ended)
    learner.network.load_state_dict(best)
    rundir.write_history(folder, history)
    learner.network.backbone.config.save_pretrained(folder / BACKBONE)
    learner.reader.tokenizer.save_pretrained(folder / BACKBONE)
    write_text(folder / CARD, _card(config, history))
    rundir.write_parameters(folder, learner.network.state_dict())
    shutil.rmtree(folder / CHECKPOINT)
    return standing


class Learner(Resumable):
    """A text encoder that learns, epoch by epoch."""

    network: TextNetwork

    @classmethod
    def of(cls, text: TextConfig, train: FitConfig, corpus: Texts) -> Learner:
        """Make one as it is trained."""
        with deterministic_torch(train.threads):
            return cls(text, train, corpus)

    def __init__(self, text: TextConfig, train: FitConfig, corpus: Texts) -> None:
        self.config, self.corpus = train, corpus
        check_machine(train.accelerator, train.precision)
        with seeded(train.seed, 0):
            # All parts of a cross-fitting read alike: a vocabulary knows no labels.
            spoken = (clip.text for clip in corpus.context if clip.split == "train")
            backbone, tokenizer = make_backbone(text, spoken)
            network = TextNetwork(backbone, len(corpus.classes), text.pool, train.dropout)
        self.reader = Reader(tokenizer, text)
        self.readings = read_clips(self.reader, corpus.context)
        counts = np.bincount(corpus.targets(corpus.train), minlength=len(corpus.classes))
        weights = balanced(counts, len(corpus.train)) if train.class_weights != "none" else None
        self.loss = losses.base_loss("ce", "single", weights)
        self.fabric = make_fabric(train.accelerator, train.precision)
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=train.lr, weight_decay=train.weight_decay
        )
        self.network = network
        self.module, self.optimizer = self.fabric.setup(network, optimizer)

    def epoch(self, number: int) -> Row:
        """Train for one epoch and validate.

        Raises
        ------
        RunError
            If the loss is not finite.
        """
        self.network.train()
        total = 0.0
        with seeded(self.config.seed, number) as rng:
            groups = list(self._batches(rng))
            for step, clips in enumerate(groups):
                self._rate((number - 1 + (step + 0.5) / len(groups)) / self.config.epochs)
                loss = self.loss(self._logits(clips), self._targets(clips))
                if not torch.isfinite(loss):
                    raise RunError(
                        f"the loss is not finite in epoch {number}",
                        hint=f"choose a smaller train.lr (now {self.config.lr:g})",
                    )
                total += float(loss.detach()) * len(clips)
                self.fabric.backward(loss / self.config.accumulate)
                if (step + 1) % self.config.accumulate == 0 or step + 1 == len(groups):
                    self._step()
        row: Row = {"epoch": number, "train_loss": total / len(self.corpus.train)}
        return row | {f"valid_{name}": value for name, value in self.figures().items()}

    def figures(self) -> dict[str, float]:
        """Score the valid split."""
        self.network.eval()
        valid = self.corpus.valid
        with torch.inference_mode():
            parts = [valid[k : k + 16] for k in range(0, len(valid), 16)]
            logits = torch.cat([self._logits(part).float().cpu() for part in parts])
        values = losses.probabilities("single", "ce", logits).numpy()
        scores = metrics.score("single", self.corpus.targets(valid), values, self.corpus.classes)
        return dict(scores.overall)

    def parameters(self) -> Tensors:
        """Copy the network's parameters."""
        return {n: v.detach().cpu().clone() for n, v in self.network.state_dict().items()}

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

    def _rate(self, done: float) -> None:
        """Set the learning rate for a share of the training that is done."""
        rise = self.config.warmup
        share = done / rise if done < rise else (1 - done) / (1 - rise)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.lr * share

    def _step(self) -> None:
        if self.config.clip:
            self.fabric.clip_gradients(
                self.module, self.optimizer, max_norm=self.config.clip, error_if_nonfinite=False
            )
        self.optimizer.step()
        self.optimizer.zero_grad()


def _summary(
    run: Path, states: Sequence[State], corpus: Texts, folders: Sequence[Path]
) -> TextSummary:
    network, reader, config = outline(run)
    histories = [rundir.read_history(folder, (MONITOR,)) for folder in folders]
    best = histories[0][best_epoch(histories[0], MONITOR) - 1]
    readings = read_clips(reader, corpus.context)
    silent = sum(not clip.text.strip() for clip in corpus.context)
    cut = sum(
        reading.stop - reading.start >= config.text.tokens - 2 for reading in readings.values()
    )
    notes = []
    if silent:
        notes.append(f"{silent} clips of the train and valid split have no text")
    if cut:
        notes.append(f"{cut} utterances were cut to {config.text.tokens} tokens")
    return TextSummary(
        run=run,
        state=next((s for s in ("resumed", "trained") if s in states), "already trained"),
        classes=config.classes,
        train=len(corpus.train),
        valid=len(corpus.valid),
        parameters=sum(p.numel() for p in network.parameters()),
        tokens=float(np.mean([len(reading.tokens) for reading in readings.values()])),
        epochs=tuple(len(history) for history in histories),
        best_epoch=tuple(best_epoch(history, MONITOR) for history in histories),
        figures={k.removeprefix("valid_"): v for k, v in best.items() if k.startswith("valid_")},
        notes=tuple(notes),
    )


def _card(config: TextRun, history: Sequence[Row]) -> str:
    best = best_epoch(history, MONITOR)
    part = "" if config.part is None else f", part {config.part} of a cross-fitting"
    return f"""---
library_name: emocli
tags: [text-classification, feature-extraction]
license: other
---

# Text encoder{part}

{config.text.backbone}, context {config.text.context}, fine-tuned to tell {len(config.classes)}
classes apart: {", ".join(map(markdown, config.classes[:12]))}.

Weighted F1 on the validation utterances: {history[best - 1][MONITOR]:.3f} (epoch {best} of
{len(history)}). Use it with `emocli extract -f roberta`; loading it executes no code.
"""
