"""Training a fusion network: on the train split, chosen on the valid split, the test split sealed.

With folds, a run for every fold is trained in turn. Repeating the same command resumes what was
interrupted and leaves alone what is finished.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from emocli.data.durable import locked, make_folder, write_text
from emocli.data.manifest import Manifest
from emocli.data.pool import Pool, open_pool
from emocli.errors import ConfigError, RunError
from emocli.limits import MOST_SEED, MOST_SEEDS
from emocli.metrics.statistics import Spread, spread
from emocli.models import rundir
from emocli.models.rundir import CARD, CHECKPOINT, CONFIG, REPORTS, RunConfig, Source
from emocli.robust.options import CLEAN, RobustOptions
from emocli.training.card import card
from emocli.training.fitting import State
from emocli.training.loop import best_epoch, columns, fit, seeded
from emocli.training.prepare import Prepared, prepare

Progress = Callable[[int, int], None]

VALID = "valid_"


@dataclass(frozen=True)
class SeedSummary:
    """How the training of one seed went, with the figures of the best epoch.

    ``seconds`` is the time it took now: 0 if it was already trained.
    """

    seed: int
    run: Path
    state: State
    epochs: int
    best_epoch: int
    valid: dict[str, float]
    seconds: float = 0.0


@dataclass(frozen=True)
class TrainSummary:
    """How a training went.

    Attributes
    ----------
    run : Path
        The run.
    fusion : str
        The network.
    features : mapping
        Modality to its feature.
    parameters : int
        Numbers that were learned.
    clips : mapping
        Split to its labelled clips.
    missing : mapping
        Split to the clips that lack each modality.
    monitor : str
        Figure by which epochs were chosen.
    valid, valid_std : mapping
        Figures on the valid split: mean over the seeds, and their spread (for several).
    seeds : tuple of SeedSummary
        Each seed.
    notes : tuple of str
        What is odd about the data.
    """

    run: Path
    fusion: str
    features: dict[str, str]
    parameters: int
    clips: dict[str, int]
    missing: dict[str, dict[str, int]]
    monitor: str
    valid: dict[str, float]
    valid_std: dict[str, float]
    seeds: tuple[SeedSummary, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class CrossSummary:
    """How the trainings of a cross-validation went.

    Attributes
    ----------
    run : Path
        The folder that holds a run for each fold.
    fusion, features, parameters, monitor
        As in `TrainSummary`.
    valid, valid_std : mapping
        Figures on the valid splits, mean over the folds: mean over the seeds, and their spread.
    folds : tuple of TrainSummary
        The run of each fold.
    notes : tuple of str
        What is odd about the data, in any fold.
    """

    run: Path
    fusion: str
    features: dict[str, str]
    parameters: int
    monitor: str
    valid: dict[str, float]
    valid_std: dict[str, float]
    folds: tuple[TrainSummary, ...]
    notes: tuple[str, ...]


def train(
    manifest: Manifest,
    store: Path,
    *,
    fusion: str,
    run: Path,
    features: Sequence[str] | None = None,
    preset: str = "paper",
    settings: Mapping[str, Any] | None = None,
    robust: RobustOptions = CLEAN,
    seeds: int = 1,
    overwrite: bool = False,
    workers: int = 1,
    progress: Progress = lambda done, total: None,
) -> TrainSummary:
    """Train a network with one seed or several.

    Parameters
    ----------
    manifest : Manifest
        The corpus.
    store : Path
        Folder of its features.
    fusion : str
        Name of a network.
    run : Path
        Folder to write.
    features : sequence of str, optional
        One feature per modality; by default all in the store.
    preset : str
        ``literal``, ``paper`` or ``plus``.
    settings : mapping, optional
        ``{"network": {...}, "train": {...}, "robust": {...}}``, laid over the preset.
    robust : RobustOptions
        How clips are corrupted and repaired.
    seeds : int
        So many trainings, from ``train.seed`` upwards.
    overwrite : bool
        Replace a run of other settings, or one that is finished.
    workers : int
        Processes that train, a seed each.
    progress : callable
        Told epochs done and epochs at most.

    Raises
    ------
    EmocliError
        If settings, manifest, store and run do not fit each other; then nothing has been written.
    """
    prepared = prepare(manifest, store, fusion, features, preset, settings or {}, robust)
    training = Training.of(prepared, run, store, seeds)
    with open_pool(workers) as pool:
        (summary,) = carry_out([training], pool, overwrite, progress)
    return summary


def cross_validate(
    manifest: Manifest,
    store: Path,
    *,
    folds: int,
    fusion: str,
    run: Path,
    features: Sequence[str] | None = None,
    preset: str = "paper",
    settings: Mapping[str, Any] | None = None,
    robust: RobustOptions = CLEAN,
    seeds: int = 1,
    overwrite: bool = False,
    workers: int = 1,
    progress: Progress = lambda done, total: None,
) -> CrossSummary:
    """Train a network on every rotation of a corpus's folds: ``run/fold-0``, ``run/fold-1``, ...

    Parameters
    ----------
    folds : int
        How many; see `Manifest.folded`.
    workers : int
        Processes that train, a seed of a fold each.
    others
        As in `train`.

    Raises
    ------
    EmocliError
        If settings, manifest, store and run do not fit each other; then nothing has been written.
    """
    trainings = _rotations(
        manifest, store, run, folds, seeds, (fusion, features, preset, settings or {}, robust)
    )
    with open_pool(workers) as pool:
        summaries = carry_out(trainings, pool, overwrite, progress)
    for other in set(run.glob("fold-*")) - {training.run for training in trainings}:
        rundir.clear(other)  # of an earlier cross-validation with more folds, now overwritten
    return _cross_summary(run, summaries)


@dataclass(frozen=True)
class Training:
    """A run to be trained: what, where, and with which seeds."""

    prepared: Prepared
    run: Path
    config: RunConfig

    @classmethod
    def of(cls, prepared: Prepared, run: Path, store: Path, seeds: int) -> Training:
        """Plan so many trainings, from ``train.seed`` upwards.

        Raises
        ------
        EmocliError
            If there is to be no seed, or the manifest is in no file.
        """
        if not 1 <= seeds <= MOST_SEEDS:
            raise ConfigError(f"cannot train {seeds} seeds", hint=f"choose 1 to {MOST_SEEDS}")
        first = prepared.settings.seed
        if first + seeds - 1 > MOST_SEED:
            what = f"{seeds} seeds from setting 'train.seed' = {first} go beyond {MOST_SEED}"
            raise ConfigError(what, hint="choose a smaller train.seed")
        return cls(prepared, run, prepared.config(run, store, range(first, first + seeds)))

    @property
    def jobs(self) -> list[Job]:
        """A job for each seed."""
        pairs = zip(self.config.seeds, rundir.members(self.run, self.config.seeds), strict=True)
        return [Job(f, _member(self.config, s, self.run, f), self.prepared) for s, f in pairs]

    @property
    def outdated(self) -> str | None:
        """What was other in the run that is there; None if it can go on, or there is none."""
        if not (self.run / CONFIG).is_file():
            return None
        old = rundir.read_config(self.run)
        return old.differs(self.config) or _other_seeds(old, self.config)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder against other processes."""
        make_folder(self.run)
        with locked(self.run / ".lock"):
            yield


