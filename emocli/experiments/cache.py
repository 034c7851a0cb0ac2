"""Cached evaluations: the predictions of a row for the test clips of a fold, by condition.

Each is a file, valid for as long as everything it depends on is the same: the source of the code
that computes it (`code_digest`), the libraries that do (`LIBRARIES`), the trained parameters or the
baseline's settings, clips, labels, features, condition, seed, and the modality check where it is
asked.
"""

from __future__ import annotations

import hashlib
import io
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import emocli
from emocli.config import Tree, build
from emocli.data.durable import digest, make_folder, write_bytes
from emocli.data.manifest import Manifest
from emocli.data.npz import read_arrays
from emocli.data.record import Record
from emocli.data.store import StoredFeature, check_path, open_features
from emocli.errors import EmocliError
from emocli.evaluation.baseline import BaselineEvaluator
from emocli.evaluation.evaluator import RunEvaluator
from emocli.evaluation.predictions import Predictions
from emocli.experiments.rows import slug
from emocli.parsing import parse_object
from emocli.plugin.experiment import Condition
from emocli.plugin.robustness import CorruptionSpec, RobustOptions, on, texts
from emocli.robust.repair import RepairConfig
from emocli.version import version_of

MARKS = ("corrupted", "flagged", "regenerated")
"""What is known of modalities of clips."""

LIBRARIES = ("numpy", "scikit-learn", "scipy", "torch")
"""Distributions of whose versions predictions depend: another one fits a baseline otherwise."""

SHOWING = ("cli", "report")
"""Packages that show what others compute; so does every file called ``drawing.py``."""

CachedEvaluator = RunEvaluator | BaselineEvaluator


