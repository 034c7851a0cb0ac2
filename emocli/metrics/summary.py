"""Summaries of the scores of several seeds under one condition, and of the change between two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emocli.data.json_io import EXTRA, OPTIONAL
from emocli.data.record import Bounds, Number, Record
from emocli.metrics.metrics import Metrics, Scores
from emocli.metrics.statistics import Interval, cluster_bootstrap, spread


@dataclass(frozen=True, kw_only=True)
class SeedMetrics(Record):
    """The metrics of one seed."""

    seed: int
    metrics: Mapping[str, Number] = field(metadata=EXTRA)


@dataclass(frozen=True, kw_only=True)
class Summary(Record):
    """The scores of all seeds under one condition.

    Attributes
    ----------
    metrics : mapping
        Every metric's mean and, for several seeds, ``<metric>_std``.
    accuracy_ci, accuracy_ci_clips : (float, float)
        95 % interval of the accuracy over groups of clips; where these are too few it is NaN, and
        the other one is over clips.
    per_class : mapping
        Class to its metrics, means over the seeds.
    confusion : tuple of tuple of int, shape (C, C)
        Counts of reference (row) and prediction (column), summed over the seeds.
    by_seed : tuple of SeedMetrics
        Each seed by itself.
    undefined : mapping
        Metric to the classes for which it is not defined in some seed.
    """

    metrics: Mapping[str, Number] = field(metadata=EXTRA)
    accuracy_ci: Bounds
    accuracy_ci_clips: Bounds | None = field(default=None, metadata=OPTIONAL)
    per_class: Mapping[str, Mapping[str, Number]]
    confusion: tuple[tuple[int, ...], ...]
    by_seed: tuple[SeedMetrics, ...]
    undefined: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Difference(Record):
    """The change of the accuracy from one condition to another, on the same clips.

    Attributes
    ----------
    accuracy : float
        What it gains.
    accuracy_ci, accuracy_ci_clips : (float, float)
        Its intervals, as in `Summary`.
    p : float
        Two-sided p-value of no change.
    """

    accuracy: Number
    accuracy_ci: Bounds
    accuracy_ci_clips: Bounds | None = field(default=None, metadata=OPTIONAL)
    p: Number


@dataclass(frozen=True, kw_only=True)
class Estimate(Record):
    """A mean over clips, its intervals over groups (`ci`) and over clips, and its p-value."""

    mean: Number
    ci: Bounds
    ci_clips: Bounds | None = field(default=None, metadata=OPTIONAL)
    p: Number

    @classmethod
    def of(cls, interval: Interval) -> Estimate:
        """Return what a report has of an interval."""
        return cls(mean=interval.mean, ci=interval.bounds, ci_clips=interval.clips, p=interval.p)


def summarise(scores: Sequence[Scores], seeds: Sequence[int], groups: Sequence[str]) -> Summary:
    """Put the seeds together.

    Parameters
    ----------
    scores : sequence of Scores
        Of each seed, on the same clips.
    seeds : sequence of int
        The seeds.
    groups : sequence of str
        What each clip belongs to, for the interval.
    """
    interval = cluster_bootstrap(mean_hits(scores), groups, share=True)
    counts = np.sum([s.confusion for s in scores], axis=0)
    return Summary(
        metrics=means([s.overall for s in scores]),
        accuracy_ci=interval.bounds,
        accuracy_ci_clips=interval.clips,
        per_class={
            name: means([s.per_class[name] for s in scores]) for name in scores[0].per_class
        },
        confusion=tuple(map(tuple, counts.tolist())),
        by_seed=tuple(
            SeedMetrics(seed=seed, metrics=s.overall) for seed, s in zip(seeds, scores, strict=True)
        ),
        undefined=_undefined(scores),
    )


def compare(
    clean: Sequence[Scores], corrupted: Sequence[Scores], groups: Sequence[str]
) -> Difference:
    """Compare two conditions on the same clips: what the accuracy gains, paired by clip."""
    gain = cluster_bootstrap(mean_hits(corrupted) - mean_hits(clean), groups)
    return Difference(
        accuracy=gain.mean, accuracy_ci=gain.bounds, accuracy_ci_clips=gain.clips, p=gain.p
    )


def mean_hits(scores: Sequence[Scores]) -> NDArray[np.float64]:
    """Return what each clip adds to the accuracy, mean over the seeds, shape (n,)."""
    hits: NDArray[np.float64] = np.mean([s.hits for s in scores], axis=0)
    return hits


def means(seeds: Sequence[Metrics]) -> Metrics:
    """Mean of each metric and, of several seeds, its spread as ``<metric>_std``."""
    spreads = {name: spread([seed[name] for seed in seeds]) for name in seeds[0]}
    values = {name: s.mean for name, s in spreads.items()}
    if len(seeds) > 1:
        values |= {f"{name}_std": s.std for name, s in spreads.items() if name != "n"}
    return values


def _undefined(scores: Sequence[Scores]) -> dict[str, tuple[str, ...]]:
    undefined: dict[str, dict[str, None]] = {}
    for seed in scores:
        for metric, classes in seed.undefined.items():
            undefined.setdefault(metric, {}).update(dict.fromkeys(classes))
    return {metric: tuple(classes) for metric, classes in undefined.items()}
