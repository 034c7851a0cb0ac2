"""A table of a paper: every row trained with all folds and seeds, and tested under its conditions.

All that is computed is kept under the output folder, so that the same command goes on after an
interruption: ``runs/<row>/fold-K/seed-S``, ``answers/<row>/fold-K/<condition>.npz``. The report is
written anew after every row.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from emocli import __version__
from emocli.config import Tree, build
from emocli.data.durable import locked, make_folder, write_text
from emocli.data.manifest import Manifest
from emocli.data.pool import Pool, open_pool
from emocli.data.store import FeatureStore, check_path, features_in, open_feature, open_features
from emocli.errors import (
    ConfigError,
    EmocliError,
    ManifestError,
    RunError,
    StoreError,
    choice,
)
from emocli.evaluation.comparison import comparisons, recovery
from emocli.experiments import encoder_tables as extractors
from emocli.experiments.cache import MARKS, CachedEvaluation, EvaluationJob
from emocli.experiments.protocol import (
    Protocol,
    Reproduction,
    Say,
    check_sections,
    wanted,
    write,
)
from emocli.experiments.rows import SHARED, System, check_apart, overruled, systems
from emocli.experiments.table import Extractors, Table
from emocli.metrics.metrics import ERRORS, PROTOCOLS, RULES
from emocli.metrics.statistics import clustered, interval_over, warnings
from emocli.metrics.summary import summarise
from emocli.models import rundir
from emocli.parsing import read_object
from emocli.pipeline.fit_cca import fit_cca
from emocli.robust.check import ModalityCheck
from emocli.robust.corrupt import parse_all
from emocli.robust.options import RepairOptions, RobustOptions
from emocli.robust.repair import RepairConfig
from emocli.robust.settings import CheckConfig, configure
from emocli.training.prepare import prepare, read_settings
from emocli.training.train import Training, TrainSummary, carry_out

SECTIONS = ("reproduce", "experiment", "network", "train", "check", "rows")
"""Of the settings of a reproduction."""

COSTS = "costs.json"


@dataclass(frozen=True)
class Experiment:
    """An experiment on a corpus, all of it settled.

    Attributes
    ----------
    name : str
        Of the plug-in.
    table : Table
        What is asked.
    protocol : Protocol
        How it is run.
    corpora : tuple of Manifest
        The corpus, folded; or as it is.
    store : Path
        Folder of the features.
    stores : mapping
        Modality to its feature.
    systems : tuple of System
        The rows.
    settings : mapping
        All sections of settings.
    """

    name: str
    table: Table
    protocol: Protocol
    corpora: tuple[Manifest, ...]
    store: Path
    stores: Mapping[str, FeatureStore]
    systems: tuple[System, ...]
    settings: Tree

    @classmethod
    def of(
        cls, name: str, table: Table, manifest: Manifest, store: Path, settings: Tree
    ) -> Experiment:
        """Settle an experiment.

        Raises
        ------
        EmocliError
            If it does not fit the corpus, the store or the settings.
        """
        check_sections(settings, SECTIONS)
        protocol = build(Protocol, settings.get("reproduce", {}), "reproduce")
        if table.task not in (None, manifest.task):
            what = f"is of task '{manifest.task}', and {name} is about '{table.task}'"
            raise ManifestError(what, where=manifest.path or manifest.dataset)
        count = protocol.folds
        corpora = tuple(manifest.folded(k, count) for k in range(count)) or (manifest,)
        stores = open_features(store, protocol.features or None, manifest)
        chosen = {modality: feature.name for modality, feature in stores.items()}
        rows = tuple(systems(table, chosen, features_in(store), protocol.preset, settings))
        slugs = [system.slug for system in rows]
        for slug in protocol.only:
            if slug not in slugs:
                raise ConfigError(f"there is no row '{slug}'", hint=choice(slug, slugs))
        for system in rows:
            _check_conditions(system)
            _check_features(system, store, corpora[0])
        if all(system.lacking for system in rows):
            what = f"no row of {name} can be run: {rows[0].row.name}: {rows[0].lacking}"
            raise ConfigError(what, hint="name the modalities, e.g. --set experiment.visual=face")
        found = cls(name, table, protocol, corpora, store, stores, rows, settings)
        check_apart(
            ((s.slug, s.row.settings, _without_shared(s)) for s in found.due if s.learns),
            {part: settings.get(part, {}) for part in SHARED},
        )
        if found.checks and found.check.fit_on != "clean":
            what = "one check serves all rows, whatever they are trained with"
            raise ConfigError(what, hint="choose --set check.fit_on=clean")
        return found

    @cached_property
    def check(self) -> CheckConfig:
        """Settings of the modality check."""
        own = {"check": self.settings.get("check", {})}
        return configure(self.protocol.check_preset, own)

    @property
    def due(self) -> list[System]:
        """The rows to run now, and those whose networks they need."""
        only = self.protocol.only or [system.slug for system in self.systems]
        needed = {*only, *(system.trained for system in self.systems if system.slug in only)}
        return [system for system in self.systems if system.slug in needed]

    @property
    def overruled(self) -> list[str]:
        """Which settings of all networks do not count for some rows."""
        rows = ((system.slug, system.row.settings) for system in self.due)
        return overruled(rows, {part: self.settings.get(part, {}) for part in SHARED})

    @property
    def remarks(self) -> list[str]:
        """What a reader might take the settings to mean, and they do not."""
        return [*self.overruled, *self._unpreset()]

    def _unpreset(self) -> Iterator[str]:
        """Say what the preset that was asked for is not that of."""
        told, preset = self.settings.get("reproduce", {}), self.protocol.preset
        if "preset" not in told:
            return
        if self.checks and "check_preset" not in told:
            yield (
                f"preset '{preset}' is that of the networks; the modality check keeps "
                f"'{self.protocol.check_preset}': reproduce.check_preset changes it"
            )
        kinds = {
            str(repair["proxy"])
            for system in self.due
            for repair in (system.row.training, *(c.repair for c in system.row.conditions))
            if repair.get("proxy") and not system.lacking
        }
        if kinds and "proxy" not in self.settings.get("experiment", {}):
            kept = ", ".join(f"'{kind}'" for kind in sorted(kinds))
            yield (
                f"preset '{preset}' is that of the networks; the proxies keep {kept}: "
                "experiment.proxy changes them"
            )

    @property
    def fingerprints(self) -> dict[str, str]:
        """Feature to the fingerprint of its content, of all that any row is given."""
        names = {f for s in self.systems if not s.lacking for f in s.features.values()}
        opened = (open_feature(self.store, name, self.corpora[0]) for name in sorted(names))
        return {feature.name: feature.fingerprint for feature in opened}

    def folders(self, out: Path, slug: str) -> list[Path]:
        """Return the folder of each fold, of a row."""
        row = out / slug
        return rundir.fold_folders(row, self.protocol.folds) if self.protocol.folds else [row]

    def trainings(self, system: System, runs: Path, folds: int | None = None) -> list[Training]:
        """Plan the trainings of a row, on all folds or so many."""
        places = zip(self.corpora, self.folders(runs, system.slug), strict=True)
        return [
            Training.of(
                prepare(
                    corpus,
                    self.store,
                    system.row.fusion,
                    tuple(system.features.values()),
                    system.preset,
                    system.settings,
                    RobustOptions(**system.row.training),
                ),
                run,
                self.store,
                self.protocol.seeds,
            )
            for corpus, run in islice(places, folds)
        ]

    def require(self) -> None:
        """Make sure that every row can be trained, but for the modality check that is yet to be.

        Raises
        ------
        EmocliError
            If one cannot; it says which.
        """
        for system in (found for found in self.due if found.learns):
            training = dict(system.row.training)
            if training.get("check"):
                training |= {"check": None, "oracle": True}
            row = replace(system.row, training=training)
            with told_of(system):
                self.trainings(replace(system, row=row), Path("runs"), folds=1)

    @property
    def checks(self) -> bool:
        """Whether a row needs the modality check."""
        return any(
            asked.get("check")
            for system in self.due
            if not system.lacking
            for asked in (system.row.training, *(c.repair for c in system.row.conditions))
        )


@contextmanager
def told_of(system: System) -> Iterator[None]:
    """Say of an error which row it is of."""
    try:
        yield
    except EmocliError as error:
        what = f"row '{system.row.name}': {error.what}"
        raise type(error)(what, where=error.where, hint=error.hint) from None


def _without_shared(system: System) -> Tree:
    """Return the settings a row's network has by its preset alone."""
    with told_of(system):
        network, training, _ = read_settings(system.row.fusion, system.preset, {})
    return {"network": network.model_dump(), "train": training.model_dump()}


