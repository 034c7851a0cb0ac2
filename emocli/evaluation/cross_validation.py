"""The evaluator of all folds of a cross-validation, whose test clips are one test set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emocli.data.clip import Split
from emocli.data.manifest import Manifest, ManifestOrPath
from emocli.data.normalisation import TestNormalisation
from emocli.data.samples import Samples
from emocli.errors import RunError
from emocli.evaluation.evaluator import RunEvaluator
from emocli.evaluation.predictions import Corruptions, Predictions
from emocli.evaluation.run_inputs import read_corpus
from emocli.models import rundir
from emocli.models.run_config import RunConfig
from emocli.plugin.robustness import TRAINED, RepairOptions
from emocli.robust.repair import RepairConfig


@dataclass(frozen=True)
class CrossValidationEvaluator:
    """An evaluator for each fold; used like a `RunEvaluator`.

    Attributes
    ----------
    run : Path
        The folder of the folds.
    parts : tuple of RunEvaluator
        One for each.
    """

    run: Path
    parts: tuple[RunEvaluator, ...]

    @property
    def config(self) -> RunConfig:
        """Configuration of the first fold; the others differ in the fold alone."""
        return self.parts[0].config

    @property
    def repair(self) -> RepairConfig:
        """Repair of modalities that are not trusted."""
        return self.parts[0].repair

    @property
    def modalities(self) -> list[str]:
        """Modalities the run knows."""
        return self.parts[0].modalities

    @cached_property
    def samples(self) -> Samples:
        """The clips of all folds, with their features as they are in the store."""
        first = self.parts[0].samples
        clips = tuple(clip for part in self.parts for clip in part.samples.clips)
        return Samples(first.manifest, clips, first.stores)

    @property
    def normalised(self) -> str:
        """What was used of the tested speakers to normalise their features."""
        return self.parts[0].normalised

    @property
    def other(self) -> str:
        """Name of the corpus in the names of reports; empty if it is the run's own."""
        return self.parts[0].other

    def on(self, device: str) -> CrossValidationEvaluator:
        """Return the same, whose networks predict elsewhere: ``cpu`` or ``cuda``."""
        return replace(self, parts=tuple(part.on(device) for part in self.parts))

    @property
    def device(self) -> str:
        """Where the networks predict."""
        return self.parts[0].device

    def averaged(self) -> CrossValidationEvaluator:
        """Return the same, the seeds of each fold as one network.

        Of the folds' networks only those judge a clip that never saw it: none are averaged over
        folds. Errors as of `RunEvaluator.averaged`.
        """
        return replace(self, parts=tuple(part.averaged() for part in self.parts))

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds whose predictions are scored by themselves."""
        return self.parts[0].seeds

    @property
    def networks(self) -> int:
        """How many networks' predictions are averaged; 1 if none are."""
        return self.parts[0].networks

    @property
    def unlabelled(self) -> int:
        """Clips that have no label, and are left out."""
        return sum(part.unlabelled for part in self.parts)

    @property
    def fingerprints(self) -> dict[str, str]:
        """Fold and seed to the digest of the model."""
        return {
            f"{part.run.name}/{seed}": digest
            for part in self.parts
            for seed, digest in part.fingerprints.items()
        }

    @property
    def clipped(self) -> dict[str, int]:
        """Modality to the numbers that were beyond the limits of the training's."""
        return {m: sum(part.clipped[m] for part in self.parts) for m in self.modalities}

    def prior(self) -> NDArray[np.float64] | None:
        """Return the frequencies of classes in the fold's train split, for every clip, (n, C)."""
        priors = [part.prior() for part in self.parts]
        return np.concatenate([values for values in priors if values is not None])

    def predict(
        self, corruptions: Corruptions, seed: int, repair: RepairOptions = TRAINED
    ) -> Predictions:
        """Return the predictions of each fold for its own clips, put together."""
        return Predictions.joined([part.predict(corruptions, seed, repair) for part in self.parts])


