"""Training a fusion network: on the train split, chosen on the valid split, the test split sealed.

Repeating the same command resumes what was interrupted and leaves alone what is finished.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from emocli import __version__, plugins
from emocli.config import Tree, build, merge
from emocli.data.durable import locked, write_text
from emocli.data.manifest import Manifest, Task
from emocli.data.samples import Samples
from emocli.data.standardise import Standardiser
from emocli.data.store import FeatureStore, open_features
from emocli.errors import ConfigError, ManifestError, RunError, StoreError
from emocli.learn import losses, rundir
from emocli.learn.card import card
from emocli.learn.loop import TrainConfig, best_epoch, class_counts, fit, seeded
from emocli.learn.memory import Memory, Remembering
from emocli.learn.rundir import CARD, CHECKPOINT, CONFIG, Row, RunConfig, Source, View
from emocli.learn.statistics import Spread, spread

Progress = Callable[[int, int], None]

LIBRARIES = ("torch", "lightning-fabric", "numpy")
VALID = "valid_"


@dataclass(frozen=True)
class SeedSummary:
    """How the training of one seed went; ``valid`` holds the figures of the best epoch."""

    seed: int
    run: Path
    state: Literal["trained", "resumed", "already trained"]
    epochs: int
    best_epoch: int
    valid: dict[str, float]


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
class Prepared:
    """What a training starts from: everything is checked, nothing is written."""

    train: Samples
    valid: Samples
    network: Tree
    settings: TrainConfig
    parameters: int
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
    seeds: int = 1,
    overwrite: bool = False,
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
        ``{"network": {...}, "train": {...}}``, laid over the preset.
    seeds : int
        So many trainings, from ``train.seed`` upwards.
    overwrite : bool
        Replace a run of other settings, or one that is finished.
    progress : callable
        Told epochs done and epochs at most.

    Raises
    ------
    EmocliError
        If settings, manifest, store and run do not fit each other; then nothing has been written.
    """
    prepared = prepare(manifest, store, fusion, features, preset, settings or {})
    if seeds < 1:
        raise ConfigError(f"cannot train {seeds} seeds")
    config = _config(run, manifest, store, fusion, preset, prepared, seeds)
    _check_folder(run, config, overwrite)
    run.mkdir(parents=True, exist_ok=True)
    with locked(run / ".lock"):
        _claim(run, config, overwrite)
        summary = _train_all(run, config, prepared, progress)
    return summary


