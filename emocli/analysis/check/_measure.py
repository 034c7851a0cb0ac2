"""Flags of the modality check counted in corrupted clips, over the level of noise."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emocli.analysis._subject import Subject
from emocli.analysis.check._report import CheckReport, Point, Rates, Roc
from emocli.data.arrays import Reals
from emocli.errors import StoreError
from emocli.plugin.analysis import PlaceReport, Progress
from emocli.plugin.analysis.networks import Samples
from emocli.plugin.robustness import CorruptionSpec
from emocli.robust.check.model import ModalityCheck
from emocli.robust.check.settings import CheckConfig, configure
from emocli.robust.corrupt import Corrupter
from emocli.training.fit_cca import fitted

Flags = Mapping[str, Reals]
"""Modality to 1 where it is not trusted, 0 where it is trusted, NaN where a clip lacks it."""

OTHERS = "shuffle"
"""Another clip's features: no anomaly but that they do not belong."""

PROTOCOL = "m3er75"
"""By which modalities that are not trusted, and truly corrupted ones, are counted."""

PAPER_PRESETS = ("literal", "paper")
"""Presets the check is compared with, fitted on the same clips."""

BATCH = 64


def measured(
    about: PlaceReport,
    place: Path,
    parts: Sequence[Subject],
    levels: Sequence[str],
    seed: int,
    progress: Progress,
) -> CheckReport:
    """Corrupt one modality after the other at every level, and count what the checks flag.

    Raises
    ------
    EmocliError
        If there is no check, its folds differ, or the clips have but one modality.
    """
    folds = [_FittedChecks.of(subject) for subject in parts]
    settings = _settings(place, folds)
    modalities = _modalities(folds)
    if len(modalities) < 2:
        what = f"clips of split '{about.split}' have {', '.join(modalities) or 'nothing'} alone"
        raise StoreError(what, where=place, hint="choose another with --split")
    cases = [(m, level, CorruptionSpec(m, strength=level)) for m in modalities for level in levels]
    cases += [(m, OTHERS, CorruptionSpec(m, OTHERS)) for m in modalities]
    points = []
    for index, (modality, level, spec) in enumerate(cases):
        progress(index, len(cases))
        corrupted = [fold.subject.corrupted(spec, seed) for fold in folds]
        noisy = [samples for samples, _ in corrupted]
        points.append(
            Point(
                modality=modality,
                level=level,
                snr_db=_decibel(corrupted[0][1]),
                rates={n: _rates(_flagged(folds, n, noisy), modality) for n in settings},
                roc=_roc(folds, noisy, modality),
            )
        )
    progress(len(cases), len(cases))
    clean = [fold.clips for fold in folds]
    return CheckReport(
        **vars(about),
        n=sum(map(len, clean)),
        corruption_seed=seed,
        modalities=tuple(modalities),
        settings={name: config.model_dump() for name, config in settings.items()},
        clean={name: _shares(_flagged(folds, name, clean)) for name in settings},
        points=tuple(points),
        protocol=PROTOCOL,
        confusion={name: _confusion(folds, name, modalities, seed) for name in settings},
    )


@dataclass(frozen=True)
class _FittedChecks:
    """A subject, the checks that are compared on it, and the evidence in its clean clips."""

    subject: Subject
    checks: Mapping[str, ModalityCheck]
    evidence: Mapping[str, Reals]

    @classmethod
    def of(cls, subject: Subject) -> _FittedChecks:
        own = subject.repair_factory.check
        train, valid = subject.split("train"), subject.split("valid")
        paper_settings = {
            preset: fitted(train, valid, configure(preset, {})) for preset in PAPER_PRESETS
        }
        return cls(subject, {"fitted": own, **paper_settings}, _evidence(own, subject.clips))

    @property
    def clips(self) -> Samples:
        return self.subject.clips


def _settings(place: Path, folds: Sequence[_FittedChecks]) -> dict[str, CheckConfig]:
    """Return the settings of the checks.

    Raises
    ------
    StoreError
        If the folds' checks have different ones.
    """
    first, *others = ({n: c.config for n, c in fold.checks.items()} for fold in folds)
    if any(other != first for other in others):
        what = "the modality checks of its folds have different settings"
        raise StoreError(what, where=place, hint="run emocli fit-cca --folds again")
    return first


def _flagged(folds: Sequence[_FittedChecks], name: str, samples: Sequence[Samples]) -> Flags:
    """Tell which modalities are there but not effective, (n,) each, fold after fold."""
    parts = [
        {
            m: np.where(view.observed.numpy(), ~effective[m], np.nan)
            for m, view in batch.views.items()
        }
        for fold, own in zip(folds, samples, strict=True)
        for batch in own.batches(BATCH)
        for effective in [fold.checks[name].effective(batch.views)]
    ]
    return {m: np.concatenate([part[m] for part in parts]) for m in parts[0]}


