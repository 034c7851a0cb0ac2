"""Fine-tuning a text encoder on utterances inside their dialogues.

Learns from the train split, stops and chooses on the valid split. With a cross-fitting the train
split is also divided by dialogues, and for each part an encoder is trained that does not see it:
features of training clips are then no surer than those of unseen ones. Repeating the same command
resumes, or leaves alone what is finished.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emocli.config import Plain, Tree, build, merge
from emocli.data import folds
from emocli.data.durable import make_folder, write_text
from emocli.data.manifest import Manifest
from emocli.display import markdown, number_of
from emocli.errors import ConfigError, ManifestError
from emocli.models import rundir
from emocli.models.rundir import CARD, CHECKPOINT, EpochMetrics
from emocli.models.text import BACKBONE, PART, TextRun, outline, read_run
from emocli.models.text_reader import TextConfig, read_clips
from emocli.training.encoders.folder import EncoderFolder, card, state_of
from emocli.training.encoders.text_task import TextFitConfig, TextTask
from emocli.training.encoders.texts import Texts
from emocli.training.schedule import Criterion, Schedule
from emocli.training.trainer import State, Trainer
from emocli.version import versions

MONITOR = "valid_weighted_f1"
"""The metric by which the best epoch is chosen (Kim & Vossen 2021)."""

CRITERION = Criterion(MONITOR)
"""The highest is best, the first of equals."""

LIBRARIES = ("torch", "transformers", "tokenizers")

PRESETS: Mapping[str, Tree] = {
    "literal": {"text": {"context": "window"}},
    "paper": {},
    "plus": {"train": {"crossfit": 5}},
}


@dataclass(frozen=True)
class TextSummary:
    """The summary of a fine-tuning.

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
    metrics : mapping
        On the valid split, of the best epoch of the encoder that saw the whole train split.
    notes : tuple of str
        Warnings about the data.
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
    metrics: dict[str, float]
    notes: tuple[str, ...]