def sections(name: str) -> tuple[str, ...]:
    """Name the sections of settings that an experiment takes.

    Raises
    ------
    ConfigError
        If there is no such experiment.
    """
    return extractors.SECTIONS if isinstance(wanted(name, {}), Extractors) else SECTIONS


def plan(name: str, manifest: Manifest, store: Path, settings: Tree) -> dict[str, Any]:
    """Check everything and say what would be run; writes nothing."""
    table = wanted(name, settings)
    if isinstance(table, Extractors):
        return extractors.plan(name, table, manifest, settings)
    experiment = Experiment.of(name, table, manifest, store, settings)
    experiment.require()
    trainings = len(experiment.corpora) * experiment.protocol.seeds
    return {
        "experiment": name,
        "title": experiment.table.title,
        **experiment.protocol.model_dump(),
        "modalities": {m: s.name for m, s in experiment.stores.items()},
        "rows": [
            {
                "row": system.row.name,
                "slug": system.slug,
                "system": system.row.fusion or system.row.baseline,
                "preset": system.preset if system.row.fusion else "",
                "features": list(system.features.values()),
                "settings": system.settings,
                "conditions": [condition.name for condition in system.row.conditions],
                "trainings": trainings if system.learns else 0,
                "lacking": system.lacking,
            }
            for system in experiment.due
        ],
        "trainings": trainings * sum(system.learns for system in experiment.due),
        "remarks": experiment.remarks,
    }


