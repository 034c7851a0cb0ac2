"""The clips of a run, of its folds, or of a store, for analyses that need no network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from emocli.data.filenames import corpus_part
from emocli.data.manifest import Manifest
from emocli.data.standardise import OUTLIERS, Standardiser
from emocli.data.store import check_path, open_features
from emocli.errors import ConfigError
from emocli.models.rundir import CONFIG, folds
from emocli.plugin.analysis import Split
from emocli.plugin.analysis.networks import Samples, open_evaluator
from emocli.plugin.robustness import CorruptionSpec
from emocli.robust.check.io import load_check
from emocli.robust.corrupt import Corrupter
from emocli.robust.repair import RobustConfig
from emocli.robust.repair_factory import RepairFactory


@dataclass(frozen=True)
class Subject:
    """Clips, standardised, and what repairs of them need.

    Attributes
    ----------
    clips : Samples
        What is looked at.
    repair_factory : RepairFactory
        The check, and the train split.
    other : str
        What to call the corpus in the names of reports; empty if it is that of the run, or the one
        that the store's check was fitted on.
    """

    clips: Samples
    repair_factory: RepairFactory
    other: str

    def split(self, name: Split) -> Samples:
        """Return another split, standardised alike."""
        manifest, stores = self.clips.manifest, self.clips.stores
        return Samples.of(manifest, name, stores).then(self.repair_factory.standardiser)

    def corrupted(self, corruption: CorruptionSpec, seed: int) -> tuple[Samples, Corrupter]:
        """Corrupt the clips."""
        corrupter = Corrupter((corruption.on(self.clips.stores),), seed, self.clips)
        return self.clips.then(corrupter), corrupter


def subjects(
    place: Path, split: Split, manifest: Path | None, store: Path | None
) -> tuple[Subject, ...]:
    """Open a run, or each fold of a cross-validation; or a store, whose clips a manifest names.

    Raises
    ------
    EmocliError
        If it is none of these, or its parts do not fit each other.
    """
    if (place / CONFIG).is_file() or folds(place):
        evaluator = open_evaluator(place, split, manifest, store)
        return tuple(
            Subject(part.samples, part.repair_factory, part.other) for part in evaluator.parts
        )
    if not place.is_dir():
        raise ConfigError("there is no such run or store", where=place)
    if manifest is None:
        what = "is no run; of a store, the clips are in a manifest"
        raise ConfigError(what, where=place, hint="name it with --manifest")
    corpus = Manifest.read(manifest)
    return (_of_store(place, split, corpus),)


def _of_store(store: Path, split: Split, corpus: Manifest) -> Subject:
    stores = open_features(store, None, corpus)
    train = Samples.of(corpus, "train", stores)
    path = check_path(store)
    check = load_check(path) if path.is_file() else None
    outliers = check.config.clip_outliers if check else OUTLIERS
    standardiser = Standardiser.fit(train, outliers)
    clips = Samples.of(corpus, split, stores).then(standardiser)
    learnt = tuple(clip.id for clip in train.clips)
    own = check is None or check.provenance is None or check.provenance.ids == learnt
    repair_factory = RepairFactory(path, standardiser, RobustConfig(), train, outliers)
    return Subject(clips, repair_factory, "" if own else corpus_part(corpus, stores))