def _modalities(folds: Sequence[_FittedChecks]) -> list[str]:
    """Return the modalities that at least one of the clips has."""
    lacking = [fold.clips.missing() for fold in folds]
    total = sum(len(fold.clips) for fold in folds)
    return [m for m in folds[0].clips.stores if sum(own[m] for own in lacking) < total]


def _shares(flags: Flags) -> dict[str, float]:
    """Return the share of the clips that have a modality in which it is not trusted."""
    return {m: float(np.nanmean(x)) for m, x in flags.items() if not np.isnan(x).all()}


def _rates(flags: Flags, modality: str) -> Rates:
    """Return the true positive rate of a corrupted modality, and the mean of the others' rates."""
    shares = _shares(flags)
    clean = [share for m, share in shares.items() if m != modality]
    return Rates(tpr=shares[modality], fpr=float(np.mean(clean)))


def _evidence(check: ModalityCheck, samples: Samples) -> dict[str, Reals]:
    """Measure the evidence for each modality, (n, 2) each, the more the higher.

    How far its best score with another one is above the threshold, and how usual it is by itself,
    where that counts.
    """
    evidence: dict[str, list[Reals]] = {m: [] for m in samples.stores}
    for batch in samples.batches(BATCH):
        scores, anomalies = check.scores(batch.views), check.anomaly(batch.views)
        for modality, parts in evidence.items():
            above = [rho - check.pairs[p].tau for p, rho in scores.items() if modality in p]
            best = np.max(np.nan_to_num(above, nan=-np.inf), axis=0)
            own = -anomalies[modality] * (check.config.outliers != "none")
            known = ~np.isnan(own) & np.isfinite(best)
            parts.append(np.stack([best, own], axis=1)[known])
    return {m: np.concatenate(parts) for m, parts in evidence.items()}


def _roc(folds: Sequence[_FittedChecks], noisy: Sequence[Samples], modality: str) -> Roc:
    """Compute the ROC curve over the limits of the check.

    A clip is as suspicious as the rarer of its two pieces of evidence is among the clean clips of
    its fold.
    """
    rarities = []
    for fold, own in zip(folds, noisy, strict=True):
        clean = fold.evidence[modality]
        corrupted = _evidence(fold.checks["fitted"], own)[modality]
        rarities.append((_rarity(clean, clean), _rarity(corrupted, clean)))
    sides = [np.concatenate(parts) for parts in zip(*rarities, strict=True)]
    steps = np.unique(np.concatenate([[0.0], *sides, [1.0]]))
    fpr, tpr = (np.array([0.0, *((rarity <= step).mean() for step in steps)]) for rarity in sides)
    area = float(np.sum(np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2))
    return Roc(fpr=tuple(fpr.tolist()), tpr=tuple(tpr.tolist()), area=area)


def _rarity(evidence: Reals, known: Reals) -> Reals:
    """Return the share of the known that has no more of the rarer of two pieces of evidence."""
    pairs = zip(np.sort(known, axis=0).T, evidence.T, strict=True)
    ranks = [np.searchsorted(column, x, side="right") for column, x in pairs]
    return np.asarray(np.min(ranks, axis=0) / len(known))


def _confusion(
    folds: Sequence[_FittedChecks], name: str, modalities: Sequence[str], seed: int
) -> dict[str, dict[str, int]]:
    """Count clips by corrupted and by not trusted modality: a confusion matrix."""
    counts: Counter[tuple[str, str]] = Counter()
    for fold in folds:
        noisy, corrupter = fold.subject.corrupted(CorruptionSpec.read(PROTOCOL), seed)
        flags = _flagged([fold], name, [noisy])
        for index, clip in enumerate(noisy.clips):
            flagged = [m for m, x in flags.items() if x[index] == 1]
            counts[_named(sorted(corrupter.corrupted(clip.id))), _named(flagged)] += 1
    names = ["none", *modalities]
    columns = [*names, "several"]
    return {row: {column: counts[row, column] for column in columns} for row in names}


def _named(modalities: Sequence[str]) -> str:
    if len(modalities) > 1:
        return "several"
    return modalities[0] if modalities else "none"


def _decibel(corrupter: Corrupter) -> float | None:
    ratio = corrupter.corruptions[0].ratio
    return None if ratio is None else round(10 * math.log10(ratio), 6)
