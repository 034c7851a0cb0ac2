"""Rows of encoders, trained as by `emocli fit-encoder` on every fold with every seed.

``runs/<row>/fold-K/seed-S`` are the encoders, and ``nearest.json`` in each says which test clips it
classifies correctly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from emocli.config import Tree, merge
from emocli.data.clip import Split
from emocli.data.durable import digest, write_text
from emocli.data.json_io import as_json
from emocli.data.manifest import Manifest
from emocli.data.record import Record
from emocli.errors import RunError
from emocli.evaluation.comparison import PerClip
from emocli.experiments.cache import code_digest
from emocli.experiments.report import RowCondition
from emocli.experiments.rows import ConditionResult, Inputs, RowContext, System, Tested, Trained
from emocli.metrics.statistics import spread
from emocli.models.encoder import load
from emocli.models.rundir import MODEL, read_history
from emocli.parsing import read_object
from emocli.plugin.experiment import PictureKind
from emocli.training.compute import deterministic_torch
from emocli.training.encoders.encoder_task import embedded, nearest
from emocli.training.encoders.fit_encoder import EncoderSummary, fit_encoder
from emocli.training.encoders.picture_source import CorpusInputs, picture_source
from emocli.training.encoders.pictures import LabelledPictures, of_manifest
from emocli.training.encoders.plan import EncoderPlan

METRIC = "nearest"
METRICS = {
    METRIC: "share of clips whose nearest training clip, by the cosine of their vectors, is of "
    "their class"
}
"""What the metric of encoders is."""

HITS = "nearest.json"


@dataclass(frozen=True, kw_only=True)
class Hits(Record):
    """Test clips and whether an encoder is right about them; ``key`` is what that depends on."""

    key: tuple[str, ...]
    hits: Mapping[str, bool]


@dataclass(frozen=True)
class Fitting:
    """The training of an encoder on one fold with one seed."""

    corpus: Manifest
    run: Path
    settings: Tree
    plan: EncoderPlan


class EncoderSystem(System):
    """A way to train an encoder."""

    SHARED = SECTIONS = ("encoder", "train", "loss", "augment")
    SETTLED = True
    STORED = False

    @property
    def kind(self) -> PictureKind:
        """What it looks at."""
        assert self.row.encoder is not None
        return self.row.encoder

    @property
    def title(self) -> str:
        """What it is."""
        return f"{self.kind} encoder"

    @property
    def is_trainable(self) -> bool:
        """True of every encoder."""
        return True

    @property
    def conditions(self) -> tuple[str, ...]:
        """The clips it is chosen by, and those it never saw."""
        return "validation", "test"

    @property
    def sees(self) -> list[str]:
        """The feature it looks at, if it is one."""
        return [picture_source(self.kind).feature or "pictures of the videos"]

    def with_settings(self, tree: Tree, own: Tree) -> Tree:
        """Return the settings of the first seed; see `System`."""
        return merge(super().with_settings(tree, own), {"train": {"seed": 0}})

    def defaults(self) -> Tree:
        """Return the settings its preset alone gives."""
        plan = EncoderPlan.of(self.preset, {}, self.kind)
        return {part: getattr(plan, part).model_dump() for part in self.SHARED}

    def check(self, inputs: Inputs) -> None:
        """Refuse settings that do not fit; see `System`."""
        EncoderPlan.of(self.preset, self.settings, self.kind)

    def _fittings(self, context: RowContext) -> list[list[Fitting]]:
        """Return the trainings: a list of seeds for each fold."""
        inputs = context.inputs
        seeds = [
            merge(self.settings, {"train": {"seed": seed}}) for seed in range(inputs.config.seeds)
        ]
        plans = [EncoderPlan.of(self.preset, settings, self.kind) for settings in seeds]
        folders = inputs.folders(context.runs, self.slug)
        return [
            [
                Fitting(corpus, folder / f"seed-{seed}", settings, plan)
                for seed, (settings, plan) in enumerate(zip(seeds, plans, strict=True))
            ]
            for corpus, folder in zip(inputs.corpora, folders, strict=True)
        ]

    def train(self, context: RowContext) -> Trained:
        """Train on every fold with every seed, one after the other; see `System`."""
        context.say(f"{self.row.name}: training {self.kind} encoders")
        folds = [
            [self._fit(fitting, context) for fitting in seeds] for seeds in self._fittings(context)
        ]
        every = [summary for seeds in folds for summary in seeds]
        valid = [[(summary.accuracy, summary.valid) for summary in seeds] for seeds in folds]
        return Trained(
            parameters=every[0].parameters,
            best_epochs=tuple(summary.best_epoch for summary in every),
            seconds=sum(map(_seconds, every)),
            conditions=(ConditionResult(_pooled("validation", valid)),),
        )

    def _fit(self, fitting: Fitting, context: RowContext) -> EncoderSummary:
        """Train or resume an encoder; one of other settings is replaced if that is allowed."""

        def fit(overwrite: bool) -> EncoderSummary:
            return fit_encoder(
                self.kind,
                fitting.corpus,
                fitting.run,
                store=context.inputs.store,
                preset=self.preset,
                settings=fitting.settings,
                overwrite=overwrite,
            )

        try:
            return fit(overwrite=False)
        except RunError:
            if not context.overwrite:
                raise
        return fit(overwrite=True)

    def evaluate(self, context: RowContext) -> Tested:
        """Tell which test clips each encoder is right about; see `System`."""
        store, cache = context.inputs.store, context.out / ".pictures"
        folds = [
            [_hits(fitting, store, cache) for fitting in seeds] for seeds in self._fittings(context)
        ]
        test = [[(sum(hits.values()) / len(hits), len(hits)) for hits in seeds] for seeds in folds]
        return Tested((ConditionResult(_pooled("test", test), PerClip(METRIC, _rates(folds))),))


def _seconds(summary: EncoderSummary) -> float:
    """Return the seconds that a training took."""
    return sum(row["seconds"] for row in read_history(summary.run, ("seconds",)))


def _hits(fitting: Fitting, store: Path, cache: Path) -> dict[str, bool]:
    """Tell which test clips an encoder is right about: kept, or computed."""
    run, plan = fitting.run, fitting.plan
    pictures = _with_test(plan, fitting.corpus, store, cache)
    path, key = run / HITS, (code_digest(), digest(run / MODEL), pictures.fingerprint)
    try:
        kept = Hits.from_data(read_object(path))
        if kept.key == key:
            return dict(kept.hits)
    except (OSError, ValueError):
        pass
    encoder, screen = load(run, plan.source.kind)
    train, test, labels = pictures.train, pictures.valid, pictures.labels
    with deterministic_torch(plan.train.threads):
        vectors = [embedded(encoder, screen, pictures, part) for part in (train, test)]
    right = nearest(vectors[0], labels[train], vectors[1], labels[test])
    hits = {pictures.ids[index]: bool(hit) for index, hit in zip(test, right, strict=True)}
    write_text(path, as_json(Hits(key=key, hits=hits)))
    return hits


def _with_test(plan: EncoderPlan, corpus: Manifest, store: Path, cache: Path) -> LabelledPictures:
    """Take the pictures of the test split in the place of those of the valid split."""
    other: Mapping[Split, Split] = {"train": "train", "valid": "test", "test": "valid"}
    clips = tuple(replace(clip, split=other[clip.split]) for clip in corpus.clips)
    swapped = replace(corpus, clips=clips)
    inputs = CorpusInputs(swapped, store, plan.encoder.side, cache)
    return of_manifest(plan.source, inputs, "label")


def _rates(folds: Sequence[Sequence[Mapping[str, bool]]]) -> dict[str, float]:
    """Test clip to the share of the seeds that are right about it."""
    return {
        clip_id: sum(hits[clip_id] for hits in seeds) / len(seeds)
        for seeds in folds
        for clip_id in seeds[0]
    }


def _pooled(name: str, folds: Sequence[Sequence[tuple[float, int]]]) -> RowCondition:
    """Pool the accuracies and numbers of clips of the folds: mean and spread over the seeds."""
    accuracies, clips = np.moveaxis(np.array(folds), -1, 0)  # (folds, seeds) each
    pooled = (accuracies * clips).sum(axis=0) / clips.sum(axis=0)
    over_seeds = spread(pooled.tolist())
    several = {f"{METRIC}_std": over_seeds.std} if len(pooled) > 1 else {}
    return RowCondition(name=name, metrics={METRIC: over_seeds.mean, **several})
