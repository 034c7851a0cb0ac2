"""Summaries of trainings: of a seed, of a run, of a cross-validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from emocli.config import Tree
from emocli.data.json_io import OPTIONAL
from emocli.metrics.statistics import Spread, spread
from emocli.training.trainer import State


@dataclass(frozen=True)
class TrainPlan:
    """The plan of a training: what would be trained, as ``--dry-run`` prints it.

    Attributes
    ----------
    fusion, preset : str
        The network, and where its settings start from.
    network, train, robust : mapping
        All settings, by section.
    features : mapping
        Modality to its feature.
    dims : mapping
        Modality to the width of its feature.
    classes : tuple of str
        What is predicted.
    parameters : int
        Numbers to learn.
    clips : mapping
        Split to its labelled clips.
    missing : mapping
        Split to the clips that lack each modality.
    notes : tuple of str
        Warnings about the data and the settings.
    trainings : int
        How many networks: one for each seed, of each fold.
    folds : int, optional
        Of a cross-validation.
    """

    fusion: str
    preset: str
    network: Tree
    train: Tree
    robust: Tree
    features: Mapping[str, str]
    dims: Mapping[str, int]
    classes: tuple[str, ...]
    parameters: int
    clips: Mapping[str, int]
    missing: Mapping[str, Mapping[str, int]]
    notes: tuple[str, ...]
    trainings: int
    folds: int | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class SeedSummary:
    """The summary of the training of one seed, with the metrics of the epoch that is kept.

    That is ``best_epoch``, without early stopping the last one. ``seconds`` is the time it took
    now: 0 if it was already trained.
    """

    seed: int
    run: Path
    state: State
    epochs: int
    best_epoch: int
    valid: dict[str, float]
    seconds: float = 0.0


@dataclass(frozen=True)
class BaselineSummary:
    """A baseline of the network: its C, chosen on the valid split, and its metrics there."""

    C: float
    valid: dict[str, float]


@dataclass(frozen=True)
class TrainSummary:
    """The summary of a training.

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
        Metric by which epochs are compared.
    valid, valid_std : mapping
        Metrics on the valid split: mean over the seeds, and their spread (for several).
    seeds : tuple of SeedSummary
        Each seed.
    refit : bool
        Whether train and valid split were learnt from, once the number of epochs was known.
    notes : tuple of str
        Warnings about the data, and whether features are normalised by speaker.
    baselines : mapping
        Classical model to what it does on the same features and splits.
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
    refit: bool
    notes: tuple[str, ...]
    baselines: dict[str, BaselineSummary]

    @property
    def parts(self) -> tuple[TrainSummary, ...]:
        """The runs of the folds of a cross-validation; this is one."""
        return (self,)

    @property
    def baseline_metrics(self) -> Mapping[str, dict[str, float]]:
        """Classical model to its metrics on the valid split."""
        return {name: baseline.valid for name, baseline in self.baselines.items()}


@dataclass(frozen=True)
class CrossSummary:
    """The summary of the trainings of a cross-validation.

    Attributes
    ----------
    run : Path
        The folder that holds a run for each fold.
    fusion, features, parameters, monitor
        As in `TrainSummary`.
    valid, valid_std : mapping
        Metrics on the valid splits, mean over the folds: mean over the seeds, and their spread.
    folds : tuple of TrainSummary
        The run of each fold.
    notes : tuple of str
        Warnings about the data, in any fold.
    baselines : mapping
        Classical model to its metrics on the valid splits, mean over the folds.
    """

    run: Path
    fusion: str
    features: dict[str, str]
    parameters: int
    monitor: str
    valid: dict[str, float]
    valid_std: dict[str, float]
    folds: tuple[TrainSummary, ...]
    notes: tuple[str, ...]
    baselines: dict[str, dict[str, float]]

    @property
    def parts(self) -> tuple[TrainSummary, ...]:
        """The run of each fold."""
        return self.folds

    @property
    def baseline_metrics(self) -> Mapping[str, dict[str, float]]:
        """Classical model to its metrics on the valid splits, mean over the folds."""
        return self.baselines


def cross_summary(run: Path, folds: Sequence[TrainSummary]) -> CrossSummary:
    """Sum up the runs of all folds."""
    first = folds[0]
    by_seed = {
        name: np.mean([[seed.valid[name] for seed in fold.seeds] for fold in folds], axis=0)
        for name in first.valid
    }
    metrics = {name: spread(values) for name, values in by_seed.items()}
    several = len(first.seeds) > 1
    return CrossSummary(
        run=run,
        fusion=first.fusion,
        features=first.features,
        parameters=first.parameters,
        monitor=first.monitor,
        valid={name: value.mean for name, value in metrics.items()},
        valid_std={name: value.std for name, value in metrics.items()} if several else {},
        folds=tuple(folds),
        notes=tuple(dict.fromkeys(note for fold in folds for note in fold.notes)),
        baselines={
            name: _means([fold.baselines[name].valid for fold in folds])
            for name in first.baselines
            if all(name in fold.baselines for fold in folds)
        },
    )


def _means(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def seed_spreads(seeds: Sequence[SeedSummary]) -> dict[str, Spread]:
    """Return the spread of each metric over the seeds."""
    return {name: spread([seed.valid[name] for seed in seeds]) for name in seeds[0].valid}
