"""Rows evaluated on features of a store: fusion networks, and classical baselines."""

from __future__ import annotations

import json
import time
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from emocli import plugins
from emocli.config import Tree, build, merge, subsection
from emocli.data.durable import digest
from emocli.data.manifest import Manifest
from emocli.data.normalisation import BY_SPEAKER
from emocli.data.store import open_joined
from emocli.display import number_of
from emocli.errors import RunError, StoreError
from emocli.evaluation.baseline import BaselineEvaluator
from emocli.evaluation.comparison import PerClip
from emocli.evaluation.evaluator import RunEvaluator
from emocli.experiments.cache import (
    MARKS,
    CachedEvaluation,
    CachedEvaluator,
    EvaluationJob,
    EvaluationSubject,
    code_digest,
)
from emocli.experiments.report import RowCondition
from emocli.experiments.rows import (
    ConditionResult,
    Inputs,
    RowContext,
    System,
    Tested,
    Trained,
)
from emocli.experiments.seconds import add_seconds
from emocli.metrics.statistics import clustered
from emocli.metrics.summary import summarise
from emocli.models import rundir
from emocli.models.network import network_class
from emocli.models.rundir import MODEL
from emocli.models.settings import TrainConfig
from emocli.plugin.experiment import Condition
from emocli.plugin.robustness import RobustOptions, on, texts
from emocli.robust.repair import PRESETS, RepairConfig
from emocli.training.jobs import Training, carry_out
from emocli.training.prepare import labels, prepare
from emocli.training.settings import read_settings
from emocli.training.summaries import TrainSummary

READING = frozenset({"outliers", *BY_SPEAKER})
"""Settings of a training that say how features are read."""


class FeatureSystem(System):
    """A row that is tested on corrupted and repaired features."""

    SHARED = ("network", "train")
    SECTIONS = (*SHARED, "check")

    @abstractmethod
    def subject(self, run: Path) -> EvaluationSubject:
        """Return what is evaluated in the place of a fold's run."""

    def check(self, inputs: Inputs) -> None:
        """Refuse what cannot be measured, and features of another modality; see `System`."""
        if self.lacking:
            return
        for condition in self.row.conditions:
            on(condition.corrupt, self.features)
            RepairConfig().with_options(condition.repair)
        for modality, name in self.row.features.items():
            feature = open_joined(inputs.store, name, inputs.corpora[0])
            if feature.modality != modality:
                what = f"feature '{name}' is {feature.modality}, row '{self.row.name}' is about"
                hint = "name another feature with --set experiment.KEY=FEATURE"
                raise StoreError(f"{what} {modality}", where=inputs.store, hint=hint)

    def evaluate(self, context: RowContext) -> Tested:
        """Predict the test clips of every fold under every condition; see `System`."""
        inputs = context.inputs
        runs = inputs.folders(context.runs, self.trained)
        folders = inputs.folders(context.out / "evaluations", self.slug)
        jobs = [
            EvaluationJob(
                self.subject(run),
                self.row.conditions,
                tuple(self.features.values()),
                self.row.training,
                corpus,
                inputs.store,
                folder,
                inputs.config.corruption_seed,
                self.fit_on,
                str(subsection(self.settings, "train").get("normalise", "none")),
            )
            for corpus, run, folder in zip(inputs.corpora, runs, folders, strict=True)
        ]
        numbered = context.pool.results(IndexedJobs(jobs), range(len(jobs)))
        folds = [evaluations for _, evaluations in sorted(numbered, key=lambda pair: pair[0])]
        joined = [CachedEvaluation.joined(fold) for fold in zip(*folds, strict=True)]
        pairs = zip(self.row.conditions, joined, strict=True)
        return Tested(
            tuple(_result(c, e, inputs.corpora[0], context.metric) for c, e in pairs),
            tuple(value for value in joined[0].C if value is not None),
        )


class FusionSystem(FeatureSystem):
    """A fusion network, trained on every fold with every seed."""

    @property
    def title(self) -> str:
        """The network's plug-in."""
        return self.row.fusion

    @property
    def is_trainable(self) -> bool:
        """Whether it trains networks of its own, and can be run."""
        return not self.row.like and not self.lacking

    def shared(self, tree: Tree) -> Tree:
        """Return those settings of all networks that this one has."""
        known = network_fields(self.row.fusion)
        own = subsection(tree, "network")
        network = {key: value for key, value in own.items() if key in known}
        return {"network": network, "train": subsection(tree, "train")}

    def subject(self, run: Path) -> EvaluationSubject:
        """Return the trained networks of a fold."""
        return TrainedRun(run)

    def defaults(self) -> Tree:
        """Return the settings its preset alone gives."""
        with self.named():
            network, training, _ = read_settings(self.row.fusion, self.preset, {})
        return {"network": network.model_dump(), "train": training.model_dump()}

    def with_settings(self, tree: Tree, own: Tree) -> Tree:
        """Lay settings over each other; a table says itself which fit of the check is asked."""
        stated = {"robust": {"fit_on": "clean"}} if self.preset in PRESETS else {}
        return merge(stated, super().with_settings(tree, own))

    def prepare(self, inputs: Inputs, checked: bool) -> None:
        """Prepare the training on the first fold; see `System`."""
        training = self.row.training
        if training.check and not checked:
            training = replace(training, check=None, oracle=True)
        with self.named():
            self._trainings(inputs, Path("runs"), training, folds=1)

    def _trainings(
        self, inputs: Inputs, runs: Path, training: RobustOptions, folds: int | None = None
    ) -> list[Training]:
        """Plan the trainings on all folds, or so many."""
        places = zip(inputs.corpora, inputs.folders(runs, self.slug), strict=True)
        return [
            Training.of(
                prepare(
                    corpus,
                    inputs.store,
                    self.row.fusion,
                    tuple(self.features.values()),
                    self.preset,
                    self.settings,
                    training,
                ),
                run,
                inputs.store,
                inputs.config.seeds,
            )
            for corpus, run in islice(places, folds)
        ]

    def train(self, context: RowContext) -> Trained:
        """Train on every fold with every seed, or what is left of it; see `System`."""
        with self.named():
            trainings = self._trainings(context.inputs, context.runs, self.row.training)
        for training in trainings:
            _clear_outdated(training, context.overwrite)
        jobs = [job for training in trainings for job in training.jobs]
        count, due = len(jobs), sum(not rundir.finished(job.folder) for job in jobs)
        if due:
            times = number_of(due, "times")
            context.say(f"{self.row.name}: training {self.row.fusion}, {times}")
        start = time.monotonic()

        def progress(done: int, total: int) -> None:
            if due and context.pool.in_flight > 1:
                passed = time.monotonic() - start
                context.say(f"{self.row.name}: {done * count // total} of {count}, {passed:.0f} s")

        summaries = carry_out(trainings, context.pool, False, progress)
        seeds = [seed for summary in summaries for seed in summary.seeds]
        return Trained(
            parameters=summaries[0].parameters,
            best_epochs=tuple(seed.best_epoch for seed in seeds),
            seconds=add_seconds(context.out, self.slug, sum(seed.seconds for seed in seeds)),
            valid=_valid(summaries),
        )


