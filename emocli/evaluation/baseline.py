"""The evaluator of a baseline of `emocli.models.baselines`, used like a `RunEvaluator`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emocli.data.cached_samples import CachedSamples, FeatureCache
from emocli.data.manifest import Manifest
from emocli.data.samples import Samples
from emocli.data.speakers import SpeakerNormaliser
from emocli.data.standardise import Standardiser
from emocli.data.store import check_path, open_features
from emocli.evaluation.predictions import Corruptions, Predictions
from emocli.models.baselines import Baseline, fit
from emocli.models.settings import TrainConfig
from emocli.plugin.robustness import TRAINED, RepairOptions
from emocli.robust.corrupt import Corrupter
from emocli.robust.repair import RepairConfig, RobustConfig
from emocli.robust.repair_factory import RepairFactory


@dataclass(frozen=True)
class BaselineEvaluator:
    """A fitted baseline, and test clips with features standardised as for networks.

    Attributes
    ----------
    baseline : Baseline
        What it is.
    samples : Samples
        The clips.
    repair_factory : RepairFactory
        Makes the repairs.
    """

    baseline: Baseline
    samples: Samples
    repair_factory: RepairFactory

    @classmethod
    def open(
        cls,
        name: str,
        corpus: Manifest,
        store: Path,
        features: Sequence[str],
        settings: TrainConfig | None = None,
    ) -> BaselineEvaluator:
        """Fit a baseline on the train split, its C on the valid split; `test_prior` on the test's.

        ``settings`` are those of the networks, of which ``outliers`` and ``normalise``
        count; by default the usual ones.

        Raises
        ------
        EmocliError
            If there is no such baseline, or a feature is absent or does not fit.
        """
        stores = open_features(store, features, corpus)
        usual = settings or TrainConfig()
        normaliser = SpeakerNormaliser.of(usual, usual.outliers, corpus, stores)
        stores = normaliser.features() if normaliser else stores
        train, valid, test = (Samples.of(corpus, s, stores) for s in ("train", "valid", "test"))
        limit = usual.outliers
        standardiser = Standardiser.fit(train, limit)
        fitted = fit(name, train.then(standardiser), valid.then(standardiser), test)
        kept = CachedSamples.through(test.then(standardiser), FeatureCache(usual.cache_mb << 20))
        place = check_path(store, corpus.fold, normalise=usual.normalise)
        repair_factory = RepairFactory(place, standardiser, RobustConfig(), train, limit)
        return cls(fitted, kept, repair_factory)

    def predict(
        self, corruptions: Corruptions, seed: int, repair: RepairOptions = TRAINED
    ) -> Predictions:
        """Return its predictions for corrupted and repaired clips; see `RunEvaluator.predict`."""
        chosen = RepairConfig().with_options(repair)
        corrupter = Corrupter(tuple(corruptions), seed, self.samples)
        noisy = self.samples.then(corrupter) if corruptions else self.samples
        repaired = self.repair_factory.repaired(noisy, chosen, corrupter)
        manifest, clips = self.samples.manifest, self.samples.clips
        return Predictions(
            corruptions=tuple(corruptions),
            ids=tuple(clip.id for clip in clips),
            targets=manifest.targets(clips),
            values=(self.baseline.predict(repaired.pooled),),
            task=manifest.task,
            classes=manifest.classes,
            repair=chosen,
            corrupted=corrupter.clips,
            flagged=repaired.flagged,
            regenerated=repaired.regenerated,
        )
