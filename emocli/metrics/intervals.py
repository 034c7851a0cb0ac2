"""Intervals of all metrics of some predictions, and of what they differ by on two sets of clips.

The samples are those of `emocli.metrics.statistics`: whole speakers or dialogues are drawn, and
every metric is computed anew in each sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.arrays import Reals
from emocli.data.json_io import OPTIONAL
from emocli.data.record import Bounds, Number, Record
from emocli.metrics.paired import blocks, summed
from emocli.metrics.statistics import FEWEST, bounds, drawn, members
from emocli.metrics.sums import SumMetric

NONE = (float("nan"), float("nan"))
"""The bounds of no interval."""

EXACT = (
    "where all that are drawn are right, or all are wrong, a share has the bounds of Clopper and "
    "Pearson for as many"
)
"""What is said where bounds are `emocli.metrics.statistics.exact`."""

ALIKE = "where all that are drawn have the same value, there is no interval: so has every draw"
"""What is said where a metric has none although there are clips enough."""


@dataclass(frozen=True, kw_only=True)
class MetricInterval(Record):
    """A metric, mean over the seeds, and what other speakers or dialogues would change.

    Attributes
    ----------
    value : float
        The metric, or the difference of two.
    ci, ci_clips : (float, float)
        Its 95 % interval over groups of clips; where these are too few it is NaN, and the other one
        is over clips. Both are NaN where all draws are alike, but for shares of the clips, which
        then have `exact` bounds.
    """

    value: Number
    ci: Bounds
    ci_clips: Bounds | None = field(default=None, metadata=OPTIONAL)

    @classmethod
    def of(cls, value: float, ci: Bounds, ci_clips: Bounds | None = None) -> MetricInterval:
        """Put a value and its bounds together."""
        return MetricInterval(value=value, ci=ci, ci_clips=ci_clips)

    @property
    def shown(self) -> Bounds:
        """The interval that there is."""
        return self.ci_clips or self.ci

    @property
    def is_exact(self) -> bool:
        """Whether a metric of 0 or 1 (no difference) has bounds, which draws do not give it."""
        low, high = self.shown
        return low < high and (self.value == low == 0 or self.value == high == 1)


def metric_intervals(
    metrics: Mapping[str, SumMetric],
    targets: NDArray[Any],
    predictions: Sequence[NDArray[Any]],
    groups: Sequence[str],
) -> dict[str, MetricInterval]:
    """Return metrics with their intervals.

    Parameters
    ----------
    metrics : mapping
        Those of the task: `emocli.metrics.sums.sum_metrics`.
    targets : ndarray, shape (n,) or (n, C)
        The labels.
    predictions : sequence of ndarray, each of shape (n, C)
        Of each seed.
    groups : sequence of str, length n
        What each clip is drawn with.
    """
    return _of(metrics, targets, predictions, groups)


def gap_intervals(
    metrics: Mapping[str, SumMetric],
    targets: NDArray[Any],
    predictions: Sequence[NDArray[Any]],
    groups: Sequence[str],
    above: NDArray[np.bool_],
) -> dict[str, MetricInterval]:
    """Return each metric of some clips less that of the others, with the difference's interval.

    Whole speakers or dialogues are drawn, whichever of the two sides their clips are on. The
    parameters are as in `metric_intervals`; ``above`` (n,) marks the clips of the first side.
    """
    return _of(
        {name: _difference(metric) for name, metric in metrics.items()},
        *(targets, predictions, groups, above),
    )


def _difference(metric: SumMetric) -> SumMetric:
    """Return the metric of the first half of the sums less that of the second."""

    def value(sums: Reals) -> Reals:
        first, second = np.split(sums, 2, axis=-1)
        return np.asarray(metric.value(first) - metric.value(second))

    return replace(metric, value=value, share=False)


def remarks(
    metrics: Iterable[MetricInterval], clips: int, differences: Iterable[MetricInterval] = ()
) -> Iterator[str]:
    """Say which bounds of metrics of so many clips are `exact`, and why some are missing.

    Those of differences, which are no shares, never are. Of fewer than `FEWEST` clips there are
    none, and `emocli.metrics.statistics.warnings` says so.
    """
    if clips < FEWEST:
        return
    own, others = ([e for e in side if not np.isnan(e.value)] for side in (metrics, differences))
    if any(each.is_exact for each in own):
        yield EXACT
    if any(np.isnan(each.shown).any() for each in (*own, *others)):
        yield ALIKE


def _of(
    metrics: Mapping[str, SumMetric],
    targets: NDArray[Any],
    predictions: Sequence[NDArray[Any]],
    groups: Sequence[str],
    above: NDArray[np.bool_] | None = None,
) -> dict[str, MetricInterval]:
    """Collect the metrics that are functions of the same sums, and sample those once."""
    by_terms: dict[Any, dict[str, SumMetric]] = {}
    for name, metric in metrics.items():
        by_terms.setdefault(metric.terms, {})[name] = metric
    results: dict[str, MetricInterval] = {}
    for terms, own in by_terms.items():
        each = [terms(targets, np.asarray(p, np.float64)) for p in predictions]
        if above is not None:
            each = [_sides(clips, above) for clips in each]
        results |= _sampled(own, each, groups)
    return {name: results[name] for name in metrics}


def _sides(terms: Reals, above: NDArray[np.bool_]) -> Reals:
    """Return what clips add on the first and on the second side, (n, 2 S)."""
    return np.concatenate([terms * above[:, None], terms * ~above[:, None]], axis=1)


def _sampled(
    metrics: Mapping[str, SumMetric], terms: Sequence[Reals], groups: Sequence[str]
) -> dict[str, MetricInterval]:
    member, count = members(groups)
    whole = {n: float(np.mean([m.value(own.sum(0)) for own in terms])) for n, m in metrics.items()}
    if count >= FEWEST:
        sums = [summed(own, member, count) for own in terms]
        over = _bounds(metrics, sums)
        return {n: MetricInterval.of(whole[n], over[n]) for n in metrics}
    if len(groups) < FEWEST:
        return {n: MetricInterval.of(whole[n], NONE) for n in metrics}
    over = _bounds(metrics, terms)
    return {n: MetricInterval.of(whole[n], NONE, over[n]) for n in metrics}


def _bounds(metrics: Mapping[str, SumMetric], units: Sequence[Reals]) -> dict[str, Bounds]:
    """Return the bounds of each metric by drawing units, whose sums (k, S) there are by seed."""
    times = drawn(len(units[0]))
    samples = {name: np.zeros(len(times)) for name in metrics}
    for own in units:
        for rows in blocks(len(times)):
            sums = times[rows] @ own
            for name, metric in metrics.items():
                samples[name][rows] += metric.value(sums) / len(units)
    return {n: bounds(samples[n], len(units[0]), metrics[n].share) for n in metrics}
