"""The evaluator of a trained run: its networks, and the clips they predict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emocli.config import build
from emocli.data.cached_samples import CachedSamples, FeatureCache
from emocli.data.clip import Clip, Split
from emocli.data.durable import digest
from emocli.data.filenames import corpus_part
from emocli.data.manifest import Manifest, ManifestOrPath
from emocli.data.normalisation import GIVEN, UNUSED, USED, TestNormalisation
from emocli.data.samples import Samples
from emocli.data.speakers import SpeakerNormaliser
from emocli.data.store import StoredFeature, check_path, open_features
from emocli.errors import ConfigError, RunError
from emocli.evaluation.predictions import Corruptions, Predictions
from emocli.evaluation.run_inputs import (
    check_feature,
    find,
    imported_remarks,
    is_own,
    learnt_remarks,
    normaliser_of,
    read_corpus,
)
from emocli.models import rundir
from emocli.models.baselines import ClassicalModels, prior
from emocli.models.baselines_io import read_models
from emocli.models.run_config import RunConfig
from emocli.models.rundir import BASELINES, MODEL, Run
from emocli.models.tensors import RESTORE
from emocli.plugin.robustness import TRAINED, RepairOptions
from emocli.robust.corrupt import Corrupter
from emocli.robust.repair import RepairConfig, Repaired, RobustConfig
from emocli.robust.repair_factory import RepairFactory
from emocli.training.compute import deterministic_torch
from emocli.training.outputs import predict


@dataclass(frozen=True)
class RunEvaluator:
    """The evaluator of a run: its networks of all seeds, and a split's clips, standardised.

    Attributes
    ----------
    run : Path
        The run.
    config : RunConfig
        Its configuration.
    members : tuple of Run
        Its seeds, ready to use.
    samples : Samples
        The clips, kept in memory as far as the run's ``train.cache_mb`` allows.
    repair : RepairConfig
        What is done about modalities that are not trusted, unless another repair is asked for.
    repair_factory : RepairFactory
        Makes the repairs.
    other : str
        What to call the corpus in the names of reports; empty if it is the run's own.
    device : {'cpu', 'cuda'}
    baselines : ClassicalModels, optional
        The classical baselines of the run.
    ensemble : bool
        Whether the networks of all seeds are one, whose prediction is their mean.
    normaliser : SpeakerNormaliser, optional
        What normalises the features by speaker, if they were in training.
    renormalises : bool
        Whether that is repeated with the statistics of clips as they are given.
    """

    run: Path
    config: RunConfig
    members: tuple[Run, ...]
    samples: Samples
    repair: RepairConfig
    repair_factory: RepairFactory
    other: str = ""
    device: str = "cpu"
    baselines: ClassicalModels | None = None
    ensemble: bool = False
    normaliser: SpeakerNormaliser | None = None
    renormalises: bool = False

    @classmethod
    def open(
        cls,
        run: Path,
        split: Split | None,
        manifest: ManifestOrPath | None,
        store: Path | None,
        repair: RepairOptions = TRAINED,
        normalise: TestNormalisation | None = None,
    ) -> RunEvaluator:
        """Load a run, find its features and make sure that they fit.

        Without a split the clips are all of the corpus, whether they have a label or not.
        ``repair`` goes on top of the training's repair. ``normalise`` is the training's unless it
        is ``none``: then features that were normalised by speaker are read as if there were no
        other clips of anybody; or ``given``: the statistics of speakers are those of the tested
        clips as they are given, corrupted or not, and not those of clips as they are in the store.

        On the corpus it was trained on, the features must be the very same; on another one
        they must have been computed with the same settings.

        Raises
        ------
        EmocliError
            If something is absent, damaged, or does not fit.
        """
        config = rundir.read_config(run)
        members = tuple(rundir.load(folder) for folder in rundir.members(run, config.seeds))
        standardiser = members[0].standardiser
        if any(not _equal(standardiser.tensors(), m.standardiser.tensors()) for m in members):
            raise RunError("its seeds were standardised differently", where=run, hint=RESTORE)
        corpus = read_corpus(run, config, manifest)
        folder = store or find(run, "store", config.store)
        stores = open_features(folder, [v.feature for v in config.features.values()], corpus)
        same = corpus.fingerprint == config.manifest.fingerprint
        normaliser = normaliser_of(members[0], corpus, stores, same, normalise)
        stores = normaliser.features() if normaliser else stores
        for modality, view in config.features.items():
            check_feature(stores.get(modality), view, same)
        trained = build(RobustConfig, config.robust, "robust")
        repair_factory = RepairFactory(
            check_path(folder, corpus.fold, trained.fit_on, config.train.normalise),
            standardiser,
            trained,
            _learnt(corpus.merged() if config.train.refit else corpus, stores),
            config.train.outliers,
            config.train.refit,
        )
        own = is_own(run, config, manifest, corpus)
        if split == "valid" and config.train.refit and own:
            what = "its last fit was on the valid split too (train.refit)"
            raise RunError(what, where=run, hint=_instead(corpus))
        chosen = trained.repair.with_options(repair)
        if chosen.trust == "check":
            _ = repair_factory.check  # refuses what does not fit
        whole = Samples(corpus, corpus.clips, stores)
        samples = whole if split is None else Samples.of(corpus, split, stores)
        kept = _kept(samples.then(standardiser), config)
        other = "" if own else corpus_part(corpus, stores)
        baselines = _baselines(run, members[0])
        parts = (run, config, members, kept, chosen, repair_factory, other)
        again = normalise == "given"
        return cls(*parts, baselines=baselines, normaliser=normaliser, renormalises=again)

    def on(self, device: str) -> RunEvaluator:
        """Return the same, whose networks predict on ``cpu`` or ``cuda``."""
        return replace(self, device=device)

    def averaged(self) -> RunEvaluator:
        """Return the same, the networks of all seeds as one.

        Raises
        ------
        ConfigError
            If there is one network.
        """
        if len(self.members) < 2:
            what = "--ensemble: there is one network, and nothing to average"
            raise ConfigError(what, where=self.run, hint="train several, --seeds 5")
        return replace(self, ensemble=True)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds with scores of their own; of an ensemble only the first."""
        return self.config.seeds[:1] if self.ensemble else self.config.seeds

    @property
    def networks(self) -> int:
        """How many networks' predictions are averaged; 1 if none are."""
        return len(self.members) if self.ensemble else 1

    @property
    def unlabelled(self) -> int:
        """Clips of the split that have no label, and are left out."""
        samples = self.samples
        return len(samples.manifest.split(samples.clips[0].split)) - len(samples)

    @property
    def normalised(self) -> str:
        """What was used of the tested speakers to normalise their features; empty if nothing is."""
        if self.normaliser is None:
            return ""
        return GIVEN if self.renormalises else UNUSED if self.normaliser.unknown else USED

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be known of clips, features and check beside the metrics, a line each."""
        config, samples = self.config, self.samples
        learnt = learnt_remarks(self.run, config, samples, own=not self.other)
        imported = imported_remarks(config, samples.manifest)
        by_speaker = self.normaliser.remarks(samples.clips) if self.normaliser else ()
        return (*learnt, *imported, *by_speaker, *self._check_remarks())

    def _check_remarks(self) -> Iterator[str]:
        """Say that the modality check is another than that of the training, on its own corpus."""
        same = self.samples.manifest.fingerprint == self.config.manifest.fingerprint
        if self.repair.trust == "check" and self.config.check and same:
            place = self.repair_factory.place
            if digest(place) != self.config.check:
                run = self.run.resolve().name
                yield f"{run}: the modality check, {place.name}, was fitted anew since its training"

    @property
    def parts(self) -> tuple[RunEvaluator, ...]:
        """The folds of a cross-validation; this is one."""
        return (self,)

    @property
    def modalities(self) -> list[str]:
        """Modalities the run knows."""
        return list(self.config.features)

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """Seed to the digest of its model."""
        return {str(member.config.seeds[0]): digest(member.path / MODEL) for member in self.members}

    def prior(self) -> NDArray[np.float64] | None:
        """Return how frequent classes are in what was learnt from, for every clip, shape (n, C).

        There are none on a corpus that the run was not trained on.
        """
        manifest, train = self.samples.manifest, self.repair_factory.train.clips
        if not train or manifest.fingerprint != self.config.manifest.fingerprint:
            return None
        return np.tile(prior(manifest, train), (len(self.samples), 1))

    @cached_property
    def clipped(self) -> dict[str, int]:
        """Modality to the numbers of the clips that were beyond the limits of the training's."""
        manifest, clips, stores = self.samples.manifest, self.samples.clips, self.samples.stores
        counts = self.members[0].standardiser.clipped(Samples(manifest, clips, stores))
        if self.normaliser is None:
            return counts
        own = self.normaliser.clipped(clips)
        return {modality: count + own[modality] for modality, count in counts.items()}

    def predict(
        self, corruptions: Corruptions, seed: int, repair: RepairOptions = TRAINED
    ) -> Predictions:
        """Return the predictions of every seed for corrupted and repaired clips.

        Parameters
        ----------
        corruptions : sequence of CorruptionSpec
            What is done to the clips.
        seed : int
            Of the corruptions.
        repair : RepairOptions
            On top of the evaluator's own repair.
        """
        chosen = self.repair.with_options(repair)
        corrupter = self._corrupter(corruptions, seed)
        repaired = self._repaired(corrupter, chosen)
        training, samples = self.config.train, repaired.samples
        with deterministic_torch(training.threads):
            networks = [member.network.to(self.device) for member in self.members]
            outputs = [predict(n, samples, training.batch_size, self.device) for n in networks]
        task, classes = self.config.task, self.config.classes
        calibrated = all(member.temperature is not None for member in self.members)
        predictions = Predictions(
            tuple(corruptions),
            outputs[0].ids,
            outputs[0].targets.numpy(),
            tuple(
                each.values(task, training, member.temperature)
                for each, member in zip(outputs, self.members, strict=True)
            ),
            task,
            classes,
            chosen,
            corrupter.clips,
            repaired.flagged,
            repaired.regenerated,
            training.one_vs_rest,
            tuple(each.values(task, training) for each in outputs) if calibrated else (),
            self._classical(repaired, outputs[0].ids),
        )
        return predictions.averaged if self.ensemble else predictions

    def _classical(self, repaired: Repaired, ids: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        """Return what the classical models predict of the same clips, in the order of ``ids``."""
        if self.baselines is None:
            return {}
        manifest = repaired.samples.manifest
        clips = tuple(manifest.clip(clip_id) for clip_id in ids)
        pooled = replace(repaired.pooled, clips=clips)
        return {model.name: model(pooled) for model in self.baselines.models}

    def transformed(self, corruptions: Corruptions, seed: int) -> Samples:
        """Return the clips corrupted and repaired, as the networks read them under a condition."""
        return self._repaired(self._corrupter(corruptions, seed), self.repair).samples

    def transformed_clip(self, clip: Clip, corruptions: Corruptions, seed: int) -> Repaired:
        """Return one clip corrupted and repaired, as the networks read it in its split.

        The evaluator holds all clips of the corpus; this one need not have a label.
        """
        manifest = self.samples.manifest
        others = tuple(filter(manifest.is_labelled, manifest.split(clip.split)))
        split = replace(self.samples, clips=others)
        corrupter = Corrupter(tuple(corruptions), seed, split)
        single = replace(self.samples, clips=(clip,)).then(corrupter)
        return self.repair_factory.repaired(single, self.repair, corrupter)

    def _corrupter(self, corruptions: Corruptions, seed: int) -> Corrupter:
        return Corrupter(tuple(corruptions), seed, self.samples)

    def _repaired(self, corrupter: Corrupter, repair: RepairConfig) -> Repaired:
        noisy = self.samples
        if corrupter.corruptions:
            noisy = _kept(noisy.then(corrupter), self.config)
        if self.renormalises and self.normaliser is not None:
            noisy = self.normaliser.renormalised(noisy, self.repair_factory.standardiser)
        size = self.config.train.batch_size
        return self.repair_factory.repaired(noisy, repair, corrupter, size=size)


def _baselines(run: Path, member: Run) -> ClassicalModels | None:
    """Read the baselines of a run; they have to fit its features and classes."""
    models, config = read_models(run), member.config
    for each in () if models is None else models.models:
        functionals = each.functionals
        width = sum(d * (1 if m in functionals.vectors else 3) for m, d in config.dims.items())
        if (each.model.task, each.model.classes) != (config.task, len(config.classes)) or (
            len(functionals.mean) != width
        ):
            what = "its classical models are of other features or classes"
            raise RunError(what, where=run / BASELINES, hint=RESTORE)
    return models


def _instead(corpus: Manifest) -> str:
    """Say what to do in place of evaluating what was learnt from."""
    if any(map(corpus.is_labelled, corpus.split("test"))):
        return "choose --split test"
    other = "name a --manifest with other clips, or train with --set train.refit=false"
    return f"the corpus has no labelled test clip: {other}"


def _learnt(corpus: Manifest, stores: Mapping[str, StoredFeature]) -> Samples:
    """Return the labelled clips of the train split, of which there may be none."""
    return Samples(corpus, tuple(filter(corpus.is_labelled, corpus.split("train"))), stores)


def _kept(samples: Samples, config: RunConfig) -> Samples:
    return CachedSamples.through(samples, FeatureCache(config.train.cache_mb << 20))


def _equal(a: Mapping[str, NDArray[np.float32]], b: Mapping[str, NDArray[np.float32]]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)
