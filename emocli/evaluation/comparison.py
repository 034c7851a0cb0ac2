"""Comparing two systems clip by clip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.evaluation.evaluator import Predictions
from emocli.metrics.metrics import ERRORS
from emocli.metrics.statistics import cluster_bootstrap
from emocli.metrics.summary import mean_hits, told

Values = NDArray[np.float64]

PER_CLIP: Mapping[str, Callable[[Predictions], Values]] = {
    "mse_sum": lambda predictions: _errors(predictions, np.square),
    "mae_sum": lambda predictions: _errors(predictions, np.abs),
}
"""Figures whose mean over clips they are; others are compared by accuracy."""


def comparisons(
    names: tuple[str, str],
    answers: Sequence[Mapping[str, Predictions]],
    figure: str,
    groups: Mapping[str, str],
) -> Iterator[dict[str, Any]]:
    """Compare two rows under every condition they share.

    Parameters
    ----------
    names : (str, str)
        The rows.
    answers : two mappings
        Condition to what the row said; the first condition of the first row is where losses count
        from.
    figure : str
        What is compared; of several seeds the mean.
    groups : mapping
        Clip to what it is drawn with in the bootstrap.

    Yields
    ------
    dict
        ``difference``: the first minus the second, with interval and p; ``loss``: what the first
        loses by the condition minus what the second loses, where both were also tested under the
        first condition.
    """
    ours, theirs = answers
    start = next(iter(ours))
    name = figure if figure in PER_CLIP else "accuracy"
    for condition in ours:
        if condition not in theirs:
            continue
        change, drawn = _difference(ours[condition], theirs[condition], name, groups)
        found = {
            "rows": list(names),
            "condition": condition,
            "figure": name,
            "difference": told(cluster_bootstrap(change, drawn)),
        }
        if condition != start and start in theirs:
            before, _ = _difference(ours[start], theirs[start], name, groups)
            worse = change - before if name in ERRORS else before - change
            found["loss"] = told(cluster_bootstrap(worse, drawn))
        yield found


def recovery(
    names: tuple[str, str, str],
    answers: tuple[Predictions, Predictions, Predictions],
    figure: str,
    groups: Mapping[str, str],
) -> dict[str, Any]:
    """Say how much of the difference between two rows a row makes up for.

    Parameters
    ----------
    names, answers : three of each
        The row, the one that it is better than, and the one that it would be like.
    figure, groups
        As in `comparisons`.

    Returns
    -------
    dict
        ``share``: 0 as the second, 1 as the third, with interval; NaN where these are equal.
    """
    name = figure if figure in PER_CLIP else "accuracy"
    row, worse, better = answers
    gained, drawn = _difference(row, worse, name, groups)
    whole, _ = _difference(better, worse, name, groups)
    share = cluster_bootstrap(gained, drawn, wholes=whole)
    return {"rows": list(names), "figure": name, "share": told(share)}


def _difference(
    first: Predictions, second: Predictions, figure: str, groups: Mapping[str, str]
) -> tuple[Values, list[str]]:
    """Return the difference on each clip, in the order of the ids, and the clips' groups."""
    ids = sorted(first.ids)
    ours, theirs = _by_clip(first, figure), _by_clip(second, figure)
    return np.array([ours[i] - theirs[i] for i in ids]), [groups[i] for i in ids]


def _by_clip(predictions: Predictions, figure: str) -> dict[str, float]:
    values = PER_CLIP[figure](predictions) if figure in PER_CLIP else mean_hits(predictions.scores)
    return dict(zip(predictions.ids, values.tolist(), strict=True))


def _errors(predictions: Predictions, distance: Callable[[Values], Values]) -> Values:
    """Sum over the classes of each clip's errors, mean over the seeds, shape (n,)."""
    each = [distance(values - predictions.targets).sum(axis=1) for values in predictions.values]
    return np.asarray(np.mean(each, axis=0), np.float64)
