"""The inputs of a training: features opened, settings resolved, all of it checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emocli import plugins
from emocli.config import Plain, Tree
from emocli.data.cached_samples import CachedSamples, FeatureCache
from emocli.data.durable import digest
from emocli.data.manifest import Manifest
from emocli.data.samples import Samples
from emocli.data.speakers import SpeakerNormaliser
from emocli.data.standardise import Standardiser
from emocli.data.store import StoredFeature, check_path, open_features
from emocli.data.store.imported import imported_parts
from emocli.data.store.upstream import upstream_settings
from emocli.display import number_of
from emocli.errors import ManifestError, StoreError
from emocli.models import rundir
from emocli.models.baselines import MANY, ClassicalModels, fit_classical
from emocli.models.layer_mix import has_several, layers_of
from emocli.models.outline import outline, parameters
from emocli.models.run_config import RunConfig, Source, View
from emocli.models.settings import TrainConfig
from emocli.plugin.robustness import UNCORRUPTED, RobustOptions, on, packages
from emocli.robust.repair import RobustConfig
from emocli.robust.repair_factory import RepairFactory
from emocli.training.class_weights import class_counts
from emocli.training.data_warnings import number_warnings
from emocli.training.fusion_task import check_settings
from emocli.training.masking import masks
from emocli.training.settings import corpus_size, resolve
from emocli.version import versions

if TYPE_CHECKING:
    from emocli.plugin.network import Network

LIBRARIES = ("torch", "lightning-fabric", "numpy")


@dataclass(frozen=True)
class Prepared:
    """The inputs of a training; the test split is not in it.

    Attributes
    ----------
    fusion, preset : str
        The network's plug-in, and where its settings start from.
    network : mapping
        The network's settings, resolved.
    settings : TrainConfig
        The training's; nothing is left ``auto`` but the device.
    robust : RobustConfig
        How the clips are corrupted, and repaired.
    train, valid : Samples
        The clips, their features as they are in the store.
    check : Path
        Where the modality check is, if there is one.
    parameters : int
        Numbers the network learns.
    remarks : tuple of str
        The network's remarks on its modalities.
    refitted : bool
        Whether ``train`` is the train and the valid split together.
    normaliser : SpeakerNormaliser, optional
        What normalises the features by speaker, if they are.
    """

    fusion: str
    preset: str
    network: Tree
    settings: TrainConfig
    robust: RobustConfig
    train: Samples
    valid: Samples
    check: Path
    parameters: int
    remarks: tuple[str, ...] = ()
    refitted: bool = False
    normaliser: SpeakerNormaliser | None = None

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

    @property
    def repair_factory(self) -> RepairFactory:
        """Makes the repairs."""
        outliers = self.settings.outliers
        parts = (self.check, self.standardiser, self.robust, self.train, outliers)
        return RepairFactory(*parts, refitted=self.refitted)

    @property
    def whole(self) -> Prepared:
        """The inputs of the last fit: train and valid split together are learnt from."""
        train = Samples.of(self.manifest.merged(), "train", self.train.stores)
        return replace(self, train=train, refitted=True)

    def learnt(self, network: Network) -> Samples:
        """Train split alone, as `ready` makes it."""
        learnt = self.repair_factory.learnt_from(self.train)
        network.fit(learnt.pooled)
        return self._condensed(learnt.samples, network, self._memory())

    def _memory(self) -> FeatureCache:
        return FeatureCache(self.settings.cache_mb << 20)

    def _condensed(self, samples: Samples, network: Network, memory: FeatureCache) -> Samples:
        """Condense and keep in memory; masks strike single steps and columns, which must stay."""
        masked = masks(self.settings)
        return CachedSamples.through(samples if masked else samples.condensed_by(network), memory)

    def ready(self, network: Network) -> tuple[Samples, Samples]:
        """Train and valid split, standardised, corrupted, repaired, condensed, kept in memory."""
        memory, repair_factory = self._memory(), self.repair_factory
        learnt, held = repair_factory.learnt_from(self.train), repair_factory.chosen_by(self.valid)
        network.fit(learnt.pooled)
        train, valid = (self._condensed(part.samples, network, memory) for part in (learnt, held))
        return train, valid

    def classical(self) -> ClassicalModels:
        """Fit the baselines on the inputs of the network.

        Views that are discarded are lacking to them: their functionals' training means stand for
        them.
        """
        factory = self.repair_factory
        train, valid = factory.learnt_from(self.train), factory.chosen_by(self.valid)
        whole = None
        if self.settings.refit:
            last = self.whole
            whole = last.repair_factory.learnt_from(last.train).pooled
        return fit_classical(self.baseline_names, train.pooled, valid.pooled, whole, self.settings)

    @property
    def baseline_names(self) -> list[str]:
        """Names of the baselines, the same in all folds."""
        clips = corpus_size(self.manifest, self.fusion).clips
        return ["logistic", "svm" if clips <= MANY else "svm_nystroem"]

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Warnings about the data and the settings, a line each."""
        return tuple(_notes(self))

    def config(self, run: Path, store: Path, seeds: Sequence[int]) -> RunConfig:
        """Write down what a run in that folder is.

        Raises
        ------
        ManifestError
            If the manifest was not read from a file.
        """
        manifest = self.manifest
        added = (*plugins.packages("fusion", self.fusion), *packages(self.robust.corrupt))
        if manifest.path is None:
            raise ManifestError("was not read from a file", where=manifest.dataset)
        return RunConfig(
            fusion=self.fusion,
            preset=self.preset,
            network=self.network,
            train=self.settings,
            robust=self.robust.model_dump(mode="json", exclude_defaults=True),
            check=digest(self.check) if self.robust.trust == "check" else "",
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
            features={m: _view(feature, store) for m, feature in self.train.stores.items()},
            versions=versions((*LIBRARIES, *added)),
        )