def reproduce(
    name: str,
    manifest: Manifest,
    store: Path,
    out: Path,
    *,
    settings: Tree | None = None,
    workers: int = 1,
    overwrite: bool = False,
    say: Say = lambda step: None,
) -> Reproduction:
    """Run an experiment, or what is left of it.

    Parameters
    ----------
    name : str
        The experiment: ``rrnn-t2``.
    manifest : Manifest
        The corpus.
    store : Path
        Folder of its features.
    out : Path
        Folder for everything that comes out.
    settings : mapping, optional
        ``reproduce``: `Protocol`; ``experiment``: the experiment's own; ``network``, ``train``: of
        every network that has them, where the table does not set them row by row; ``check``: of the
        modality check; ``rows``: row to sections of its own. Of a table of encoders: see
        `emocli.experiments.encoder_tables`.
    workers : int
        Processes that compute; encoders are trained one after the other.
    overwrite : bool
        Train rows again whose settings or inputs have changed.
    say : callable
        Told what happens.

    Raises
    ------
    EmocliError
        If something is absent or does not fit.
    """
    tree = dict(settings or {})
    table = wanted(name, tree)
    if isinstance(table, Extractors):
        return extractors.reproduce(name, table, manifest, store, out, tree, overwrite, say)
    experiment = Experiment.of(name, table, manifest, store, tree)
    experiment.require()
    make_folder(out)
    with locked(out / ".lock"), open_pool(workers) as pool:
        return Runner(experiment, out, pool, overwrite, say).run()


