"""Intervals of all metrics of some predictions, and of what they differ by on two sets of clips.

The samples are those of `emocli.metrics.statistics`: whole speakers or dialogues are drawn, and
every metric is computed anew in each sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.arrays import Reals
from emocli.data.json_io import OPTIONAL
from emocli.data.manifest import Task
from emocli.data.record import Bounds, Number, Record
from emocli.metrics.paired import blocks, summed
from emocli.metrics.statistics import FEWEST, bounds, drawn, members
from emocli.metrics.sums import SUMS

Value = Callable[[Reals], Reals]
"""Sums, shape (..., S) -> a metric, shape (...)."""

NONE = (float("nan"), float("nan"))
"""The bounds of no interval."""


@dataclass(frozen=True, kw_only=True)
class MetricInterval(Record):
    """A metric, mean over the seeds, and what other speakers or dialogues would change.

    Attributes
    ----------
    value : float
        The metric, or the difference of two.
    ci, ci_clips : (float, float)
        Its 95 % interval over groups of clips; where these are too few it is NaN, and the other one
        is over clips.
    """

    value: Number
    ci: Bounds
    ci_clips: Bounds | None = field(default=None, metadata=OPTIONAL)

    @property
    def shown(self) -> Bounds:
        """The interval that there is."""
        return self.ci_clips or self.ci


def metric_intervals(
    task: Task,
    targets: NDArray[Any],
    predictions: Sequence[NDArray[Any]],
    groups: Sequence[str],
) -> dict[str, MetricInterval]:
    """Return the metrics of `SUMS` with their intervals.

    Parameters
    ----------
    task : str
        What is predicted.
    targets : ndarray, shape (n,) or (n, C)
        The labels.
    predictions : sequence of ndarray, each of shape (n, C)
        Of each seed.
    groups : sequence of str, length n
        What each clip is drawn with.
    """
    everything = np.ones(len(targets), np.bool_)
    return _of(task, targets, predictions, groups, everything, lambda value: value)


def gap_intervals(
    task: Task,
    targets: NDArray[Any],
    predictions: Sequence[NDArray[Any]],
    groups: Sequence[str],
    above: NDArray[np.bool_],
) -> dict[str, MetricInterval]:
    """Return each metric of some clips less that of the others, with the difference's interval.

    Whole speakers or dialogues are drawn, whichever of the two sides their clips are on. The
    parameters are as in `metric_intervals`; ``above`` (n,) marks the clips of the first side.
    """

    def difference(value: Value) -> Value:
        def of(sums: Reals) -> Reals:
            first, second = np.split(sums, 2, axis=-1)
            return np.asarray(value(first) - value(second))

        return of

    return _of(task, targets, predictions, groups, above, difference, two_sides=True)


def _of(
    task: Task,
    targets: NDArray[Any],
    predictions: Sequence[NDArray[Any]],
    groups: Sequence[str],
    above: NDArray[np.bool_],
    change: Callable[[Value], Value],
    two_sides: bool = False,
) -> dict[str, MetricInterval]:
    """Collect the metrics that are functions of the same sums, and sample those once."""
    by_terms: dict[Any, dict[str, Value]] = {}
    for name, metric in SUMS[task].items():
        by_terms.setdefault(metric.terms, {})[name] = change(metric.value)
    results: dict[str, MetricInterval] = {}
    for terms, values in by_terms.items():
        each = [terms(targets, np.asarray(p, np.float64)) for p in predictions]
        if two_sides:
            each = [_sides(own, above) for own in each]
        results |= _sampled(values, each, groups)
    return {name: results[name] for name in SUMS[task]}


def _sides(terms: Reals, above: NDArray[np.bool_]) -> Reals:
    """Return what clips add on the first and on the second side, (n, 2 S)."""
    return np.concatenate([terms * above[:, None], terms * ~above[:, None]], axis=1)


def _sampled(
    values: Mapping[str, Value], terms: Sequence[Reals], groups: Sequence[str]
) -> dict[str, MetricInterval]:
    member, count = members(groups)
    whole = {n: float(np.mean([v(own.sum(0)) for own in terms])) for n, v in values.items()}
    if count >= FEWEST:
        sums = [summed(own, member, count) for own in terms]
        over = _bounds(values, sums)
        return {n: MetricInterval(value=whole[n], ci=over[n]) for n in values}
    if len(groups) < FEWEST:
        return {n: MetricInterval(value=whole[n], ci=NONE) for n in values}
    over = _bounds(values, terms)
    return {n: MetricInterval(value=whole[n], ci=NONE, ci_clips=over[n]) for n in values}


def _bounds(values: Mapping[str, Value], units: Sequence[Reals]) -> dict[str, Bounds]:
    """Return the bounds of each metric by drawing units, whose sums (k, S) there are by seed."""
    times = drawn(len(units[0]))
    samples = {name: np.zeros(len(times)) for name in values}
    for own in units:
        for rows in blocks(len(times)):
            sums = times[rows] @ own
            for name, value in values.items():
                samples[name][rows] += value(sums) / len(units)
    return {name: bounds(each, len(units[0])) for name, each in samples.items()}
