"""Runs to be trained, and the jobs of their seeds, which share a pool of processes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from emocli.data.durable import locked, make_folder, used_folder, write_text
from emocli.data.normalisation import normalisation_note
from emocli.data.pool import Pool, Progress
from emocli.data.standardise import Standardiser
from emocli.display import number_of
from emocli.errors import ConfigError, RunError
from emocli.limits import MOST_SEED, MOST_SEEDS
from emocli.models import rundir
from emocli.models.baselines_io import read_models, save_models
from emocli.models.calibration import write_calibration
from emocli.models.run_config import RunConfig, Source
from emocli.models.rundir import BASELINES, CARD, CHECKPOINT, CONFIG, REFIT, EpochMetrics
from emocli.models.speakers import save_speakers
from emocli.models.valid_predictions import write_valid_predictions
from emocli.plugin.network import Network
from emocli.training.calibrate import calibrate
from emocli.training.card import card
from emocli.training.checkpoint import Tensors
from emocli.training.compute import seeded
from emocli.training.fusion_task import fit_network, make_schedule, refit_network
from emocli.training.outputs import predict
from emocli.training.prepare import Prepared
from emocli.training.summaries import BaselineSummary, SeedSummary, TrainSummary, seed_spreads
from emocli.training.trainer import State, Watch

VALID = "valid_"


@dataclass(frozen=True)
class Training:
    """A run to be trained: its settings, folder, seeds, and whether baselines are fitted, too.

    Without ``last_fit`` it is left before that of ``train.refit``, and leaves its predictions of
    the valid split.
    """

    prepared: Prepared
    run: Path
    config: RunConfig
    baselines: bool = False
    last_fit: bool = True

    @classmethod
    def of(
        cls, prepared: Prepared, run: Path, store: Path, seeds: int, baselines: bool = False
    ) -> Training:
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
        config = prepared.config(run, store, range(first, first + seeds))
        return cls(prepared, run, config, baselines)

    @property
    def jobs(self) -> list[Job]:
        """A job for each seed."""
        pairs = zip(self.config.seeds, rundir.members(self.run, self.config.seeds), strict=True)
        return [
            Job(folder, _member(self.config, seed, self.run, folder), self.prepared, self.last_fit)
            for seed, folder in pairs
        ]

    @property
    def outdated(self) -> str | None:
        """What was other in the run that is there; None if it can go on, or there is none."""
        if not (self.run / CONFIG).is_file():
            return None
        old = rundir.read_config(self.run)
        return old.differs(self.config) or _other_seeds(old, self.config)

    def check(self, overwrite: bool) -> None:
        """Refuse a folder that holds something else.

        Raises
        ------
        RunError
            If it is not a run, or one of other settings that may not be replaced.
        """
        if not (self.run / CONFIG).is_file():
            rundir.require_empty(self.run, "a run")
        difference = self.outdated
        if difference and not overwrite and self._has_learnt():
            sets = rundir.read_config(self.run).as_sets(self.config)
            same = f"keep its settings with {sets}, " if sets else ""
            hint = f"{same}choose another --run, or replace it with --overwrite"
            raise RunError(f"was trained with {difference}", where=self.run, hint=hint)

    def claim(self, overwrite: bool) -> None:
        """Make the folder that of this run; one that is to be replaced is emptied first.

        An unfinished run of the same settings is resumed, also with ``overwrite``: it is what an
        interrupted overwriting leaves.
        """
        run, config = self.run, self.config
        if (run / CONFIG).is_file():
            done = all(rundir.finished(folder) for folder in rundir.members(run, config.seeds))
            other = self.outdated
            if (other and not self._has_learnt()) or (overwrite and (done or other)):
                rundir.clear(run)
        if not (run / CONFIG).is_file() or rundir.read_config(run).seeds != config.seeds:
            rundir.write_config(run, config)

    def _has_learnt(self) -> bool:
        """Whether anything was learned that would be lost: a training may fail before that."""
        seeds = rundir.read_config(self.run).seeds
        return any(rundir.has_learnt(folder) for folder in rundir.members(self.run, seeds))

    def fit_baselines(self) -> bool:
        """Fit the baselines, unless there are some; return whether they were fitted."""
        wanted = self.baselines and not (self.run / BASELINES).is_file()
        if wanted:
            save_models(self.run, replace(self.prepared).classical())
        return wanted

    def summary(self, seeds: Sequence[SeedSummary], baselines_are_new: bool) -> TrainSummary:
        """Sum up the trainings of all seeds; if they are complete, write the card of the run.

        That of a single seed is there already, unless baselines were fitted after it was trained.
        """
        prepared, several = self.prepared, len(seeds) > 1
        if (several or baselines_are_new) and all(rundir.finished(seed.run) for seed in seeds):
            _write_card(self.run, self.config, seeds, prepared)
        metrics = seed_spreads(seeds)
        return TrainSummary(
            run=self.run,
            fusion=self.config.fusion,
            features={modality: view.feature for modality, view in self.config.features.items()},
            parameters=prepared.parameters,
            clips={split: len(samples) for split, samples in prepared.splits.items()},
            missing=prepared.missing,
            monitor=prepared.settings.monitor,
            valid={name: value.mean for name, value in metrics.items()},
            valid_std={name: value.std for name, value in metrics.items()} if several else {},
            seeds=tuple(seeds),
            refit=prepared.settings.refit,
            notes=(*prepared.notes, *normalisation_note(prepared.settings)),
            baselines=_baseline_summaries(self.run) if self.baselines else {},
        )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder against other processes."""
        with used_folder(self.run), locked(self.run / ".lock"):
            yield


