"""Training an encoder of sound, faces or scenes: pictures of one class come to lie together.

Learns from the train split, stops and chooses by how often the nearest training picture of a valid
picture is of its class. Repeating the same command resumes, or leaves alone what is finished.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from emocli.config import Plain
from emocli.data.durable import write_text
from emocli.data.manifest import Manifest
from emocli.display import markdown
from emocli.models import rundir
from emocli.models.encoder import EncoderRun, outline, read_run
from emocli.models.rundir import CARD, CHECKPOINT, EpochMetrics
from emocli.plugin.encoder import PictureKind
from emocli.training.encoders.encoder_task import EncoderTask
from emocli.training.encoders.folder import EncoderFolder, card, state_of
from emocli.training.encoders.pictures import LabelledPictures
from emocli.training.encoders.plan import NEIGHBOUR, EncoderPlan
from emocli.training.schedule import Criterion
from emocli.training.trainer import State, Trainer


@dataclass(frozen=True)
class EncoderSummary:
    """The summary of a training.

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
    kind: PictureKind
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
    kind: PictureKind,
    source: Manifest | Path,
    run: Path,
    *,
    store: Path = Path("store"),
    preset: str = "paper",
    settings: Mapping[str, Plain] | None = None,
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
    plan = EncoderPlan.of(preset, settings or {}, kind)
    if isinstance(source, Manifest):
        pictures = plan.clip_pictures(source, store, run / CHECKPOINT)
    else:
        pictures = plan.folder_pictures(source)
    config = plan.config(pictures)
    folder = EncoderFolder(run, "an encoder", "pictures", config, read_run, overwrite)
    # Made before anything is written: it refuses what cannot be trained.
    task = None if folder.done() else EncoderTask.of(plan, pictures)
    with folder.held():
        state = state_of(run)
        if state != "already trained":
            _train(task or EncoderTask.of(plan, pictures), config, run, progress)
        shutil.rmtree(run / CHECKPOINT, ignore_errors=True)
        return _summary(run, config, pictures, state)


def _train(
    task: EncoderTask, config: EncoderRun, run: Path, progress: Callable[[int, int], None]
) -> None:
    """Train from the checkpoint on, and write the encoder."""
    schedule, threads = task.plan.schedule, task.plan.train.threads
    progress(0, schedule.epochs)
    fitted = Trainer(run, schedule, threads).fit(task, lambda done: progress(done, schedule.epochs))
    write_text(run / CARD, _card(config, fitted.history))
    rundir.write_config(run, config.model_copy(update={"resnet": task.kept.shape}))
    rundir.write_parameters(run, fitted.state)


def _summary(
    run: Path, config: EncoderRun, pictures: LabelledPictures, state: State
) -> EncoderSummary:
    history = rundir.read_history(run, (NEIGHBOUR,))
    best = Criterion(NEIGHBOUR).best_epoch(history)
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


def _card(config: EncoderRun, history: list[EpochMetrics]) -> str:
    best = Criterion(NEIGHBOUR).best_epoch(history)
    text = f"""\
{config.encoder.backbone}, {config.encoder.dim}-dimensional vectors, trained to tell
{len(config.classes)} classes apart: {", ".join(map(markdown, config.classes[:12]))}.

Nearest-neighbour accuracy on the validation pictures: {history[best - 1][NEIGHBOUR]:.3f}
(epoch {best} of {len(history)}). Use it with `emocli extract`; loading it executes no code."""
    return card(("feature-extraction", config.kind), f"Encoder of kind {config.kind}", text)
