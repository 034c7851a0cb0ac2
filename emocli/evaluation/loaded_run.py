"""A trained run in Python: one call from features to class probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emocli.data.manifest import Task
from emocli.errors import RunError
from emocli.evaluation.evaluator import RunEvaluator
from emocli.models import rundir
from emocli.models.run_config import RunConfig
from emocli.training.compute import deterministic_torch
from emocli.training.outputs import predict

Name = str | PathLike[str]


@dataclass(frozen=True)
class ClipPredictions:
    """The predictions of a run for clips.

    Attributes
    ----------
    ids : tuple of str
        The clips.
    classes : tuple of str
        Columns of ``values``.
    task : {'single', 'multi', 'intensity'}
        What ``values`` are: probabilities of the classes, which sum to 1 unless the training was of
        one class against the rest; probabilities of each class by itself; or intensities.
        `emocli.models.losses.probabilities` says how they follow from the logits.
    values : ndarray of float64, shape (n, C)
        Mean over the networks of the run: its seeds, and the folds of a cross-validation.
    spread : ndarray of float64, shape (n, C)
        Standard deviation over the networks; 0 for one network.
    """

    ids: tuple[str, ...]
    classes: tuple[str, ...]
    task: Task
    values: NDArray[np.float64]
    spread: NDArray[np.float64]

    @property
    def labels(self) -> tuple[str, ...]:
        """The class of the greatest value, for each clip."""
        return tuple(self.classes[k] for k in self.values.argmax(axis=1))

    def table(self) -> dict[str, dict[str, float]]:
        """Return the values by clip and class."""
        rows = zip(self.ids, self.values.tolist(), strict=True)
        return {clip_id: dict(zip(self.classes, row, strict=True)) for clip_id, row in rows}


@dataclass(frozen=True)
class LoadedRun:
    """A run: one network, several seeds, or the folds of a cross-validation.

    Attributes
    ----------
    path : Path
        Its folder.
    """

    path: Path

    @cached_property
    def config(self) -> RunConfig:
        """Its configuration; of a cross-validation that of the first fold."""
        return rundir.read_config(self._folders[0])

    @property
    def _folders(self) -> list[Path]:
        return rundir.folds(self.path) or [self.path]

    def predict(self, manifest: Name, store: Name | None = None) -> ClipPredictions:
        """Predict every clip of a manifest, labelled or not, with the repair of the training.

        Parameters
        ----------
        manifest : str or Path
            CSV file of the clips; task and classes must be the run's.
        store : str or Path, optional
            Folder of their features, computed as those of the training; by default the run's own.

        Raises
        ------
        EmocliError
            If something is absent, damaged, or does not fit.
        """
        where = None if store is None else Path(store)
        evaluators = [RunEvaluator.open(f, None, Path(manifest), where) for f in self._folders]
        ids = tuple(clip.id for clip in evaluators[0].samples.clips)
        values = np.stack([each for evaluator in evaluators for each in _values(evaluator, ids)])
        config = self.config
        return ClipPredictions(ids, config.classes, config.task, values.mean(0), values.std(0))


def _values(evaluator: RunEvaluator, ids: Sequence[str]) -> Iterator[NDArray[np.float64]]:
    """Predict the clips with each seed's network, in the order of ``ids``."""
    config, samples = evaluator.config, evaluator.seen([], seed=0)
    with deterministic_torch(config.train.threads):
        for member in evaluator.members:
            outputs = predict(member.network, samples, config.train.batch_size)
            rows = {clip_id: row for row, clip_id in enumerate(outputs.ids)}
            values = outputs.values(config.task, config.train, member.temperature).astype(
                np.float64
            )
            yield values[[rows[clip_id] for clip_id in ids]]


def load_run(path: Name) -> LoadedRun:
    """Load a run.

    Raises
    ------
    RunError
        If there is none, or its training has not come to its end.

    Examples
    --------
    ``emocli.load_run("runs/rrnn").predict("new.csv", "store").table()["clip 1"]["joy"]``
    """
    run = LoadedRun(Path(path))
    if not run.path.is_dir():
        raise RunError("there is no such run", where=run.path)
    for folder in run._folders:
        for member in rundir.members(folder, rundir.read_config(folder).seeds):
            rundir.require_finished(member)
    return run