@dataclass(frozen=True)
class Job:
    """The training of one seed, which any process can do."""

    folder: Path
    config: RunConfig
    prepared: Prepared
    last_fit: bool = True

    def __call__(
        self,
        ended: Callable[[int], None] = lambda epochs: None,
        watch: Watch = lambda history: None,
    ) -> SeedSummary:
        """Train it, resume it, or leave it alone if it is done."""
        start = time.monotonic()
        # A copy of its own: what it reads is forgotten with it.
        own = replace(self.prepared)
        summary = _train_seed(self.folder, self.config, own, ended, watch, self.last_fit)
        done = summary.state == "already trained"
        return summary if done else replace(summary, seconds=time.monotonic() - start)


def carry_out(
    trainings: Sequence[Training],
    pool: Pool,
    overwrite: bool,
    progress: Progress,
    watch: Watch = lambda history: None,
) -> list[TrainSummary]:
    """Train runs that share a pool, seed by seed; each is locked meanwhile.

    ``watch`` is told of the first, where it is trained in this process.
    """
    for training in trainings:
        training.check(overwrite)
    with ExitStack() as held:
        for training in trainings:
            held.enter_context(training.held())
        new = []
        for training in trainings:
            training.claim(overwrite)
            new.append(training.fit_baselines())
        jobs = [job for training in trainings for job in training.jobs]
        trained = dict(_results(jobs, pool, progress, watch))
        return [
            training.summary([trained[job.folder] for job in training.jobs], baselines_are_new)
            for training, baselines_are_new in zip(trainings, new, strict=True)
        ]


def _results(
    jobs: Sequence[Job], pool: Pool, progress: Progress, watch: Watch
) -> Iterator[tuple[Path, SeedSummary]]:
    """Do the jobs; epochs are counted as they end where they are trained in this process."""
    epochs = jobs[0].prepared.settings.epochs
    total = len(jobs) * epochs
    if pool.in_flight > 1:
        for index, summary in enumerate(pool.results(Job.__call__, jobs)):
            progress((index + 1) * epochs, total)
            yield summary.run, summary
        return
    for index, job in enumerate(jobs):

        def ended(done: int, before: int = index * epochs) -> None:
            progress(before + done, total)

        yield job.folder, job(ended, watch if index == 0 else lambda history: None)
        ended(epochs)