@dataclass(frozen=True)
class Runner:
    """Runs an experiment in a folder."""

    experiment: Experiment
    out: Path
    pool: Pool
    overwrite: bool
    say: Say

    def run(self) -> Reproduction:
        """Run row after row; the report is written after each.

        Raises
        ------
        EmocliError
            If a row cannot be trained or tested, or none can be run.
        """
        experiment = self.experiment
        for line in experiment.remarks:
            self.say(f"warning: {line}")
        if experiment.checks:
            self._fit_checks()
        # Rows that cannot be trained are found out before hours have been spent on others.
        for system in experiment.due:
            if system.learns:
                self._prepared(system, folds=1)
        trained: dict[str, list[TrainSummary]] = {}
        done: dict[str, tuple[CachedEvaluation, ...]] = {}
        report = None
        for system in experiment.due:
            if system.lacking:
                self.say(f"{system.row.name}: cannot be run, {system.lacking}")
                continue
            if system.learns:
                trained[system.slug] = self._train(system)
            done[system.slug] = self._ask(system)
            results = Results(experiment, trained, done, self._costs())
            report = write(self.out, results.data())
            value = report.data["rows"][experiment.systems.index(system)]
            self.say(_line(value, experiment.table.figures[0]))
        if report is None:
            raise RunError("no row can be run", where=self.out)
        return report

    def _fit_checks(self) -> None:
        """Fit the modality check of every fold that has none for these features."""
        experiment = self.experiment
        features = [store.name for store in experiment.stores.values()]
        preset, own = experiment.protocol.check_preset, experiment.settings.get("check", {})
        for corpus in experiment.corpora:
            path = check_path(experiment.store, corpus.fold)
            kept = _kept(path, corpus, experiment.stores, experiment.check)
            if kept is None:
                self.say(f"fitting the modality check {path}")
                fit_cca(corpus, experiment.store, features, preset, {"check": own})
            elif kept.config != experiment.check:
                what = "has other settings than would be given it here, and is used as it is"
                self.say(f"warning: {path} {what}; remove it to have another")

    def _prepared(self, system: System, folds: int | None = None) -> list[Training]:
        with told_of(system):
            return self.experiment.trainings(system, self.out / "runs", folds)

    def _train(self, system: System) -> list[TrainSummary]:
        trainings = self._prepared(system)
        for training in trainings:
            if training.outdated is None:
                continue
            if not self.overwrite:
                what = f"was trained with {training.outdated}"
                hint = "choose another --out, or train it again with --overwrite"
                raise RunError(what, where=training.run, hint=hint)
            rundir.clear(training.run)
        count = sum(len(training.config.seeds) for training in trainings)
        self.say(f"{system.row.name}: training {system.row.fusion}, {count} times")
        start = time.monotonic()

        def progress(done: int, total: int) -> None:
            if self.pool.room > 1:
                passed = time.monotonic() - start
                self.say(f"{system.row.name}: {done * count // total} of {count}, {passed:.0f} s")

        summaries = carry_out(trainings, self.pool, False, progress)
        self._count(system, summaries)
        return summaries

    def _count(self, system: System, summaries: Sequence[TrainSummary]) -> None:
        """Add the time that was spent on trainings; what an interruption cuts short is lost."""
        costs = self._costs()
        costs[system.slug] = costs.get(system.slug, 0.0) + sum(
            seed.seconds for summary in summaries for seed in summary.seeds
        )
        write_text(self.out / COSTS, json.dumps(costs, indent=2) + "\n")

    def _costs(self) -> dict[str, float]:
        path = self.out / COSTS
        try:
            return {str(k): float(v) for k, v in read_object(path).items()}
        except (OSError, ValueError, AttributeError):
            return {}

    def _ask(self, system: System) -> tuple[CachedEvaluation, ...]:
        """Let a row answer under every condition; the clips of all folds are pooled."""
        experiment = self.experiment
        seed = experiment.protocol.corruption_seed
        runs = experiment.folders(self.out / "runs", system.trained)
        places = experiment.folders(self.out / "answers", system.slug)
        questions = [
            EvaluationJob(system, corpus, experiment.store, run, place, seed)
            for corpus, run, place in zip(experiment.corpora, runs, places, strict=True)
        ]
        asked = self.pool.results(Numbered(questions), range(len(questions)))
        folds = [answers for _, answers in sorted(asked, key=lambda found: found[0])]
        return tuple(CachedEvaluation.joined(fold) for fold in zip(*folds, strict=True))