def code_digest(plugins: Iterable[type] = ()) -> str:
    """Return the SHA-256 of the source files of emocli but what only shows, and of plug-ins.

    Any change of these files counts, even of a comment: to compute anew for nothing costs seconds.

    Parameters
    ----------
    plugins : iterable of type
        Classes of plug-ins: all files of the top-level package of each count, as it may keep its
        code in several.
    """
    sources = _sources(Path(emocli.__file__).parent)
    for name in {plugin.__module__.partition(".")[0] for plugin in plugins} - {emocli.__name__}:
        sources |= _package(name)
    lines = [f"{name} {digest(sources[name])}\n" for name in sorted(sources)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _sources(root: Path) -> dict[str, Path]:
    """Return the files of emocli that may decide what is predicted."""
    files = {path.relative_to(root): path for path in root.rglob("*.py")}
    return {
        path.as_posix(): file
        for path, file in files.items()
        if path.parts[0] not in SHOWING and path.name != "drawing.py"
    }


def _package(name: str) -> dict[str, Path]:
    """Return the files of another package, or the only one if it is a single module."""
    spec = find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        return {name: Path(spec.origin)} if spec and spec.origin else {}
    roots = [Path(folder) for folder in spec.submodule_search_locations]
    return {
        f"{name}/{path.relative_to(root).as_posix()}": path
        for root in roots
        for path in root.rglob("*.py")
    }


class EvaluationSubject(ABC):
    """The subject of an evaluation; processes hand it to each other."""

    @abstractmethod
    def identity(self, corpus: Manifest) -> object:
        """Return what tells it apart from others, in values that JSON knows."""

    @abstractmethod
    def open(self, corpus: Manifest, store: Path) -> tuple[CachedEvaluator, float | None]:
        """Return it ready to predict test clips, and the C that was chosen for a classical one."""


@dataclass(frozen=True)
class CachedEvaluation:
    """The predictions under one condition, and the C of a classical one in each fold."""

    predictions: Predictions
    C: tuple[float | None, ...]

    @classmethod
    def joined(cls, parts: Sequence[CachedEvaluation]) -> CachedEvaluation:
        """Put the folds together."""
        predictions = Predictions.joined([part.predictions for part in parts])
        return cls(predictions, tuple(value for part in parts for value in part.C))


@dataclass(frozen=True, kw_only=True)
class EvaluationFacts(Record):
    """What a file says of an evaluation beside its arrays, and ``key``: all that it depends on."""

    key: str
    C: tuple[float | None, ...]
    one_vs_rest: bool
    repair: Tree
    corrupted: Mapping[str, tuple[str, ...]]
    flagged: Mapping[str, tuple[str, ...]]
    regenerated: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class EvaluationJob:
    """The evaluation of a subject on the test clips of one fold, which any process can do.

    Attributes
    ----------
    subject : EvaluationSubject
        What is evaluated.
    conditions : tuple of Condition
        Under which.
    features : tuple of str
        What it is given.
    training : RobustOptions
        How a network was made robust in training: a repair goes on with it.
    corpus : Manifest
        The corpus, folded.
    store : Path
        Its features.
    folder : Path
        Where the evaluations are kept, a file for each condition.
    seed : int
        Of the corruptions.
    fit_on : str
        Which modality check a repair asks.
    normalise : str
        Whether that is of features normalised by ``speaker``.
    """

    subject: EvaluationSubject
    conditions: tuple[Condition, ...]
    features: tuple[str, ...]
    training: RobustOptions
    corpus: Manifest
    store: Path
    folder: Path
    seed: int
    fit_on: str = "clean"
    normalise: str = "none"

    def __call__(self) -> tuple[CachedEvaluation, ...]:
        """Return an evaluation for each condition: the one that is kept, if it is still valid."""
        return tuple(self._evaluation(condition) for condition in self.conditions)

    def _evaluation(self, condition: Condition) -> CachedEvaluation:
        path = self.folder / f"{slug(condition.name)}.npz"
        corruptions = on(condition.corrupt, self._stores)
        key = self._key(condition, corruptions)
        kept = _read(path, key, corruptions, self.corpus)
        if kept is None:
            predictor, C = self._opened
            predictions = predictor.predict(corruptions, self.seed, condition.repair)
            kept = CachedEvaluation(predictions, (C,))
            _write(path, key, kept)
        return kept

    @cached_property
    def _opened(self) -> tuple[CachedEvaluator, float | None]:
        return self.subject.open(self.corpus, self.store)

    @cached_property
    def _stores(self) -> Mapping[str, StoredFeature]:
        return open_features(self.store, self.features, self.corpus)

    @cached_property
    def _shared(self) -> list[object]:
        """Everything that evaluations under all conditions depend on."""
        tested = self.corpus.split("test")
        return [
            self.subject.identity(self.corpus),
            [[clip.id, clip.label, sorted(clip.labels.items())] for clip in tested],
            {modality: store.fingerprint for modality, store in self._stores.items()},
            self.seed,
        ]

    def _key(self, condition: Condition, corruptions: Sequence[CorruptionSpec]) -> str:
        """Return the digest of everything that an evaluation depends on."""
        check = check_path(self.store, self.corpus.fold, self.fit_on, self.normalise)
        repair = condition.repair
        checks = self.training.check if repair.check is None else repair.check
        parts = [
            code_digest({type(corruption.config) for corruption in corruptions}),
            {name: version_of(name) for name in LIBRARIES},
            self._shared,
            [texts(condition.corrupt), repair.stated()],
            digest(check) if checks and check.is_file() else "",
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _write(path: Path, key: str, evaluation: CachedEvaluation) -> None:
    predictions = evaluation.predictions
    facts = EvaluationFacts(
        key=key,
        C=evaluation.C,
        one_vs_rest=predictions.one_vs_rest,
        repair=predictions.repair.model_dump(mode="json", include={*RepairConfig.model_fields}),
        **{
            name: {m: tuple(sorted(ids)) for m, ids in getattr(predictions, name).items()}
            for name in MARKS
        },
    )
    file = io.BytesIO()
    np.savez_compressed(
        file,
        ids=np.array(predictions.ids),
        targets=predictions.targets,
        values=np.stack(predictions.values),
        about=np.array(json.dumps(facts.data())),
    )
    make_folder(path.parent)
    write_bytes(path, file.getvalue())


def _read(
    path: Path, key: str, corruptions: tuple[CorruptionSpec, ...], corpus: Manifest
) -> CachedEvaluation | None:
    """Read what is kept; None if there is nothing, or it depends on something else."""
    try:
        file = read_arrays(path, ("about", "ids", "targets", "values"))
        facts = EvaluationFacts.from_data(parse_object(str(file["about"])))
        if facts.key != key:
            return None
        predictions = Predictions(
            corruptions=corruptions,
            ids=tuple(file["ids"].tolist()),
            targets=file["targets"],
            values=tuple(file["values"]),
            task=corpus.task,
            classes=corpus.classes,
            repair=build(RepairConfig, facts.repair, "repair"),
            one_vs_rest=facts.one_vs_rest,
            uncalibrated=(),
            corrupted=_clips(facts.corrupted),
            flagged=_clips(facts.flagged),
            regenerated=_clips(facts.regenerated),
        )
        return CachedEvaluation(predictions, facts.C)
    except (ValueError, KeyError, TypeError, EmocliError):
        return None


def _clips(marked: Mapping[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    return {modality: frozenset(ids) for modality, ids in marked.items()}