def _other_seeds(old: RunConfig, new: RunConfig) -> str | None:
    """Name the difference, unless seeds are only added to several."""
    added = len(old.seeds) > 1 and new.seeds[: len(old.seeds)] == old.seeds
    if added or old.seeds == new.seeds:
        return None
    return f"seeds {', '.join(map(str, old.seeds))} and not {', '.join(map(str, new.seeds))}"


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
    folder: Path,
    config: RunConfig,
    prepared: Prepared,
    ended: Callable[[int], None],
    watch: Watch,
    last_fit: bool,
) -> SeedSummary:
    """Train one seed, resume it, or leave it alone if it is done."""
    if rundir.finished(folder):
        _tidy(folder)
        return _seed_summary(folder, config, "already trained")
    make_folder(folder)
    rundir.write_config(folder, config)
    network = _first_network(config)
    train, valid = prepared.ready(network)
    fitted = fit_network(network, train, valid, config.train, folder, ended, watch)
    done: State = "resumed" if fitted.resumed else "trained"
    network.load_state_dict(dict(fitted.state))
    outputs = predict(network.cpu(), valid, config.train.batch_size)
    if not last_fit:
        write_valid_predictions(folder, outputs.saved(config.task, config.train))
        if config.train.refit:
            return _seed_summary(folder, config, done)
    write_calibration(folder, calibrate(outputs, config.task, config.train, config.classes))
    state, standardiser = fitted.state, prepared.standardiser
    if config.train.refit:
        state, standardiser = _refitted(folder, config, prepared.whole, fitted.history)
    summary = _seed_summary(folder, config, done)
    _write_card(folder, config, [summary], prepared)
    if prepared.normaliser is not None:
        save_speakers(folder, prepared.normaliser.statistics)
    rundir.write_model(folder, state, standardiser)
    _tidy(folder)
    return summary


def _first_network(config: RunConfig) -> Network:
    with seeded(config.train.seed, 0):
        return rundir.make_network(config)


def _refitted(
    folder: Path, config: RunConfig, whole: Prepared, history: Sequence[EpochMetrics]
) -> tuple[Tensors, Standardiser]:
    """Train once more on train and valid split, for as many epochs as the first fit keeps."""
    kept = make_schedule(config.train, config.task).kept_epoch(history)
    network = _first_network(config)
    learnt = whole.learnt(network)
    fitted = refit_network(network, learnt, config.train, folder / REFIT, history[:kept])
    return fitted.state, whole.standardiser


def _tidy(folder: Path) -> None:
    """Remove the checkpoints of a training that is finished."""
    for name in (CHECKPOINT, REFIT):
        shutil.rmtree(folder / name, ignore_errors=True)


def _baseline_summaries(run: Path) -> dict[str, BaselineSummary]:
    """Return summaries of a run's baselines, by name."""
    models = read_models(run)
    each = () if models is None else models.models
    return {model.name: BaselineSummary(model.C, dict(model.valid)) for model in each}


def _seed_summary(folder: Path, config: RunConfig, state: State) -> SeedSummary:
    schedule = make_schedule(config.train, config.task)
    history = rundir.read_history(folder, schedule.criterion.columns)
    kept = schedule.kept_epoch(history)
    row = history[kept - 1]
    valid = {k.removeprefix(VALID): v for k, v in row.items() if k.startswith(VALID)}
    return SeedSummary(config.seeds[0], folder, state, len(history), kept, valid)


def _write_card(
    folder: Path, config: RunConfig, seeds: Sequence[SeedSummary], prepared: Prepared
) -> None:
    lacking = [
        number_of(count, f"of {len(prepared.splits[split])} {split} clips lack {modality}")
        for split, missing in prepared.missing.items()
        for modality, count in missing.items()
        if count
    ]
    best = [seed.best_epoch for seed in seeds]
    known = [rundir.read_calibration(seed.run) for seed in seeds]
    text = card(
        config,
        seed_spreads(seeds),
        best,
        [*prepared.notes, *lacking],
        {name: baseline.valid for name, baseline in _baseline_summaries(folder).items()},
        [each for each in known if each is not None],
    )
    write_text(folder / CARD, text)