def fit_text(
    manifest: Manifest,
    run: Path,
    *,
    preset: str = "paper",
    settings: Mapping[str, Plain] | None = None,
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
    preset : str
        ``literal``: an utterance with the one before and the one after it (Chudasama 2022, sec.
        3.1); ``paper``: with as many as fit (Kim & Vossen 2021); ``plus``: cross-fitted besides.
    settings : mapping, optional
        ``{"text": ..., "train": ...}``, laid over the preset.
    overwrite : bool
        Replace an encoder of other settings, or one that is finished.
    progress : callable
        Told epochs done and epochs at most.

    Raises
    ------
    EmocliError
        If settings, corpus and folder do not fit each other; then nothing has been written.
    """
    text, train = resolve(preset, settings or {})
    corpus = Texts.of(manifest)
    members = _members(run, corpus, train.crossfit)
    config = _config(text, train, corpus)
    place = EncoderFolder(run, "a text encoder", "texts", config, read_run, overwrite, f"{PART}*")
    # Made before anything is written: it refuses what cannot be trained.
    tasks = [] if place.done() else [TextTask.of(text, train, corpus)]
    with place.held():
        states: list[State] = []
        for number, (folder, unseen) in enumerate(members):

            def ended(done: int, before: int = number * train.epochs) -> None:
                progress(before + done, len(members) * train.epochs)

            part = None if folder == run else int(folder.name.removeprefix(PART))
            own = config.model_copy(update={"part": part, "unseen": tuple(sorted(unseen))})
            known = corpus.without(unseen)
            states.append(_train(folder, own, train, known, ended, tasks.pop() if tasks else None))
        return _summary(run, states, corpus, [folder for folder, _ in members])


def resolve(preset: str, settings: Mapping[str, Plain]) -> tuple[TextConfig, TextFitConfig]:
    """Lay settings over a preset.

    Raises
    ------
    ConfigError
        If there is no such preset, section or setting.
    """
    if preset not in PRESETS:
        hint = f"there are: {', '.join(PRESETS)}"
        raise ConfigError(f"there is no preset '{preset}'", hint=hint)
    tree = merge(PRESETS[preset], settings)
    for section in tree:
        if section not in ("text", "train"):
            raise ConfigError(
                f"unknown setting '{section}'", hint="there are text.KEY and train.KEY"
            )
    text = build(TextConfig, tree.get("text", {}), "text")
    return text, build(TextFitConfig, tree.get("train", {}), "train")


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


def _config(text: TextConfig, train: TextFitConfig, corpus: Texts) -> TextRun:
    return TextRun(
        text=text,
        train=train.model_dump(mode="json"),
        classes=corpus.classes,
        source=corpus.fingerprint,
        versions=versions(LIBRARIES),
    )


def _train(
    folder: Path,
    config: TextRun,
    train: TextFitConfig,
    corpus: Texts,
    ended: Callable[[int], None],
    task: TextTask | None,
) -> State:
    """Train one encoder, resume it, or leave it alone if it is done.

    ``task`` is its training, where there is one already.
    """
    state = state_of(folder)
    if state == "already trained":
        shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)
        return state
    make_folder(folder)
    rundir.write_config(folder, config)
    task = task or TextTask.of(config.text, train, corpus)
    ended(0)
    schedule = Schedule(CRITERION, train.lr, train.epochs, train.patience)
    fitted = Trainer(folder, schedule, train.threads).fit(task, ended)
    task.network.load_state_dict(fitted.state)
    task.network.backbone.config.save_pretrained(folder / BACKBONE)
    task.reader.tokenizer.save_pretrained(folder / BACKBONE)
    write_text(folder / CARD, _card(config, fitted.history))
    rundir.write_parameters(folder, task.network.state_dict())
    shutil.rmtree(folder / CHECKPOINT)
    return state


def _summary(
    run: Path, states: Sequence[State], corpus: Texts, folders: Sequence[Path]
) -> TextSummary:
    network, reader, config = outline(run)
    histories = [rundir.read_history(folder, (MONITOR,)) for folder in folders]
    best = histories[0][CRITERION.best_epoch(histories[0]) - 1]
    readings = read_clips(reader, corpus.context)
    silent = sum(not clip.text.strip() for clip in corpus.context)
    cut = sum(
        reading.stop - reading.start >= config.text.tokens - 2 for reading in readings.values()
    )
    notes = []
    if silent:
        notes.append(number_of(silent, "clips of the train and valid split have no text"))
    if cut:
        notes.append(number_of(cut, f"utterances were cut to {config.text.tokens} tokens"))
    return TextSummary(
        run=run,
        state=next((s for s in ("resumed", "trained") if s in states), "already trained"),
        classes=config.classes,
        train=len(corpus.train),
        valid=len(corpus.valid),
        parameters=sum(p.numel() for p in network.parameters()),
        tokens=float(np.mean([len(reading.tokens) for reading in readings.values()])),
        epochs=tuple(len(history) for history in histories),
        best_epoch=tuple(CRITERION.best_epoch(history) for history in histories),
        metrics={k.removeprefix("valid_"): v for k, v in best.items() if k.startswith("valid_")},
        notes=tuple(notes),
    )


def _card(config: TextRun, history: Sequence[EpochMetrics]) -> str:
    best = CRITERION.best_epoch(history)
    part = "" if config.part is None else f", part {config.part} of a cross-fitting"
    text = f"""\
{config.text.backbone}, context {config.text.context}, fine-tuned to tell {len(config.classes)}
classes apart: {", ".join(map(markdown, config.classes[:12]))}.

Weighted F1 on the validation utterances: {history[best - 1][MONITOR]:.3f} (epoch {best} of
{len(history)}). Use it with `emocli extract -f roberta`; loading it executes no code."""
    return card(("text-classification", "feature-extraction"), f"Text encoder{part}", text)
