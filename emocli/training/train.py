"""Training a fusion network: on the train split, chosen on the valid split, the test split sealed.

With folds, a run for every fold is trained in turn. Repeating the same command resumes what was
interrupted and leaves alone what is finished.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emocli.data.manifest import Manifest
from emocli.data.pool import open_pool
from emocli.errors import RunError
from emocli.models import rundir
from emocli.models.rundir import CONFIG, REPORTS
from emocli.robust.options import CLEAN, RobustOptions
from emocli.training.jobs import Progress, Training, carry_out
from emocli.training.prepare import prepare
from emocli.training.summaries import CrossSummary, TrainSummary, cross_summary


def train(
    manifest: Manifest,
    store: Path,
    *,
    fusion: str,
    run: Path,
    features: Sequence[str] | None = None,
    preset: str = "paper",
    settings: Mapping[str, Any] | None = None,
    robust: RobustOptions = CLEAN,
    seeds: int = 1,
    overwrite: bool = False,
    workers: int = 1,
    progress: Progress = lambda done, total: None,
) -> TrainSummary:
    """Train a network with one seed or several.

    Parameters
    ----------
    manifest : Manifest
        The corpus.
    store : Path
        Folder of its features.
    fusion : str
        Name of a network.
    run : Path
        Folder to write.
    features : sequence of str, optional
        One feature per modality, ``a+b`` for several side by side; by default all in the store.
    preset : str
        ``literal``, ``paper`` or ``plus``.
    settings : mapping, optional
        ``{"network": {...}, "train": {...}, "robust": {...}}``, laid over the preset.
    robust : RobustOptions
        How clips are corrupted and repaired.
    seeds : int
        So many trainings, from ``train.seed`` upwards.
    overwrite : bool
        Replace a run of other settings, or one that is finished.
    workers : int
        Processes that train, a seed each.
    progress : callable
        Told epochs done and epochs at most.

    Raises
    ------
    EmocliError
        If settings, manifest, store and run do not fit each other; then nothing has been written.
    """
    request = Request(manifest, store, fusion, run, features, preset, settings or {}, robust, seeds)
    with open_pool(workers) as pool:
        (summary,) = carry_out(request.trainings(), pool, overwrite, progress)
    return summary


def cross_validate(
    manifest: Manifest,
    store: Path,
    *,
    folds: int,
    fusion: str,
    run: Path,
    features: Sequence[str] | None = None,
    preset: str = "paper",
    settings: Mapping[str, Any] | None = None,
    robust: RobustOptions = CLEAN,
    seeds: int = 1,
    overwrite: bool = False,
    workers: int = 1,
    progress: Progress = lambda done, total: None,
) -> CrossSummary:
    """Train a network on every rotation of a corpus's folds: ``run/fold-0``, ``run/fold-1``, ...

    Parameters
    ----------
    folds : int
        How many; see `Manifest.folded`.
    workers : int
        Processes that train, a seed of a fold each.
    others
        As in `train`.

    Raises
    ------
    EmocliError
        If settings, manifest, store and run do not fit each other; then nothing has been written.
    """
    request = Request(manifest, store, fusion, run, features, preset, settings or {}, robust, seeds)
    trainings = request.trainings(folds)
    with open_pool(workers) as pool:
        summaries = carry_out(trainings, pool, overwrite, progress)
    for other in set(run.glob("fold-*")) - {training.run for training in trainings}:
        rundir.clear(other)  # of an earlier cross-validation with more folds, now overwritten
    return cross_summary(run, summaries)


def plan(
    manifest: Manifest,
    store: Path,
    *,
    fusion: str,
    run: Path,
    folds: int | None = None,
    features: Sequence[str] | None = None,
    preset: str = "paper",
    settings: Mapping[str, Any] | None = None,
    robust: RobustOptions = CLEAN,
    seeds: int = 1,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Return what would be trained on what; parameters as of `train` and `cross_validate`.

    Nothing is written, and what a training would refuse is refused.
    """
    request = Request(manifest, store, fusion, run, features, preset, settings or {}, robust, seeds)
    trainings = request.trainings(folds)
    for training in trainings:
        training.check(overwrite)
    prepared = trainings[0].prepared
    return {
        "fusion": fusion,
        "preset": preset,
        "network": prepared.network,
        "train": prepared.settings.model_dump(),
        "robust": prepared.robust.model_dump(),
        "features": {m: s.name for m, s in prepared.train.stores.items()},
        "dims": prepared.train.dims,
        "classes": list(manifest.classes),
        "parameters": prepared.parameters,
        "clips": {split: len(samples) for split, samples in prepared.splits.items()},
        "missing": prepared.missing,
        "notes": list(prepared.notes),
        **({} if folds is None else {"folds": folds}),
    }


@dataclass(frozen=True)
class Request:
    """The parameters that `train`, `cross_validate` and `plan` have in common."""

    manifest: Manifest
    store: Path
    fusion: str
    run: Path
    features: Sequence[str] | None
    preset: str
    settings: Mapping[str, Any]
    robust: RobustOptions
    seeds: int

    def trainings(self, folds: int | None = None) -> list[Training]:
        """Plan a training, or one for each rotation of the folds.

        Raises
        ------
        EmocliError
            If settings, manifest and store do not fit each other, or folds do not fit the folder.
        """
        if folds is None:
            return [self._training(self.manifest, self.run)]
        _check_cross(self.run)
        return [
            self._training(self.manifest.folded(index, folds), folder)
            for index, folder in enumerate(rundir.fold_folders(self.run, folds))
        ]

    def _training(self, corpus: Manifest, run: Path) -> Training:
        how = (self.fusion, self.features, self.preset, self.settings, self.robust)
        return Training.of(prepare(corpus, self.store, *how), run, self.store, self.seeds)


def _check_cross(run: Path) -> None:
    """Refuse to put folds into a folder that holds something else.

    Raises
    ------
    RunError
        If it does.
    """
    if (run / CONFIG).is_file():
        raise RunError("is a run without folds", where=run, hint="choose another --run")
    names = [path.name for path in run.iterdir()] if run.is_dir() else [run.name]
    if not all(name.startswith(("fold-", ".")) or name == REPORTS for name in names):
        rundir.require_empty(run, "a cross-validation")
