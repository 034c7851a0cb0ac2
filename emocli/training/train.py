"""Training a fusion network: on the train split, chosen on the valid split, the test split sealed.

With folds, a run for every fold is trained in turn. Repeating the same command resumes what was
interrupted and leaves alone what is finished.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from emocli.config import Plain, Tree
from emocli.data.manifest import Manifest, ManifestOrPath
from emocli.data.pool import Progress, open_pool
from emocli.errors import RunError
from emocli.models import rundir
from emocli.models.rundir import CONFIG, REPORTS
from emocli.paths import StrPath, listed
from emocli.plugin.robustness import UNCORRUPTED, RobustOptions
from emocli.training.jobs import Training, carry_out
from emocli.training.prepare import prepare
from emocli.training.settings import SECTIONS, corpus_size, resolve
from emocli.training.summaries import CrossSummary, TrainPlan, TrainSummary, cross_summary
from emocli.training.trainer import Watch


def train(
    manifest: ManifestOrPath,
    store: StrPath,
    *,
    fusion: str,
    run: StrPath,
    features: str | Sequence[str] | None = None,
    preset: str = "plus",
    settings: Mapping[str, Plain] | None = None,
    robust: RobustOptions = UNCORRUPTED,
    seeds: int = 1,
    overwrite: bool = False,
    workers: int = 1,
    baselines: bool = True,
    progress: Progress = lambda done, total: None,
) -> TrainSummary:
    """Train a network with one seed or several.

    Parameters
    ----------
    manifest : Manifest, str or Path
        The corpus.
    store : str or Path
        Folder of its features.
    fusion : str
        Name of a network.
    run : str or Path
        Folder to write.
    features : str or sequence of str, optional
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
    baselines : bool
        Whether classical baselines, a linear model and an SVM, are fitted on the same features.
    progress : callable
        Told epochs done and epochs at most.

    Raises
    ------
    EmocliError
        If settings, manifest, store and run do not fit each other; then nothing has been written.
    """
    request = TrainRequest(
        manifest=Manifest.of(manifest),
        store=Path(store),
        fusion=fusion,
        run=Path(run),
        features=None if features is None else listed(features),
        preset=preset,
        settings=settings or {},
        robust=robust,
        seeds=seeds,
        overwrite=overwrite,
        workers=workers,
        baselines=baselines,
    )
    return request.train(progress)


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """A training that is asked for; attributes as the parameters of `train`.

    Without ``last_fit`` a run leaves its predictions of the valid split and, where its settings ask
    for a last fit (``train.refit``), is left before it, for the same training with it to complete.
    """

    manifest: Manifest
    store: Path
    fusion: str
    run: Path
    features: Sequence[str] | None = None
    preset: str = "plus"
    settings: Mapping[str, Plain]
    robust: RobustOptions = UNCORRUPTED
    seeds: int = 1
    overwrite: bool = False
    workers: int = 1
    baselines: bool = True
    last_fit: bool = True

    def train(
        self,
        progress: Progress = lambda done, total: None,
        watch: Watch = lambda history: None,
    ) -> TrainSummary:
        """Train one run; errors as of `train`. With one worker ``watch`` sees the first seed's."""
        with open_pool(self.workers) as pool:
            (summary,) = carry_out(self.trainings(), pool, self.overwrite, progress, watch)
        return summary

    def cross_validate(
        self, folds: int, progress: Progress = lambda done, total: None
    ) -> CrossSummary:
        """Train a run on every rotation of the folds, ``run/fold-0``, ...; errors as of `train`."""
        trainings = self.trainings(folds)
        with open_pool(self.workers) as pool:
            summaries = carry_out(trainings, pool, self.overwrite, progress)
        for other in set(self.run.glob("fold-*")) - {training.run for training in trainings}:
            rundir.clear(other)  # of an earlier cross-validation with more folds, now overwritten
        return cross_summary(self.run, summaries)

    def plan(self, folds: int | None = None) -> TrainPlan:
        """Return the plan of the training, errors as of `train`; nothing is written."""
        trainings = self.trainings(folds)
        for training in trainings:
            training.check(self.overwrite)
        prepared = trainings[0].prepared
        return TrainPlan(
            fusion=self.fusion,
            preset=self.preset,
            network=prepared.network,
            train=prepared.settings.model_dump(),
            robust=prepared.robust.model_dump(),
            features={m: s.name for m, s in prepared.train.stores.items()},
            dims=prepared.train.dims,
            classes=tuple(self.manifest.classes),
            parameters=prepared.parameters,
            clips={split: len(samples) for split, samples in prepared.splits.items()},
            missing=prepared.missing,
            notes=prepared.notes,
            trainings=sum(len(training.jobs) for training in trainings),
            folds=folds,
        )

    def resolved(self) -> Tree:
        """Return the settings by section as they are trained with, the rules of the preset applied.

        Raises
        ------
        ConfigError
            If one is none, or makes no sense for the task.
        """
        corpus = self.manifest
        how = (self.fusion, self.preset, self.settings, corpus.task, corpus.classes, self.robust)
        parts = resolve(*how, corpus_size(corpus, self.fusion))
        return {k: part.model_dump(mode="json") for k, part in zip(SECTIONS, parts, strict=True)}

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
        prepared = prepare(corpus, self.store, *how)
        training = Training.of(prepared, run, self.store, self.seeds, self.baselines)
        return replace(training, last_fit=self.last_fit)


def _check_cross(run: Path) -> None:
    """Raise `RunError` for a folder that holds something else than folds."""
    if (run / CONFIG).is_file():
        raise RunError("is a run without folds", where=run, hint="choose another --run")
    names = [path.name for path in run.iterdir()] if run.is_dir() else [run.name]
    if not all(name.startswith(("fold-", ".")) or name == REPORTS for name in names):
        rundir.require_empty(run, "a cross-validation")