@dataclass(frozen=True)
class Job:
    """The training of one seed, which any process can do."""

    folder: Path
    config: RunConfig
    prepared: Prepared

    def __call__(self, ended: Callable[[int], None] = lambda epochs: None) -> SeedSummary:
        """Train it, resume it, or leave it alone if it is done."""
        start = time.monotonic()
        # A copy of its own: what it reads is forgotten with it.
        summary = _train_seed(self.folder, self.config, replace(self.prepared), ended)
        done = summary.state == "already trained"
        return summary if done else replace(summary, seconds=time.monotonic() - start)


def carry_out(
    trainings: Sequence[Training], pool: Pool, overwrite: bool, progress: Progress
) -> list[TrainSummary]:
    """Train runs that share a pool, seed by seed; each is locked meanwhile."""
    for training in trainings:
        _check_folder(training.run, training.config, overwrite)
    with ExitStack() as held:
        for training in trainings:
            held.enter_context(training.held())
        for training in trainings:
            _claim(training.run, training.config, overwrite)
        jobs = [job for training in trainings for job in training.jobs]
        trained = dict(_results(jobs, pool, progress))
        return [
            _summary(t.run, t.config, t.prepared, [trained[job.folder] for job in t.jobs])
            for t in trainings
        ]


def _results(
    jobs: Sequence[Job], pool: Pool, progress: Progress
) -> Iterator[tuple[Path, SeedSummary]]:
    """Do the jobs; epochs are counted as they end where they are trained in this process."""
    epochs = jobs[0].prepared.settings.epochs
    total = len(jobs) * epochs
    if pool.room > 1:
        for index, summary in enumerate(pool.results(Job.__call__, jobs)):
            progress((index + 1) * epochs, total)
            yield summary.run, summary
        return
    for index, job in enumerate(jobs):

        def ended(done: int, before: int = index * epochs) -> None:
            progress(before + done, total)

        yield job.folder, job(ended)
        ended(epochs)