@dataclass(frozen=True)
class Numbered:
    """Asks questions by number: answers come in any order."""

    questions: Sequence[EvaluationJob]

    def __call__(self, index: int) -> tuple[int, tuple[CachedEvaluation, ...]]:
        """Ask one of them."""
        return index, self.questions[index]()


@dataclass(frozen=True)
class Results:
    """What is known so far.

    Attributes
    ----------
    experiment : Experiment
        What is asked.
    trained : mapping
        Row to how its trainings went.
    answers : mapping
        Row to its answers, one per condition.
    costs : mapping
        Row to the seconds its trainings took.
    """

    experiment: Experiment
    trained: Mapping[str, Sequence[TrainSummary]]
    answers: Mapping[str, tuple[CachedEvaluation, ...]]
    costs: Mapping[str, float]

    @cached_property
    def groups(self) -> dict[str, str]:
        """Clip to what it is drawn with."""
        clips = [clip for corpus in self.experiment.corpora for clip in corpus.split("test")]
        return dict(zip((c.id for c in clips), clustered(clips), strict=True))

    def data(self) -> dict[str, Any]:
        """Return the report in plain values."""
        experiment = self.experiment
        first = experiment.corpora[0]
        clips = [first.clip(clip_id) for clip_id in self.groups]
        return {
            "format": 1,
            "emocli": __version__,
            "experiment": experiment.name,
            "title": experiment.table.title,
            "dataset": first.dataset,
            "task": first.task,
            "classes": list(first.classes),
            "n": len(self._any.predictions.ids),
            **experiment.protocol.model_dump(),
            "settings": experiment.settings,
            "figures": list(experiment.table.figures),
            "rows": [self._row(system) for system in experiment.systems],
            "comparisons": list(self._comparisons()),
            "recoveries": list(self._recoveries()),
            "chosen": self._chosen(),
            "by_class": list(experiment.table.by_class),
            "notes": list(experiment.table.notes),
            "interval": interval_over(clips),
            "warnings": warnings(clips),
            "protocols": dict(PROTOCOLS[first.task]),
            "rules": dict(RULES[first.task]),
            "seconds": sum(self.costs.values()),
            "inputs": {
                "manifest": first.fingerprint,
                "features": experiment.fingerprints,
            },
        }

    @property
    def _any(self) -> CachedEvaluation:
        return next(iter(self.answers.values()))[0]

    def _row(self, system: System) -> dict[str, Any]:
        row, done = system.row, self.answers.get(system.slug)
        facts: dict[str, Any] = {
            "row": row.name,
            "slug": system.slug,
            "system": row.fusion or row.baseline,
            "features": list(system.features.values()),
            "lacking": system.lacking,
            "printed": {name: dict(figures) for name, figures in row.printed.items()},
            "conditions": [],
        }
        if done is None:
            return facts | {"state": "lacking" if system.lacking else "not yet run"}
        pairs = zip(row.conditions, done, strict=True)
        return {
            **facts,
            **self._how(system, done),
            "state": "done",
            "conditions": [
                {
                    "name": condition.name,
                    "corrupt": list(condition.corrupt),
                    "repair": answer.predictions.repair.label,
                    **self._figures(answer),
                }
                for condition, answer in pairs
            ],
        }

    def _how(self, system: System, done: Sequence[CachedEvaluation]) -> dict[str, Any]:
        """Say how a row came about, and what it took."""
        summaries = self.trained.get(system.trained)
        if not summaries:
            return {"C": [cost for cost in done[0].costs if cost is not None]}
        return {
            "preset": system.preset,
            "settings": system.settings,
            "training": dict(system.row.training),
            "parameters": summaries[0].parameters,
            "best_epochs": [seed.best_epoch for s in summaries for seed in s.seeds],
            "valid": _valid(summaries),
            "seconds": self.costs.get(system.trained),
        }

    def _figures(self, answer: CachedEvaluation) -> dict[str, Any]:
        predictions = answer.predictions
        names = [self.groups[clip_id] for clip_id in predictions.ids]
        seeds = range(len(predictions.values))
        found = summarise(predictions.scores, seeds, names)
        counts = {
            name: {m: len(ids) for m, ids in getattr(predictions, name).items()} for name in MARKS
        }
        return found | (counts if predictions.repair.label else {})

    def _chosen(self) -> dict[str, Any]:
        """Say which of the alternatives is best on the valid clips, of those that are done."""
        table = self.experiment.table
        figure = table.figures[0]
        found = {
            system.row.name: _valid(self.trained[system.slug])[figure]
            for system in self.experiment.systems
            if system.row.name in table.alternatives and system.slug in self.trained
        }
        if not found:
            return {}
        best = (min if figure in ERRORS else max)(found, key=lambda name: found[name])
        return {"row": best, "figure": figure, "valid": found}

    def _comparisons(self) -> Iterator[dict[str, Any]]:
        by_name = {s.row.name: s for s in self.experiment.systems}
        for first, second in self.experiment.table.comparisons:
            pair = [by_name[first], by_name[second]]
            if all(system.slug in self.answers for system in pair):
                answers = [
                    {
                        condition.name: answer.predictions
                        for condition, answer in zip(
                            system.row.conditions, self.answers[system.slug], strict=True
                        )
                    }
                    for system in pair
                ]
                figure = self.experiment.table.figures[0]
                yield from comparisons((first, second), answers, figure, self.groups)

    def _recoveries(self) -> Iterator[dict[str, Any]]:
        slugs = {s.row.name: s.slug for s in self.experiment.systems}
        for names in self.experiment.table.recoveries:
            if all(slugs[name] in self.answers for name in names):
                row, worse, better = (self.answers[slugs[name]][0].predictions for name in names)
                figure = self.experiment.table.figures[0]
                yield recovery(names, (row, worse, better), figure, self.groups)