class BaselineSystem(FeatureSystem):
    """A baseline of `emocli.models.baselines`, fitted while it is tested."""

    PRESET = False

    @property
    def title(self) -> str:
        """The baseline's name."""
        return self.row.baseline

    @property
    def is_trainable(self) -> bool:
        """False: a baseline is fitted when it is evaluated."""
        return False

    def shared(self, tree: Tree) -> Tree:
        """Return the settings it has in common with networks: how features are standardised."""
        train = subsection(tree, "train")
        own = {key: value for key, value in train.items() if key in READING}
        return {"train": own} if own else {}

    def subject(self, run: Path) -> EvaluationSubject:
        """Return the baseline, fitted on the train split of the fold."""
        return FittedBaseline(self.row.baseline, tuple(self.features.values()), self.settings)


@dataclass(frozen=True)
class TrainedRun(EvaluationSubject):
    """The networks of a run."""

    run: Path

    def identity(self, corpus: Manifest) -> object:
        """Return the code of the network, and the digests of the parameters."""
        config = rundir.read_config(self.run)
        network = code_digest([network_class(config.fusion)])
        members = rundir.members(self.run, config.seeds)
        return [network, *(digest(member / MODEL) for member in members)]

    def open(self, corpus: Manifest, store: Path) -> tuple[CachedEvaluator, None]:
        """Load the networks."""
        return RunEvaluator.open(self.run, "test", None, store), None


@dataclass(frozen=True)
class FittedBaseline(EvaluationSubject):
    """A baseline with the features and settings it is fitted with."""

    name: str
    features: tuple[str, ...]
    settings: Tree

    def identity(self, corpus: Manifest) -> object:
        """Return its name, what it is fitted on, and how."""
        return [self.name, labels(corpus), json.dumps(self.settings)]

    def open(self, corpus: Manifest, store: Path) -> tuple[CachedEvaluator, float | None]:
        """Fit it."""
        config = build(TrainConfig, self.settings.get("train", {}), "train")
        evaluator = BaselineEvaluator.open(self.name, corpus, store, self.features, config)
        return evaluator, evaluator.baseline.C


@dataclass(frozen=True)
class IndexedJobs:
    """Evaluation jobs called by index, which comes back with the result: results are unordered."""

    jobs: Sequence[EvaluationJob]

    def __call__(self, index: int) -> tuple[int, tuple[CachedEvaluation, ...]]:
        """Do one of the jobs."""
        return index, self.jobs[index]()


def network_fields(fusion: str) -> frozenset[str]:
    """Return the names of the settings of a network."""
    return frozenset(plugins.load("fusion", fusion).Config.model_fields)


def _clear_outdated(training: Training, overwrite: bool) -> None:
    """Remove a run of other settings or inputs, if that is allowed.

    Raises
    ------
    RunError
        If it is not.
    """
    if training.outdated is None:
        return
    if not overwrite:
        what = f"was trained with {training.outdated}"
        hint = "choose another --out, or train it again with --overwrite"
        raise RunError(what, where=training.run, hint=hint)
    rundir.clear(training.run)


def _result(
    condition: Condition, evaluation: CachedEvaluation, corpus: Manifest, metric: str
) -> ConditionResult:
    predictions = evaluation.predictions
    groups = clustered([corpus.clip(clip_id) for clip_id in predictions.ids])
    summary = summarise(predictions.scores, range(len(predictions.values)), groups)
    repair = predictions.repair.label
    corrupted, flagged, regenerated = (
        {m: len(ids) for m, ids in getattr(predictions, name).items()} if repair else None
        for name in MARKS
    )
    report = RowCondition(
        name=condition.name,
        corrupt=tuple(texts(condition.corrupt)),
        repair=repair,
        **vars(summary),
        corrupted=corrupted,
        flagged=flagged,
        regenerated=regenerated,
    )
    return ConditionResult(report, PerClip.of(predictions, metric))


def _valid(folds: Sequence[TrainSummary]) -> dict[str, float]:
    """Return the metrics of the valid clips, means over seeds and folds."""
    return {name: sum(f.valid[name] for f in folds) / len(folds) for name in folds[0].valid}
