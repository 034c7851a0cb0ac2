"""Summaries of the scores of several seeds under one condition, in plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.metrics.metrics import Figures, Scores
from emocli.metrics.statistics import Interval, cluster_bootstrap, spread


def summarise(
    scores: Sequence[Scores], seeds: Sequence[int], groups: Sequence[str]
) -> dict[str, Any]:
    """Put the seeds together.

    Parameters
    ----------
    scores : sequence of Scores
        Of each seed, on the same clips.
    seeds : sequence of int
        The seeds.
    groups : sequence of str
        What each clip belongs to, for the interval.

    Returns
    -------
    dict
        Every metric's mean and, for several seeds, ``<metric>_std``; ``accuracy_ci`` (95 %, over
        groups of clips; where they are too few there is none, but ``accuracy_ci_clips``);
        ``per_class`` (means), ``confusion`` (summed over the seeds), ``by_seed``, and
        ``undefined``: the classes for which a metric is not defined in some seed.
    """
    overall = means([s.overall for s in scores])
    names = list(scores[0].per_class)
    return {
        **overall,
        **bounded("accuracy_ci", cluster_bootstrap(mean_hits(scores), groups)),
        "per_class": {name: means([s.per_class[name] for s in scores]) for name in names},
        "confusion": np.sum([s.confusion for s in scores], axis=0).tolist(),
        "by_seed": [{"seed": k, **s.overall} for k, s in zip(seeds, scores, strict=True)],
        "undefined": _undefined(scores),
    }


def compare(
    clean: Sequence[Scores], corrupted: Sequence[Scores], groups: Sequence[str]
) -> dict[str, Any]:
    """Compare two conditions on the same clips: what the accuracy gains, paired by clip."""
    gain = cluster_bootstrap(mean_hits(corrupted) - mean_hits(clean), groups)
    return {"accuracy": gain.mean, **bounded("accuracy_ci", gain), "p": gain.p}


def mean_hits(scores: Sequence[Scores]) -> NDArray[np.float64]:
    """Return what each clip adds to the accuracy, mean over the seeds, shape (n,)."""
    hits: NDArray[np.float64] = np.mean([s.hits for s in scores], axis=0)
    return hits


def means(seeds: Sequence[Figures]) -> Figures:
    """Mean of each metric and, of several seeds, its spread as ``<metric>_std``."""
    spreads = {name: spread([seed[name] for seed in seeds]) for name in seeds[0]}
    values = {name: s.mean for name, s in spreads.items()}
    if len(seeds) > 1:
        values |= {f"{name}_std": s.std for name, s in spreads.items() if name != "n"}
    return values


def bounds(interval: Interval) -> list[float]:
    """Return the bounds of an interval."""
    return [interval.low, interval.high]


def bounded(name: str, interval: Interval, scale: float = 1.0) -> dict[str, list[float]]:
    """Return the bounds under a name, and those over clips under ``<name>_clips`` if need be."""
    named = {name: [scale * bound for bound in bounds(interval)]}
    if interval.clips is not None:
        named[f"{name}_clips"] = [scale * bound for bound in interval.clips]
    return named


def told(interval: Interval) -> dict[str, Any]:
    """Return an interval in plain values: ``mean``, ``ci`` (perhaps ``ci_clips``) and ``p``."""
    return {"mean": interval.mean, **bounded("ci", interval), "p": interval.p}


def _undefined(scores: Sequence[Scores]) -> dict[str, list[str]]:
    undefined: dict[str, dict[str, None]] = {}
    for seed in scores:
        for metric, classes in seed.undefined.items():
            undefined.setdefault(metric, {}).update(dict.fromkeys(classes))
    return {metric: list(classes) for metric, classes in undefined.items()}