def _valid(folds: Sequence[TrainSummary]) -> dict[str, float]:
    """Return the figures of the valid clips, means over seeds and folds."""
    return {name: sum(f.valid[name] for f in folds) / len(folds) for name in folds[0].valid}


def _check_conditions(system: System) -> None:
    """Refuse conditions that cannot be measured, before anything is trained.

    Raises
    ------
    ConfigError
        If there are some.
    """
    for condition in () if system.lacking else system.row.conditions:
        parse_all(condition.corrupt, system.features)
        RepairConfig().with_options(RepairOptions(**condition.repair))


def _check_features(system: System, store: Path, corpus: Manifest) -> None:
    """Refuse a row's own feature of another modality than the one it is to stand for.

    Raises
    ------
    StoreError
        If it is one.
    """
    for modality, name in system.row.features.items() if not system.lacking else ():
        feature = open_feature(store, name, corpus)
        if feature.modality != modality:
            what = f"feature '{name}' is {feature.modality}, row '{system.row.name}' is about"
            hint = "name another feature with --set experiment.KEY=FEATURE"
            raise StoreError(f"{what} {modality}", where=store, hint=hint)


def _kept(
    path: Path, corpus: Manifest, stores: Mapping[str, FeatureStore], config: CheckConfig
) -> ModalityCheck | None:
    """Return the check that is there and stays: a user's own, or of a fold one fitted on this."""
    if not path.is_file():
        return None
    if corpus.fold is None:
        return ModalityCheck.load(path)
    try:
        check = ModalityCheck.load(path)
    except EmocliError:
        return None
    origin = check.origin
    clips = tuple(clip.id for clip in corpus.split("train") if corpus.is_labelled(clip))
    same = (
        origin is not None
        and origin.fingerprints == {m: store.fingerprint for m, store in stores.items()}
        and origin.ids == clips
        and check.config == config
    )
    return check if same else None


def _line(row: Mapping[str, Any], figure: str) -> str:
    shown = ", ".join(f"{c['name']} {c[figure]:.3f}" for c in row["conditions"])
    return f"{row['row']}: {figure} {shown}"
