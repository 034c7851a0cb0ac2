"""The fit of the modality check on a store's features: on the train split, and tau on valid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emocli.config import Tree
from emocli.data.durable import write_lock
from emocli.data.manifest import Manifest
from emocli.data.pool import Progress
from emocli.data.store import check_path, open_features
from emocli.display import number_of
from emocli.errors import ConfigError
from emocli.training.data_warnings import number_warnings

if TYPE_CHECKING:
    from emocli.data.batch import Padded
    from emocli.data.samples import Samples
    from emocli.plugin.robustness import CorruptionSpec
    from emocli.robust.check.model import ModalityCheck
    from emocli.robust.check.settings import CheckConfig


BATCH = 64
"""Clips that are read at once; only their vectors are kept."""


@dataclass(frozen=True)
class PairSummary:
    """The fit of two modalities: canonical correlations on train, largest first, and tau.

    ``tau`` is the threshold of their score; ``n_train`` and ``n_valid`` clips have both.
    """

    modalities: tuple[str, str]
    correlations: tuple[float, ...]
    tau: float
    n_train: int
    n_valid: int


@dataclass(frozen=True)
class CheckSummary:
    """The report of a fit: the check that was written, and its pairs.

    Attributes
    ----------
    score : str
        How the agreement of two modalities is measured.
    limits : mapping
        Modality to the highest anomaly of its features alone; empty where that does not count.
    left_out : mapping
        Modality to the training clips that were held to be corrupted, of a fit on clips as given.
    warnings : tuple of str
        Doubts about the features and the check, a line each.
    """

    path: Path
    score: str
    pairs: tuple[PairSummary, ...]
    limits: dict[str, float]
    left_out: dict[str, int]
    warnings: tuple[str, ...]


def fit_cca(
    manifest: Manifest,
    store: Path,
    features: Sequence[str] | None = None,
    preset: str = "plus",
    settings: Tree | None = None,
    corrupt: str | CorruptionSpec | Iterable[str | CorruptionSpec] = (),
    corruption_seed: int = 0,
    progress: Progress = lambda done, total: None,
) -> CheckSummary:
    """Fit the modality check and write it to ``store/check.h5``, or to the fold's own file.

    One that is fitted on clips as given has a file of its own, ``store/check_as_given.h5``.

    Parameters
    ----------
    manifest : Manifest
        The corpus, perhaps folded; test clips are not read.
    features : sequence of str, optional
        One per modality, ``a+b`` for several side by side; by default all in the store.
    preset : {'literal', 'paper', 'plus'}
        The paper as printed, as it can be read, or improved: the default, for the paper's score
        does not tell noise from features of real corpora.
    settings : mapping, optional
        ``{"check": {...}}``, what deviates from the preset.
    corrupt : str, CorruptionSpec or iterable of these
        With ``check.fit_on = as_given``, what has happened to the clips.
    corruption_seed : int
        Of that.
    progress : callable, optional
        Told how many of how many clips are done.

    Raises
    ------
    StoreError
        If there are fewer than two modalities, or too few clips that have two of them; if another
        process is fitting this check.
    ConfigError
        For an impossible setting.
    """
    from emocli.data.samples import Samples
    from emocli.data.speakers import SpeakerNormaliser
    from emocli.data.standardise import Standardiser
    from emocli.plugin.robustness import on, read
    from emocli.robust.check.io import save_check
    from emocli.robust.check.provenance import FitProvenance
    from emocli.robust.check.settings import configure
    from emocli.robust.corrupt import Corrupter

    requested, config = read(corrupt), configure(preset, settings or {})
    if requested and config.fit_on == "clean":
        what = "the check is fitted on clean clips, corruptions have no part in it"
        raise ConfigError(what, hint="choose --set check.fit_on=as_given")
    with ExitStack() as open_files:
        stores = open_features(store, features, manifest)
        for opened in stores.values():
            open_files.enter_context(opened)
        normaliser = SpeakerNormaliser.of(config, config.clip_outliers, manifest, stores)
        stores = normaliser.features() if normaliser else stores
        path = check_path(store, manifest.fold, config.fit_on, config.normalise)
        open_files.enter_context(write_lock(path))
        train = Samples.of(manifest, "train", stores)
        valid = Samples.of(manifest, "valid", stores)
        standardiser = Standardiser.fit(train, config.clip_outliers)
        splits = {"train": train, "valid": valid}
        doubtful = tuple(number_warnings(splits, standardiser, config.clip_outliers))
        corruptions = on(requested, stores)
        train, valid = (
            samples.then(Corrupter(corruptions, corruption_seed, samples)) if requested else samples
            for samples in (train.then(standardiser), valid.then(standardiser))
        )
        check = fitted(train, valid, config, progress)
        provenance = FitProvenance(
            {modality: opened.name for modality, opened in stores.items()},
            {modality: opened.fingerprint for modality, opened in stores.items()},
            manifest.fingerprint,
            tuple(clip.id for clip in train.clips),
            standardiser,
            config.clip_outliers,
            requested,
            corruption_seed if requested else 0,
        )
        save_check(replace(check, provenance=provenance), path)
    warnings = (*_gaps(train), *_gaps(valid), *doubtful, *check.fit_warnings())
    limits = {} if config.outliers == "none" else dict(check.limits)
    left_out = dict(check.left_out)
    return CheckSummary(path, config.score, _pairs(check), limits, left_out, warnings)


def fitted(
    train: Samples,
    valid: Samples,
    config: CheckConfig,
    progress: Progress = lambda done, total: None,
) -> ModalityCheck:
    """Fit a check on standardised clips.

    Raises
    ------
    StoreError
        If there are fewer than two modalities, or too few clips that have two of them.
    """
    from emocli.robust.check.model import ModalityCheck

    total = len(train) + len(valid)
    return ModalityCheck.fit_batches(
        _views(train, progress, 0, total),
        _views(valid, progress, len(train), total),
        {m: np.array([s.length(c.id) for c in train.clips]) for m, s in train.stores.items()},
        config,
    )


def _views(
    samples: Samples, progress: Progress, done: int, total: int
) -> Iterator[Mapping[str, Padded]]:
    for batch in samples.batches(BATCH):
        yield batch.views
        done += len(batch)
        progress(done, total)


def _pairs(check: ModalityCheck) -> tuple[PairSummary, ...]:
    return tuple(
        PairSummary(
            pair.modalities,
            tuple(pair.cca.correlations.tolist()),
            pair.tau,
            pair.n_train,
            pair.n_valid,
        )
        for pair in check.pairs.values()
    )


def _gaps(samples: Samples) -> Iterator[str]:
    for modality, missing in samples.missing().items():
        if missing:
            split = samples.clips[0].split
            yield number_of(missing, f"of {len(samples)} {split} clips have no {modality} feature")