@dataclass(frozen=True)
class FoldEnsembleEvaluator(CrossValidationEvaluator):
    """All folds' networks as one, on clips of a corpus that none of them has seen."""

    @cached_property
    def samples(self) -> Samples:
        """The clips."""
        return self.parts[0].samples

    @property
    def seeds(self) -> tuple[int, ...]:
        """The first seed, which stands for all."""
        return self.config.seeds[:1]

    @property
    def networks(self) -> int:
        """How many networks' predictions are averaged."""
        return sum(len(part.members) for part in self.parts)

    @property
    def unlabelled(self) -> int:
        """Clips that have no label, and are left out."""
        return self.parts[0].unlabelled

    @property
    def clipped(self) -> dict[str, int]:
        """Modality to the numbers beyond the limits of the first fold's training."""
        return self.parts[0].clipped

    def prior(self) -> None:
        """Return nothing: it is another corpus."""

    def predict(
        self, corruptions: Corruptions, seed: int, repair: RepairOptions = TRAINED
    ) -> Predictions:
        """Return the mean of what all of them predict."""
        parts = [part.predict(corruptions, seed, repair) for part in self.parts]
        return Predictions.together(parts).averaged


Evaluator = RunEvaluator | CrossValidationEvaluator
"""The evaluator of one run, or of all folds."""


def open_evaluator(
    run: Path,
    split: Split,
    manifest: ManifestOrPath | None,
    store: Path | None,
    repair: RepairOptions = TRAINED,
    ensemble: bool = False,
    normalise: TestNormalisation | None = None,
) -> Evaluator:
    """Open a run, or all folds of a cross-validation; see `RunEvaluator.open`.

    With ``ensemble`` the networks of all seeds are one; and on another corpus than their own, so
    are those of all folds.

    Raises
    ------
    EmocliError
        If something is absent, damaged, or does not fit.
    """
    folders = rundir.folds(run)
    if not folders:
        evaluator = RunEvaluator.open(run, split, manifest, store, repair, normalise)
        return evaluator.averaged() if ensemble else evaluator
    if split == "train":
        what = "clips are in the train split of several folds"
        raise RunError(what, where=run, hint=f"name one of them, {folders[0]}")
    how = (split, manifest, store, repair, normalise)
    parts = tuple(RunEvaluator.open(folder, *how) for folder in folders)
    if ensemble and all(part.other for part in parts):
        return FoldEnsembleEvaluator(run, parts)
    _check(run, parts)
    folds = CrossValidationEvaluator(run, parts)
    return folds.averaged() if ensemble else folds


def open_tester(
    run: Path, clip: str, manifest: Path | None, store: Path | None, repair: RepairOptions = TRAINED
) -> RunEvaluator:
    """Open a run, or the fold of a cross-validation that a clip tests, on all clips.

    Raises
    ------
    EmocliError
        If something is absent, damaged, or does not fit.
    """
    return RunEvaluator.open(_tester(run, clip, manifest), None, manifest, store, repair)


def _tester(run: Path, clip: str, manifest: Path | None) -> Path:
    """Return the fold of a cross-validation that tests a clip; of another run the run itself."""
    for folder in rundir.folds(run):
        config = rundir.read_config(folder)
        corpus = read_corpus(folder, config, manifest)
        _require_own_corpus(run, folder, config, corpus)
        if corpus.clip(clip).split == "test":
            return folder
    return run


def _require_own_corpus(run: Path, folder: Path, config: RunConfig, corpus: Manifest) -> None:
    """Refuse a fold of another corpus than the one it is tried on.

    Raises
    ------
    RunError
        If it is one.
    """
    if config.manifest.fingerprint != corpus.fingerprint:
        what = "the folds are those of another corpus"
        hint = f"name one of them, {folder}, or evaluate all as one with --ensemble"
        raise RunError(what, where=run, hint=hint)


def _check(run: Path, parts: Sequence[RunEvaluator]) -> None:
    """Refuse folds that are not those of one cross-validation of one corpus.

    Raises
    ------
    RunError
        If they are not.
    """
    first = parts[0].config
    for index, part in enumerate(parts):
        config = part.config
        _require_own_corpus(run, part.run, config, part.samples.manifest)
        fold = config.fold
        own: dict[str, object] = {"fold": fold, "labels": config.labels, "check": config.check}
        if config.tuned and first.tuned:
            own |= {"network": config.network, "train": config.train}
        other = first.model_copy(update=own)
        expected = None if fold is None else fold.model_copy(update={"index": index})
        difference = other.differs(config) or (None if fold == expected else "another fold")
        if difference or config.seeds != first.seeds:
            what = f"{part.run.name} was trained with {difference or 'other seeds'} than the others"
            hint = "repeat the training command"
            raise RunError(what, where=run, hint=hint)
