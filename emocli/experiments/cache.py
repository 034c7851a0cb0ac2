"""What systems say about test clips under each condition: measured once, and kept."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from emocli import __version__
from emocli.config import build
from emocli.data.durable import digest, make_folder, write_bytes
from emocli.data.manifest import Manifest
from emocli.data.npz import read_arrays
from emocli.data.store import FeatureStore, check_path, open_features
from emocli.errors import EmocliError
from emocli.evaluation.baseline import BaselineEvaluator
from emocli.evaluation.evaluator import Predictions, RunEvaluator
from emocli.experiments.rows import System, slug
from emocli.experiments.table import Condition
from emocli.models import rundir
from emocli.models.rundir import MODEL
from emocli.parsing import parse_object
from emocli.robust.corrupt import CorruptionSpec, parse_all
from emocli.robust.options import RepairOptions
from emocli.robust.repair import RepairConfig
from emocli.training.prepare import labels

MARKS = ("corrupted", "flagged", "regenerated")
"""What is known of modalities of clips."""


@dataclass(frozen=True)
class CachedEvaluation:
    """What a system says under one condition, and the C of a classical one in each fold."""

    predictions: Predictions
    costs: tuple[float | None, ...]

    @classmethod
    def joined(cls, parts: Sequence[CachedEvaluation]) -> CachedEvaluation:
        """Put the folds together."""
        predictions = Predictions.joined([part.predictions for part in parts])
        return cls(predictions, tuple(cost for part in parts for cost in part.costs))


@dataclass(frozen=True)
class EvaluationJob:
    """A system, the test clips of one fold, and conditions; any process can ask it.

    Attributes
    ----------
    system : System
        Who is asked.
    corpus : Manifest
        The corpus, folded.
    store : Path
        Its features.
    run : Path
        The run of this fold, if the system is a network.
    place : Path
        Folder in which the answers are kept.
    seed : int
        Of the corruptions.
    """

    system: System
    corpus: Manifest
    store: Path
    run: Path
    place: Path
    seed: int

    def __call__(self) -> tuple[CachedEvaluation, ...]:
        """Return an answer for each condition: the one that is kept, if there is one."""
        return tuple(self._answer(condition) for condition in self.system.row.conditions)

    def _answer(self, condition: Condition) -> CachedEvaluation:
        path = self.place / f"{slug(condition.name)}.npz"
        key, corruptions = self._key(condition), parse_all(condition.corrupt, self._stores)
        kept = _read(path, key, corruptions, self.corpus)
        if kept is None:
            predictions = self._bench.predict(
                corruptions, self.seed, RepairOptions(**condition.repair)
            )
            baseline = getattr(self._bench, "baseline", None)
            kept = CachedEvaluation(predictions, (baseline and baseline.cost,))
            _write(path, key, kept)
        return kept

    @cached_property
    def _bench(self) -> RunEvaluator | BaselineEvaluator:
        row = self.system.row
        if row.fusion:
            return RunEvaluator.open(self.run, "test", None, self.store)
        features = tuple(self.system.features.values())
        outliers = self.system.settings.get("train", {}).get("outliers")
        return BaselineEvaluator.open(row.baseline, self.corpus, self.store, features, outliers)

    @cached_property
    def _stores(self) -> Mapping[str, FeatureStore]:
        return open_features(self.store, tuple(self.system.features.values()), self.corpus)

    @cached_property
    def _who(self) -> list[str]:
        """Tell apart who is asked: trained networks, or a baseline and what it is fitted on."""
        row = self.system.row
        if not row.fusion:
            return [row.baseline, labels(self.corpus), json.dumps(self.system.settings)]
        seeds = rundir.read_config(self.run).seeds
        return [digest(member / MODEL) for member in rundir.members(self.run, seeds)]

    def _key(self, condition: Condition) -> str:
        """Tell questions apart by everything that answers depend on."""
        tested = self.corpus.split("test")
        check = check_path(self.store, self.corpus.fold)
        robust = {**self.system.row.training, **condition.repair}
        parts = [
            __version__,
            self._who,
            [[clip.id, clip.label, sorted(clip.labels.items())] for clip in tested],
            {modality: store.fingerprint for modality, store in self._stores.items()},
            [condition.corrupt, dict(condition.repair), self.seed],
            digest(check) if robust.get("check") and check.is_file() else "",
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _write(path: Path, key: str, answer: CachedEvaluation) -> None:
    predictions = answer.predictions
    about = {
        "key": key,
        "costs": answer.costs,
        "repair": predictions.repair.model_dump(mode="json", include={*RepairConfig.model_fields}),
        **{
            name: {modality: sorted(ids) for modality, ids in getattr(predictions, name).items()}
            for name in MARKS
        },
    }
    file = io.BytesIO()
    np.savez_compressed(
        file,
        ids=np.array(predictions.ids),
        targets=predictions.targets,
        values=np.stack(predictions.values),
        about=np.array(json.dumps(about)),
    )
    make_folder(path.parent)
    write_bytes(path, file.getvalue())


def _read(
    path: Path, key: str, corruptions: tuple[CorruptionSpec, ...], corpus: Manifest
) -> CachedEvaluation | None:
    """Read what is kept; None if there is nothing, or it answers another question."""
    try:
        file = read_arrays(path, ("about", "ids", "targets", "values"))
        about = parse_object(str(file["about"]))
        if about["key"] != key:
            return None
        predictions = Predictions(
            corruptions=corruptions,
            ids=tuple(file["ids"].tolist()),
            targets=file["targets"],
            values=tuple(file["values"]),
            task=corpus.task,
            classes=corpus.classes,
            repair=build(RepairConfig, about["repair"], "repair"),
            **{
                name: {modality: frozenset(ids) for modality, ids in about[name].items()}
                for name in MARKS
            },
        )
        return CachedEvaluation(predictions, tuple(about["costs"]))
    except (ValueError, KeyError, TypeError, AttributeError, EmocliError):
        return None