def plan(
    manifest: Manifest,
    store: Path,
    *,
    fusion: str,
    features: Sequence[str] | None = None,
    preset: str = "paper",
    settings: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Check everything and say what would be trained on what; writes nothing."""
    prepared = prepare(manifest, store, fusion, features, preset, settings or {})
    splits = {"train": prepared.train, "valid": prepared.valid}
    return {
        "fusion": fusion,
        "preset": preset,
        "network": prepared.network,
        "train": prepared.settings.model_dump(),
        "features": {m: s.name for m, s in prepared.train.stores.items()},
        "dims": prepared.train.dims,
        "classes": list(manifest.classes),
        "parameters": prepared.parameters,
        "clips": {split: len(samples) for split, samples in splits.items()},
        "missing": {split: samples.missing() for split, samples in splits.items()},
        "notes": list(prepared.notes),
    }


def prepare(
    manifest: Manifest,
    store: Path,
    fusion: str,
    features: Sequence[str] | None,
    preset: str,
    settings: Mapping[str, Any],
) -> Prepared:
    """Open the features, resolve the settings, and check that they can be trained on.

    Raises
    ------
    EmocliError
        If not.
    """
    network, training = _resolve(fusion, preset, settings, manifest.task)
    stores = open_features(store, features, manifest)
    samples = Samples.of(manifest, "train", stores)
    valid = Samples.of(manifest, "valid", stores)
    _check_learnable(samples)
    model = plugins.load("fusion", fusion).Model(samples.dims, len(manifest.classes), network)
    parameters = sum(p.numel() for p in model.parameters())
    notes = _notes(samples, valid)
    return Prepared(samples, valid, network.model_dump(mode="json"), training, parameters, notes)


def _resolve(
    fusion: str, preset: str, settings: Mapping[str, Any], task: Task
) -> tuple[Any, TrainConfig]:
    """Lay settings over the preset over the defaults; nothing is left ``auto`` but the device."""
    module = plugins.load("fusion", fusion)
    if preset not in module.PRESETS:
        raise ConfigError(
            f"'{fusion}' has no preset '{preset}'", mend=f"there are: {', '.join(module.PRESETS)}"
        )
    tree = merge(module.PRESETS[preset], settings)
    for section, values in tree.items():
        if section not in ("network", "train") or not isinstance(values, Mapping):
            raise ConfigError(
                f"unknown setting '{section}'", mend="there are network.KEY and train.KEY"
            )
    network = build(module.Config, tree.get("network", {}), "network")
    training = build(TrainConfig, tree.get("train", {}), "train")
    chosen = {"loss": losses.resolve(training.loss, task), "monitor": training.monitored(task)}
    return network, training.model_copy(update=chosen)


def _check_learnable(samples: Samples) -> None:
    """Refuse clips that all say the same, and a modality nobody has."""
    manifest = samples.manifest
    targets = manifest.targets(samples.clips)
    if not np.ptp(targets, axis=0).any():
        shown = np.flatnonzero(class_counts(samples))
        names = ", ".join(f"'{manifest.classes[k]}'" for k in shown) or "none"
        raise ManifestError(
            f"all {len(samples)} labelled clips of split 'train' have the same label ({names})",
            where=manifest.path or manifest.dataset,
            mend="training needs at least two classes",
        )
    for modality, lacking in samples.missing().items():
        if lacking == len(samples):
            feature = samples.stores[modality].name
            raise StoreError(
                f"feature '{feature}' has no clip of split 'train'",
                mend="extract it, or choose other features with -f",
            )


def _notes(train: Samples, valid: Samples) -> tuple[str, ...]:
    notes = []
    counts = class_counts(train)
    absent = [name for name, n in zip(train.manifest.classes, counts, strict=True) if not n]
    if absent:
        notes.append(f"no training clip shows {', '.join(absent)}")
    for split, samples in (("train", train), ("valid", valid)):
        unlabelled = len(samples.manifest.split(split)) - len(samples)
        if unlabelled:
            notes.append(f"{unlabelled} clips of split '{split}' have no label and were left out")
        for modality, lacking in samples.missing().items():
            if lacking:
                notes.append(f"{lacking} of {len(samples)} {split} clips lack {modality}")
    for store in train.stores.values():
        if store.non_finite:
            notes.append(f"{store.non_finite} values of {store.name} are not finite and read as 0")
    return tuple(notes)


def _config(
    run: Path,
    manifest: Manifest,
    store: Path,
    fusion: str,
    preset: str,
    prepared: Prepared,
    seeds: int,
) -> RunConfig:
    if manifest.path is None:
        raise ManifestError("was not read from a file", where=manifest.dataset)
    first = prepared.settings.seed
    return RunConfig(
        fusion=fusion,
        preset=preset,
        network=prepared.network,
        train=prepared.settings.model_dump(mode="json"),
        seeds=tuple(range(first, first + seeds)),
        dataset=manifest.dataset,
        task=manifest.task,
        classes=manifest.classes,
        citation=manifest.citation,
        licence=manifest.licence,
        labels=_labels(manifest),
        manifest=Source.of(manifest.path, run, manifest.fingerprint),
        store=Source.of(store, run),
        features={m: _view(feature) for m, feature in prepared.train.stores.items()},
        versions={
            "emocli": __version__,
            "python": platform.python_version(),
            **{library: version(library) for library in LIBRARIES},
        },
    )


def _view(store: FeatureStore) -> View:
    return View(
        feature=store.name,
        dim=store.dim,
        settings=store.settings,
        fingerprint=store.fingerprint,
    )


def _labels(manifest: Manifest) -> str:
    """Fingerprint of what is learned from and chosen by; the test split has no part in it."""
    seen = [clip for clip in manifest.clips if clip.split != "test"]
    rows = sorted((clip.id, clip.split, clip.label, sorted(clip.labels.items())) for clip in seen)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _check_folder(run: Path, config: RunConfig, overwrite: bool) -> None:
    """Refuse a folder that holds something else.

    Raises
    ------
    RunError
        If it is not a run, or one of other settings that may not be replaced.
    """
    if not (run / CONFIG).is_file():
        if run.exists() and (not run.is_dir() or any(_visible(run))):
            mend = "choose another --run"
            raise RunError("is there already and is not a run", where=run, mend=mend)
        return
    old = rundir.read_config(run)
    difference = old.differs(config) or _other_seeds(old, config)
    if difference and not overwrite:
        mend = "choose another --run, or replace it with --overwrite"
        raise RunError(f"was trained with {difference}", where=run, mend=mend)


def _visible(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


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
    if overwrite and (run / CONFIG).is_file():
        old = rundir.read_config(run)
        done = all(rundir.finished(folder) for folder in rundir.members(run, config.seeds))
        if done or old.differs(config) or _other_seeds(old, config):
            rundir.clear(run)
    rundir.write_config(run, config)


def _train_all(
    run: Path, config: RunConfig, prepared: Prepared, progress: Progress
) -> TrainSummary:
    standardiser = Standardiser.fit(prepared.train)
    memory = Memory(prepared.settings.cache_mb << 20)
    train = Remembering.through(prepared.train.then(standardiser), memory)
    valid = Remembering.through(prepared.valid.then(standardiser), memory)
    epochs, total = prepared.settings.epochs, prepared.settings.epochs * len(config.seeds)
    summaries = []
    folders = rundir.members(run, config.seeds)
    for index, (seed, folder) in enumerate(zip(config.seeds, folders, strict=True)):

        def ended(done: int, before: int = index * epochs) -> None:
            progress(before + done, total)

        member = _member(config, seed, run, folder)
        training = _Training(folder, member, train, valid, standardiser, prepared.notes)
        summaries.append(training.run(ended))
        progress((index + 1) * epochs, total)
    return _summary(run, config, prepared, summaries)


def _member(config: RunConfig, seed: int, run: Path, folder: Path) -> RunConfig:
    """Return the configuration of one seed, as seen from its folder."""

    def moved(source: Source) -> Source:
        return Source.of(source.locate(run), folder, source.fingerprint)

    return config.model_copy(
        update={
            "seeds": (seed,),
            "train": {**config.train, "seed": seed},
            "manifest": moved(config.manifest),
            "store": moved(config.store),
        }
    )


@dataclass(frozen=True)
class _Training:
    """The training of one seed."""

    folder: Path
    config: RunConfig
    train: Samples
    valid: Samples
    standardiser: Standardiser
    notes: tuple[str, ...]

    def run(self, ended: Callable[[int], None]) -> SeedSummary:
        """Train, resume, or do nothing if it is done."""
        if rundir.finished(self.folder):
            shutil.rmtree(self.folder / CHECKPOINT, ignore_errors=True)
            return self._summary("already trained")
        self.folder.mkdir(exist_ok=True)
        rundir.write_config(self.folder, self.config)

        def after_epoch(history: list[Row]) -> None:
            rundir.write_history(self.folder, history)
            ended(len(history))

        settings = build(TrainConfig, self.config.train, "train")
        with seeded(settings.seed, 0):
            network = rundir.make_network(self.config)
        checkpoint = self.folder / CHECKPOINT / "last.safetensors"
        fitted = fit(network, self.train, self.valid, settings, checkpoint, after_epoch)
        rundir.write_history(self.folder, fitted.history)
        summary = self._summary("resumed" if fitted.resumed else "trained")
        _write_card(self.folder, self.config, [summary], self.notes)
        rundir.write_model(self.folder, fitted.state, self.standardiser)
        shutil.rmtree(self.folder / CHECKPOINT)
        return summary

    def _summary(self, state: Literal["trained", "resumed", "already trained"]) -> SeedSummary:
        history = rundir.read_history(self.folder)
        settings = build(TrainConfig, self.config.train, "train")
        best = best_epoch(history, settings.monitor)
        row = history[best - 1]
        valid = {k.removeprefix(VALID): v for k, v in row.items() if k.startswith(VALID)}
        return SeedSummary(self.config.seeds[0], self.folder, state, len(history), best, valid)


def _summary(
    run: Path, config: RunConfig, prepared: Prepared, seeds: Sequence[SeedSummary]
) -> TrainSummary:
    several = len(seeds) > 1
    if several:
        _write_card(run, config, seeds, prepared.notes)
    figures = _spreads(seeds)
    splits = {"train": prepared.train, "valid": prepared.valid}
    return TrainSummary(
        run=run,
        fusion=config.fusion,
        features={modality: view.feature for modality, view in config.features.items()},
        parameters=prepared.parameters,
        clips={split: len(samples) for split, samples in splits.items()},
        missing={split: samples.missing() for split, samples in splits.items()},
        monitor=prepared.settings.monitor,
        valid={name: found.mean for name, found in figures.items()},
        valid_std={name: found.std for name, found in figures.items()} if several else {},
        seeds=tuple(seeds),
        notes=prepared.notes,
    )


def _spreads(seeds: Sequence[SeedSummary]) -> dict[str, Spread]:
    return {name: spread([seed.valid[name] for seed in seeds]) for name in seeds[0].valid}


def _write_card(
    folder: Path, config: RunConfig, seeds: Sequence[SeedSummary], notes: Sequence[str]
) -> None:
    best = [seed.best_epoch for seed in seeds]
    write_text(folder / CARD, card(config, _spreads(seeds), best, notes))