def plan(
    manifest: Manifest,
    store: Path,
    *,
    fusion: str,
    run: Path,
    folds: int | None = None,
    features: Sequence[str] | None = None,
    preset: str = "paper",
    settings: Mapping[str, Any] | None = None,
    robust: RobustOptions = CLEAN,
    seeds: int = 1,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Say what would be trained on what; parameters as of `train` and `cross_validate`.

    Nothing is written, and what a training would refuse is refused.
    """
    how = (fusion, features, preset, settings or {}, robust)
    if folds is None:
        trainings = [Training.of(prepare(manifest, store, *how), run, store, seeds)]
    else:
        trainings = _rotations(manifest, store, run, folds, seeds, how)
    for training in trainings:
        _check_folder(training.run, training.config, overwrite)
    prepared = trainings[0].prepared
    return {
        "fusion": fusion,
        "preset": preset,
        "network": prepared.network,
        "train": prepared.settings.model_dump(),
        "robust": prepared.robust.model_dump(),
        "features": {m: s.name for m, s in prepared.train.stores.items()},
        "dims": prepared.train.dims,
        "classes": list(manifest.classes),
        "parameters": prepared.parameters,
        "clips": {split: len(samples) for split, samples in prepared.splits.items()},
        "missing": prepared.missing,
        "notes": list(prepared.notes),
        **({} if folds is None else {"folds": folds}),
    }


def _rotations(
    manifest: Manifest, store: Path, run: Path, folds: int, seeds: int, how: tuple[Any, ...]
) -> list[Training]:
    """Plan a training for each rotation of the folds; ``how`` is what `prepare` takes else."""
    _check_cross(run)
    return [
        Training.of(prepare(manifest.folded(index, folds), store, *how), folder, store, seeds)
        for index, folder in enumerate(rundir.fold_folders(run, folds))
    ]


def _check_folder(run: Path, config: RunConfig, overwrite: bool) -> None:
    """Refuse a folder that holds something else.

    Raises
    ------
    RunError
        If it is not a run, or one of other settings that may not be replaced.
    """
    if not (run / CONFIG).is_file():
        rundir.require_empty(run, "a run")
        return
    old = rundir.read_config(run)
    difference = old.differs(config) or _other_seeds(old, config)
    if difference and not overwrite and _begun(run, old):
        hint = "choose another --run, or replace it with --overwrite"
        raise RunError(f"was trained with {difference}", where=run, hint=hint)


def _check_cross(run: Path) -> None:
    """Refuse to put folds into a folder that holds something else.

    Raises
    ------
    RunError
        If it does.
    """
    if (run / CONFIG).is_file():
        raise RunError("is a run without folds", where=run, hint="choose another --run")
    names = [path.name for path in run.iterdir()] if run.is_dir() else [run.name]
    if not all(name.startswith(("fold-", ".")) or name == REPORTS for name in names):
        rundir.require_empty(run, "a cross-validation")


def _begun(run: Path, config: RunConfig) -> bool:
    """Whether anything was learned that would be lost: a training may fail before that."""
    return any(rundir.begun(folder) for folder in rundir.members(run, config.seeds))


def _other_seeds(old: RunConfig, new: RunConfig) -> str | None:
    """Name the difference, unless seeds are only added to several."""
    added = len(old.seeds) > 1 and new.seeds[: len(old.seeds)] == old.seeds
    if added or old.seeds == new.seeds:
        return None
    return f"seeds {', '.join(map(str, old.seeds))} and not {', '.join(map(str, new.seeds))}"


def _claim(run: Path, config: RunConfig, overwrite: bool) -> None:
    """Make the folder that of this run; one that is to be replaced is emptied first.

    An unfinished run of the same settings is resumed, also with ``overwrite``: it is what an
    interrupted overwriting leaves.
    """
    if (run / CONFIG).is_file():
        old = rundir.read_config(run)
        done = all(rundir.finished(folder) for folder in rundir.members(run, config.seeds))
        other = old.differs(config) or _other_seeds(old, config)
        if (other and not _begun(run, old)) or (overwrite and (done or other)):
            rundir.clear(run)
    if not (run / CONFIG).is_file() or rundir.read_config(run).seeds != config.seeds:
        rundir.write_config(run, config)


def _member(config: RunConfig, seed: int, run: Path, folder: Path) -> RunConfig:
    """Return the configuration of one seed, as seen from its folder."""

    def moved(source: Source) -> Source:
        return Source.of(source.locate(run), folder, source.fingerprint)

    return config.model_copy(
        update={
            "seeds": (seed,),
            "train": config.train.model_copy(update={"seed": seed}),
            "manifest": moved(config.manifest),
            "store": moved(config.store),
        }
    )


def _train_seed(
    folder: Path, config: RunConfig, prepared: Prepared, ended: Callable[[int], None]
) -> SeedSummary:
    """Train one seed, resume it, or leave it alone if it is done."""
    if rundir.finished(folder):
        shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)
        return _seed_summary(folder, config, "already trained")
    make_folder(folder)
    rundir.write_config(folder, config)
    with seeded(config.train.seed, 0):
        network = rundir.make_network(config)
    fitted = fit(network, *prepared.ready(network), config.train, folder, ended)
    rundir.write_history(folder, fitted.history)
    summary = _seed_summary(folder, config, "resumed" if fitted.resumed else "trained")
    _write_card(folder, config, [summary], prepared)
    rundir.write_model(folder, fitted.state, prepared.standardiser)
    shutil.rmtree(folder / CHECKPOINT)
    return summary


def _seed_summary(folder: Path, config: RunConfig, state: State) -> SeedSummary:
    history = rundir.read_history(folder, columns(config.train.monitor))
    best = best_epoch(history, config.train.monitor)
    row = history[best - 1]
    valid = {k.removeprefix(VALID): v for k, v in row.items() if k.startswith(VALID)}
    return SeedSummary(config.seeds[0], folder, state, len(history), best, valid)


def _summary(
    run: Path, config: RunConfig, prepared: Prepared, seeds: Sequence[SeedSummary]
) -> TrainSummary:
    several = len(seeds) > 1
    if several:
        _write_card(run, config, seeds, prepared)
    figures = _spreads(seeds)
    return TrainSummary(
        run=run,
        fusion=config.fusion,
        features={modality: view.feature for modality, view in config.features.items()},
        parameters=prepared.parameters,
        clips={split: len(samples) for split, samples in prepared.splits.items()},
        missing=prepared.missing,
        monitor=prepared.settings.monitor,
        valid={name: found.mean for name, found in figures.items()},
        valid_std={name: found.std for name, found in figures.items()} if several else {},
        seeds=tuple(seeds),
        notes=prepared.notes,
    )


def _cross_summary(run: Path, folds: Sequence[TrainSummary]) -> CrossSummary:
    first = folds[0]
    by_seed = {
        name: np.mean([[seed.valid[name] for seed in fold.seeds] for fold in folds], axis=0)
        for name in first.valid
    }
    figures = {name: spread(values) for name, values in by_seed.items()}
    several = len(first.seeds) > 1
    return CrossSummary(
        run=run,
        fusion=first.fusion,
        features=first.features,
        parameters=first.parameters,
        monitor=first.monitor,
        valid={name: found.mean for name, found in figures.items()},
        valid_std={name: found.std for name, found in figures.items()} if several else {},
        folds=tuple(folds),
        notes=tuple(dict.fromkeys(note for fold in folds for note in fold.notes)),
    )


def _spreads(seeds: Sequence[SeedSummary]) -> dict[str, Spread]:
    return {name: spread([seed.valid[name] for seed in seeds]) for name in seeds[0].valid}


def _write_card(
    folder: Path, config: RunConfig, seeds: Sequence[SeedSummary], prepared: Prepared
) -> None:
    lacking = [
        f"{count} of {len(prepared.splits[split])} {split} clips lack {modality}"
        for split, missing in prepared.missing.items()
        for modality, count in missing.items()
        if count
    ]
    best = [seed.best_epoch for seed in seeds]
    write_text(folder / CARD, card(config, _spreads(seeds), best, [*prepared.notes, *lacking]))
