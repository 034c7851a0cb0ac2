"""The predictions of networks and classical models for the same clips under one condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.clip import Clip
from emocli.data.manifest import Task
from emocli.metrics.metrics import Scores, score
from emocli.metrics.sums import SumMetric, sum_metrics
from emocli.plugin.robustness import CorruptionSpec

if TYPE_CHECKING:
    from emocli.robust.repair import Clips, RepairConfig

Corruptions = Sequence[CorruptionSpec]
"""Corruptions of the clips, one after the other."""


@dataclass(frozen=True)
class Predictions:
    """The predictions of all seeds of a run under one condition.

    Attributes
    ----------
    corruptions : tuple of CorruptionSpec
        What was done to the features.
    ids : tuple of str
        The clips.
    targets : ndarray
        Their labels: shape (n,), or (n, C), as `Manifest.targets` gives them.
    values : tuple of ndarray, each of shape (n, C)
        The predictions of each seed: probabilities, or intensities.
    task : str
        Which of these they are.
    classes : tuple of str
        The C classes.
    repair : RepairConfig
        What was done about it.
    corrupted, flagged, regenerated : mapping
        Modality to the clips in which it was corrupted, in which it was there but not trusted, and
        in which a proxy stands for it.
    one_vs_rest : bool
        Whether probabilities are those of each class by itself although a clip has one.
    uncalibrated : tuple of ndarray, each of shape (n, C)
        The same as ``values`` without calibration; empty where the networks have none.
    classical : mapping
        Classical baseline to its predictions, shape (n, C).
    """

    corruptions: tuple[CorruptionSpec, ...]
    ids: tuple[str, ...]
    targets: NDArray[Any]
    values: tuple[NDArray[Any], ...]
    task: Task
    classes: tuple[str, ...]
    repair: RepairConfig
    corrupted: Clips
    flagged: Clips
    regenerated: Clips
    one_vs_rest: bool = False
    uncalibrated: tuple[NDArray[Any], ...] = ()
    classical: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @cached_property
    def classical_scores(self) -> dict[str, Scores]:
        """The scores of the classical baselines."""
        return {
            name: score(self.task, self.targets, values, self.classes)
            for name, values in self.classical.items()
        }

    @cached_property
    def scores(self) -> tuple[Scores, ...]:
        """The scores of each seed."""
        ovr = self.one_vs_rest
        return tuple(score(self.task, self.targets, v, self.classes, ovr) for v in self.values)

    @cached_property
    def sum_metrics(self) -> Mapping[str, SumMetric]:
        """The metrics that are compared and have intervals."""
        return sum_metrics(self.task, self.classes, self.one_vs_rest)

    @classmethod
    def joined(cls, parts: Sequence[Predictions]) -> Predictions:
        """Put the same condition on different clips together, as if measured at once."""
        first = parts[0]
        return replace(
            first,
            ids=tuple(clip_id for part in parts for clip_id in part.ids),
            targets=np.concatenate([part.targets for part in parts]),
            values=tuple(map(np.concatenate, zip(*(part.values for part in parts), strict=True))),
            uncalibrated=tuple(
                map(np.concatenate, zip(*(part.uncalibrated for part in parts), strict=True))
            ),
            corrupted=_union([part.corrupted for part in parts]),
            flagged=_union([part.flagged for part in parts]),
            regenerated=_union([part.regenerated for part in parts]),
            classical={
                name: np.concatenate([part.classical[name] for part in parts])
                for name in first.classical
                if all(name in part.classical for part in parts)
            },
        )

    @property
    def averaged(self) -> Predictions:
        """The same of one ensemble: the mean of what the networks predict, clip by clip."""
        uncalibrated = (np.mean(self.uncalibrated, axis=0),) if self.uncalibrated else ()
        return replace(self, values=(np.mean(self.values, axis=0),), uncalibrated=uncalibrated)

    @classmethod
    def together(cls, parts: Sequence[Predictions]) -> Predictions:
        """Take the predictions of several runs for the same clips as those of one.

        A modality counts as flagged, or regenerated, where it was for any of them.
        """
        return replace(
            parts[0],
            values=tuple(values for part in parts for values in part.values),
            uncalibrated=tuple(values for part in parts for values in part.uncalibrated),
            flagged=_union([part.flagged for part in parts]),
            regenerated=_union([part.regenerated for part in parts]),
            classical={
                name: np.mean([part.classical[name] for part in parts], axis=0)
                for name in parts[0].classical
                if all(name in part.classical for part in parts)
            },
        )

    def only(self, clips: Sequence[Clip]) -> Predictions:
        """Return the same for some of the clips."""
        wanted = {clip.id for clip in clips}

        def marked(clips: Clips) -> Clips:
            return {modality: ids & wanted for modality, ids in clips.items()}

        return replace(
            self.in_order([clip_id for clip_id in self.ids if clip_id in wanted]),
            corrupted=marked(self.corrupted),
            flagged=marked(self.flagged),
            regenerated=marked(self.regenerated),
        )

    def in_order(self, ids: Sequence[str]) -> Predictions:
        """Return the same for clips in another order; `KeyError` if one was not predicted."""
        place = {clip_id: row for row, clip_id in enumerate(self.ids)}
        rows = [place[clip_id] for clip_id in ids]
        return replace(
            self,
            ids=tuple(ids),
            targets=self.targets[rows],
            values=tuple(values[rows] for values in self.values),
            uncalibrated=tuple(values[rows] for values in self.uncalibrated),
            classical={name: values[rows] for name, values in self.classical.items()},
        )


def _union(parts: Sequence[Clips]) -> dict[str, frozenset[str]]:
    return {m: frozenset().union(*(part[m] for part in parts)) for m in parts[0]}