def prepare(
    manifest: Manifest,
    store: Path,
    fusion: str,
    features: Sequence[str] | None,
    preset: str,
    settings: Mapping[str, Plain],
    robust: RobustOptions = UNCORRUPTED,
) -> Prepared:
    """Open the features, resolve the settings, and check that they can be trained on.

    The settings are laid over ``robust``.

    Raises
    ------
    EmocliError
        If not.
    """
    task, classes, size = manifest.task, manifest.classes, corpus_size(manifest, fusion)
    network, training, repairing = resolve(fusion, preset, settings, task, classes, robust, size)
    stores = open_features(store, features, manifest)
    normaliser = SpeakerNormaliser.of(training, training.outliers, manifest, stores)
    stores = normaliser.features() if normaliser else stores
    train = Samples.of(manifest, "train", stores)
    valid = Samples.of(manifest, "valid", stores)
    _check_learnable(train)
    outputs = len(manifest.classes)
    layers = {modality: layers_of(store) for modality, store in stores.items()}
    parts = (fusion, train.dims, outputs, network, training, layers)
    model = outline(lambda: rundir.assemble(*parts))
    model.set_task(training.logit_task(manifest.task), training.loss)
    check_settings(model, train, training)
    on(repairing.corrupt, train.stores)
    place = check_path(store, manifest.fold, repairing.fit_on, training.normalise)
    inputs = (network.model_dump(mode="json"), training, repairing, train, valid, place)
    learnt = parameters(model)
    prepared = Prepared(fusion, preset, *inputs, learnt, model.remarks, normaliser=normaliser)
    prepared.repair_factory.require(repairing)
    if training.refit:
        check_settings(model, prepared.whole.train, training)
    return prepared


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
            hint="training needs at least two classes",
        )
    for modality, lacking in samples.missing().items():
        if lacking == len(samples):
            feature = samples.stores[modality].name
            raise StoreError(
                f"feature '{feature}' has no clip of split 'train'",
                hint="extract it, or choose other features with -f",
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
            yield number_of(unlabelled, f"clips of split '{split}' have no label and were left out")
    yield from prepared.remarks
    yield from prepared.settings.idle
    if prepared.normaliser is not None:
        clips = (*prepared.train.clips, *prepared.valid.clips)
        yield from prepared.normaliser.remarks(clips)
    yield from prepared.repair_factory.remarks(prepared.robust)
    yield from number_warnings(prepared.splits, prepared.standardiser, prepared.settings.outliers)


def _view(feature: StoredFeature, store: Path) -> View:
    layers, settings = layers_of(feature), dict(feature.header.settings)
    return View(
        feature=feature.name,
        dim=feature.dim,
        settings=settings,
        fingerprint=feature.fingerprint,
        upstream=upstream_settings(store, feature.name),
        layers=layers if len(layers) > 1 and has_several(layers) else layers[0].count,
        columns=feature.dim_names if imported_parts(settings) else (),
    )


def labels(manifest: Manifest) -> str:
    """Fingerprint of what is learned from and chosen by; the test split has no part in it."""
    clips = [clip for clip in manifest.clips if clip.split != "test"]
    rows = sorted((clip.id, clip.split, clip.label, sorted(clip.labels.items())) for clip in clips)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
