"""Systems on the same clips: intervals of their metrics and differences, p by exchange, McNemar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle, islice
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.arrays import Reals
from emocli.metrics.statistics import FEWEST, Interval, bounds, drawn, members, p_value, signs
from emocli.metrics.sums import SumMetric

BLOCK = 256
"""Samples whose sums are held at a time."""


@dataclass(frozen=True)
class PairedSystem:
    """The terms that a system's networks, one per seed, add to a metric, clip by clip.

    Attributes
    ----------
    metric : SumMetric
        The metric.
    terms : tuple of ndarray, each of shape (n, S)
        Of each seed, on the same clips.
    """

    metric: SumMetric
    terms: tuple[Reals, ...]

    @classmethod
    def of(
        cls, metric: SumMetric, targets: NDArray[Any], predictions: Sequence[NDArray[Any]]
    ) -> PairedSystem:
        """Take the predictions of each seed for the same clips."""
        each = (metric.terms(targets, np.asarray(values, np.float64)) for values in predictions)
        return cls(metric, tuple(each))

    @cached_property
    def value(self) -> float:
        """The metric, mean over the seeds."""
        return float(np.mean([self.metric.value(terms.sum(0)) for terms in self.terms]))

    def sums(self, member: NDArray[np.int64], count: int) -> list[Reals]:
        """Return the sums of each group, (k, S), of each seed."""
        return [summed(terms, member, count) for terms in self.terms]


@dataclass(frozen=True)
class Paired:
    """Systems, and the groups in which clips are drawn.

    Attributes
    ----------
    systems : tuple of PairedSystem
        On the same clips, with the same metric.
    groups : tuple of str, length n
        What each clip belongs to.
    """

    systems: tuple[PairedSystem, ...]
    groups: tuple[str, ...]

    def interval(self, index: int) -> Interval:
        """Return the metric of a system with its interval."""
        return self._interval(self.systems[index].value, [(index, 1.0)], float("nan"))

    def difference(self, first: int, second: int) -> Interval:
        """Return what the metric of a system is above that of another; p by `exchange_p`."""
        value = self.systems[first].value - self.systems[second].value
        p = float("nan") if self._count < FEWEST else self.exchange_p(first, second)
        return self._interval(value, [(first, 1.0), (second, -1.0)], p)

    def standard_error(self, first: int, second: int) -> float:
        """Return the standard error of a difference, by the jackknife: each group is left out once.

        ``sqrt((k - 1) / k sum_i (d_i - mean d)^2)`` of the differences d_i without group i of k
        (Efron and Stein 1981, Annals of Statistics 9(3)); of a mean over groups of equal size that
        is s / sqrt(k). Where there are fewer groups than `FEWEST` each clip is left out; NaN where
        there are fewer clips, too, or the metric is not defined without one.
        """
        count = self._count if self._count >= FEWEST else len(self.groups)
        if count < FEWEST:
            return float("nan")
        left = [self._left_out(self.systems[index]) for index in (first, second)]
        return float(np.sqrt((count - 1) * np.var(left[0] - left[1])))

    def _left_out(self, system: PairedSystem) -> Reals:
        """Return the metric without each group, or without each clip where groups are too few."""
        over_groups = self._count >= FEWEST
        each = system.sums(self._member, self._count) if over_groups else system.terms
        values = [system.metric.value(sums.sum(0) - sums) for sums in each]
        return np.asarray(np.mean(values, axis=0))

    def exchange_p(self, first: int, second: int) -> float:
        """Two-sided p of a difference, were the systems to change places in any group.

        Each seed of the one changes places with a seed of the other; where they have not equally
        many, every seed is paired equally often.
        """
        ours, theirs = (self.systems[k].sums(self._member, self._count) for k in (first, second))
        value = self.systems[first].metric.value
        pairs = _pairs(ours, theirs)
        ways, complete = signs(self._count)
        changes = np.zeros(len(ways))
        for a, b in pairs:
            for rows in blocks(len(ways)):
                same = (ways[rows] > 0).astype(np.float64)
                whole = a.sum(0) + b.sum(0)
                one = same @ a + (1 - same) @ b
                changes[rows] += (value(one) - value(whole - one)) / len(pairs)
        seen = self.systems[first].value - self.systems[second].value
        return p_value(seen, changes, complete)

    @property
    def _count(self) -> int:
        return self._members[1]

    @property
    def _member(self) -> NDArray[np.int64]:
        return self._members[0]

    @cached_property
    def _members(self) -> tuple[NDArray[np.int64], int]:
        return members(self.groups)

    def _interval(self, value: float, parts: Sequence[tuple[int, float]], p: float) -> Interval:
        nan, clips = float("nan"), len(self.groups)
        share = len(parts) == 1 and self.systems[parts[0][0]].metric.share
        if self._count >= FEWEST:
            low, high = bounds(_combined(self._by_group, parts), self._count, share)
            return Interval(value, low, high, self._count, p)
        if clips < FEWEST:
            return Interval(value, nan, nan, self._count, nan)
        over_clips = bounds(_combined(self._by_clip, parts), clips, share)
        return Interval(value, nan, nan, self._count, nan, over_clips)

    @cached_property
    def _by_group(self) -> list[Reals]:
        """The metric of each system in samples of groups."""
        return [_sampled(s, s.sums(self._member, self._count)) for s in self.systems]

    @cached_property
    def _by_clip(self) -> list[Reals]:
        """The metric of each system in samples of clips."""
        return [_sampled(system, system.terms) for system in self.systems]


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Exact two-sided p of McNemar's test of two systems' hits on the same clips.

    Clips are taken for independent, which those of a speaker are not.
    """
    from scipy.stats import binomtest

    only = int((first & ~second).sum()), int((~first & second).sum())
    return float(binomtest(only[0], sum(only)).pvalue) if sum(only) else 1.0


def summed(terms: Reals, member: NDArray[np.int64], count: int) -> Reals:
    """Return the sums (k, S) over the clips of each group, of what clips add (n, S)."""
    sums = np.zeros((count, terms.shape[1]))
    np.add.at(sums, member, terms)
    return sums


def _sampled(system: PairedSystem, sums: Sequence[Reals]) -> Reals:
    """Return the mean over the seeds of the metric in each sample, the same for every system."""
    times = drawn(len(sums[0]))
    values = np.zeros(len(times))
    for each in sums:
        for rows in blocks(len(times)):
            values[rows] += system.metric.value(times[rows] @ each) / len(sums)
    return values


def _combined(samples: Sequence[Reals], parts: Sequence[tuple[int, float]]) -> Reals:
    return np.asarray(sum(factor * samples[index] for index, factor in parts))


def _pairs(ours: Sequence[Reals], theirs: Sequence[Reals]) -> list[tuple[Reals, Reals]]:
    size = lcm(len(ours), len(theirs))
    return list(zip(islice(cycle(ours), size), islice(cycle(theirs), size), strict=True))


def blocks(size: int) -> Iterator[slice]:
    """Yield slices of so many samples that their sums can be held at a time."""
    return (slice(start, start + BLOCK) for start in range(0, size, BLOCK))
