"""Comparisons of systems, clip by clip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emocli.data.json_io import OPTIONAL
from emocli.data.record import Record
from emocli.evaluation.predictions import Predictions
from emocli.metrics.metrics import ERRORS
from emocli.metrics.statistics import cluster_bootstrap
from emocli.metrics.summary import Estimate, mean_hits

Values = NDArray[np.float64]

PER_CLIP: Mapping[str, Callable[[Predictions], Values]] = {
    "mse_sum": lambda predictions: _errors(predictions, np.square),
    "mae_sum": lambda predictions: _errors(predictions, np.abs),
}
"""Metrics that are means over clips; others are compared by accuracy."""


@dataclass(frozen=True)
class PerClip:
    """The share of each clip in a metric, mean over the seeds.

    Attributes
    ----------
    metric : str
        The metric: the mean of the values.
    values : mapping
        Clip to its value, in the order in which groups of clips are drawn.
    """

    metric: str
    values: Mapping[str, float]

    @classmethod
    def of(cls, predictions: Predictions, metric: str) -> PerClip:
        """Return what clips add to a metric, or to the accuracy if it is no mean over clips."""
        if metric in PER_CLIP:
            values = PER_CLIP[metric](predictions)
        else:
            metric, values = "accuracy", mean_hits(predictions.scores)
        return cls(metric, dict(sorted(zip(predictions.ids, values.tolist(), strict=True))))

    def minus(self, other: PerClip) -> Values:
        """Return the difference on each clip, shape (n,)."""
        return np.array([value - other.values[clip] for clip, value in self.values.items()])

    def groups(self, groups: Mapping[str, str]) -> list[str]:
        """Return what each clip is drawn with."""
        return [groups[clip] for clip in self.values]


@dataclass(frozen=True, kw_only=True)
class Comparison(Record):
    """The comparison of two rows under a condition.

    Attributes
    ----------
    rows : (str, str)
        The rows.
    condition, metric : str
        Under which they are compared, by what.
    difference : Estimate
        The first minus the second.
    loss : Estimate, optional
        What the first loses by the condition minus what the second loses, where both were also
        tested under the first condition.
    """

    rows: tuple[str, str]
    condition: str
    metric: str
    difference: Estimate
    loss: Estimate | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True, kw_only=True)
class Recovery(Record):
    """The share of the difference between two rows that a third makes up for.

    Attributes
    ----------
    rows : (str, str, str)
        The row, the one that it is better than, and the one that it would be like.
    metric : str
        By what they are compared.
    share : Estimate
        0 as the second, 1 as the third; NaN where these are equal.
    """

    rows: tuple[str, str, str]
    metric: str
    share: Estimate


def comparisons(
    names: tuple[str, str],
    conditions: Sequence[Mapping[str, PerClip]],
    groups: Mapping[str, str],
) -> Iterator[Comparison]:
    """Compare two rows under every condition they share.

    Parameters
    ----------
    names : (str, str)
        The rows.
    conditions : two mappings
        Condition to what clips add under it; the first condition of the first row is where losses
        count from.
    groups : mapping
        Clip to what it is drawn with in the bootstrap.
    """
    ours, theirs = conditions
    start = next(iter(ours))
    for condition, clips in ours.items():
        if condition not in theirs:
            continue
        change, drawn, loss = clips.minus(theirs[condition]), clips.groups(groups), None
        if condition != start and start in theirs:
            before = ours[start].minus(theirs[start])
            worse = change - before if clips.metric in ERRORS else before - change
            loss = Estimate.of(cluster_bootstrap(worse, drawn))
        yield Comparison(
            rows=names,
            condition=condition,
            metric=clips.metric,
            difference=Estimate.of(cluster_bootstrap(change, drawn)),
            loss=loss,
        )


def recovery(
    names: tuple[str, str, str],
    clips: tuple[PerClip, PerClip, PerClip],
    groups: Mapping[str, str],
) -> Recovery:
    """Say how much of the difference between two rows a row makes up for.

    Parameters
    ----------
    names, clips : three of each
        As in `Recovery`.
    groups : mapping
        As in `comparisons`.
    """
    row, worse, better = clips
    drawn = row.groups(groups)
    share = cluster_bootstrap(row.minus(worse), drawn, wholes=better.minus(worse))
    return Recovery(rows=names, metric=row.metric, share=Estimate.of(share))


def _errors(predictions: Predictions, distance: Callable[[Values], Values]) -> Values:
    """Sum over the classes of each clip's errors, mean over the seeds, shape (n,)."""
    each = [distance(values - predictions.targets).sum(axis=1) for values in predictions.values]
    return np.asarray(np.mean(each, axis=0), np.float64)
