"""What a training starts from: features opened, settings resolved, all of it checked."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from emocli import __version__, plugins
from emocli.config import Tree, build, merge
from emocli.data.manifest import Manifest, Task
from emocli.data.samples import Samples
from emocli.data.standardise import Standardiser
from emocli.data.store import FeatureStore, open_features
from emocli.errors import ConfigError, ManifestError, StoreError
from emocli.learn import losses
from emocli.learn.loop import class_counts, seeded
from emocli.learn.memory import Memory, Remembering
from emocli.learn.rundir import RunConfig, Source, View, tell_task
from emocli.learn.settings import TrainConfig

LIBRARIES = ("torch", "lightning-fabric", "numpy")


@dataclass(frozen=True)
class Prepared:
    """What a training starts from; the test split is not in it.

    Attributes
    ----------
    fusion, preset : str
        The network's plug-in, and where its settings start from.
    network : mapping
        The network's settings, resolved.
    settings : TrainConfig
        The training's; nothing is left ``auto`` but the device.
    train, valid : Samples
        The clips, their features as they are in the store.
    parameters : int
        Numbers the network learns.
    """

    fusion: str
    preset: str
    network: Tree
    settings: TrainConfig
    train: Samples
    valid: Samples
    parameters: int

    @property
    def manifest(self) -> Manifest:
        """The corpus."""
        return self.train.manifest

    @property
    def splits(self) -> dict[str, Samples]:
        """What may be seen in training, by split."""
        return {"train": self.train, "valid": self.valid}

    @cached_property
    def missing(self) -> dict[str, dict[str, int]]:
        """Split to the clips that lack each modality."""
        return {split: samples.missing() for split, samples in self.splits.items()}

    @cached_property
    def standardiser(self) -> Standardiser:
        """Fitted on the train split."""
        return Standardiser.fit(self.train, self.settings.outliers)

    @cached_property
    def standardised(self) -> tuple[Samples, Samples]:
        """Train and valid split, standardised, and kept in memory as far as allowed."""
        memory = Memory(self.settings.cache_mb << 20)
        train, valid = (
            Remembering.through(samples.then(self.standardiser), memory)
            for samples in (self.train, self.valid)
        )
        return train, valid

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What is odd about the data, a line each."""
        return tuple(_notes(self))

    def config(self, run: Path, store: Path, seeds: Sequence[int]) -> RunConfig:
        """Write down what a run in that folder is."""
        manifest = self.manifest
        if manifest.path is None:
            raise ManifestError("was not read from a file", where=manifest.dataset)
        return RunConfig(
            fusion=self.fusion,
            preset=self.preset,
            network=self.network,
            train=self.settings,
            seeds=tuple(seeds),
            dataset=manifest.dataset,
            task=manifest.task,
            classes=manifest.classes,
            citation=manifest.citation,
            licence=manifest.licence,
            labels=labels(manifest),
            fold=manifest.fold,
            manifest=Source.of(manifest.path, run, manifest.fingerprint),
            store=Source.of(store, run),
            features={modality: _view(s) for modality, s in self.train.stores.items()},
            versions={
                "emocli": __version__,
                "python": platform.python_version(),
                **{library: version(library) for library in LIBRARIES},
            },
        )


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
    train = Samples.of(manifest, "train", stores)
    valid = Samples.of(manifest, "valid", stores)
    _check_learnable(train)
    with seeded(0):
        model = plugins.load("fusion", fusion).Model(train.dims, len(manifest.classes), network)
    tell_task(model, manifest.task, training.loss)
    parameters = sum(p.numel() for p in model.parameters())
    resolved = network.model_dump(mode="json")
    return Prepared(fusion, preset, resolved, training, train, valid, parameters)


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


def _notes(prepared: Prepared) -> Iterator[str]:
    counts = class_counts(prepared.train)
    pairs = zip(prepared.manifest.classes, counts, strict=True)
    absent = [name for name, count in pairs if not count]
    if absent:
        yield f"no training clip shows {', '.join(absent)}"
    for split, samples in prepared.splits.items():
        unlabelled = len(prepared.manifest.split(split)) - len(samples)
        if unlabelled:
            yield f"{unlabelled} clips of split '{split}' have no label and were left out"
    for store in prepared.train.stores.values():
        if store.non_finite:
            yield f"{store.non_finite} values of {store.name} are not finite and read as 0"
    for split, samples in prepared.splits.items():
        for modality, count in prepared.standardiser.clipped(samples).items():
            if count:
                feature = samples.stores[modality].name
                limit = f"{prepared.settings.outliers:g} robust standard deviations"
                yield f"{count} values of {feature} ({split}) are beyond {limit} and were clipped"


def _view(store: FeatureStore) -> View:
    return View(
        feature=store.name,
        dim=store.dim,
        settings=store.settings,
        fingerprint=store.fingerprint,
    )


def labels(manifest: Manifest) -> str:
    """Fingerprint of what is learned from and chosen by; the test split has no part in it."""
    seen = [clip for clip in manifest.clips if clip.split != "test"]
    rows = sorted((clip.id, clip.split, clip.label, sorted(clip.labels.items())) for clip in seen)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
