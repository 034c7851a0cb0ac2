"""A table of encoders: each way to train one, on every fold and with every seed.

Everything is kept under the output folder, so that the same command goes on after an interruption:
``runs/<row>/fold-K/seed-S`` are the encoders, and ``nearest.json`` in each is what it says of the
test clips. The report is written anew after every row.

Settings are ``reproduce`` and ``experiment`` as always; ``encoder``, ``train``, ``loss`` and
``augment`` of all encoders, where the table does not set them row by row; and ``rows``: row to such
sections of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from emocli import __version__
from emocli.config import Tree, build, merge
from emocli.data.clip import Clip, Split
from emocli.data.durable import digest, locked, used_folder, write_text
from emocli.data.manifest import Manifest
from emocli.errors import ConfigError, RunError, choice
from emocli.experiments.protocol import Protocol, Reproduction, Say, check_sections, write
from emocli.experiments.rows import check_apart, overruled, slug
from emocli.experiments.table import Extractor, Extractors
from emocli.metrics.statistics import (
    cluster_bootstrap,
    clustered,
    interval_over,
    spread,
    warnings,
)
from emocli.metrics.summary import told
from emocli.models import rundir
from emocli.models.encoder import load
from emocli.models.rundir import MODEL, read_history
from emocli.parsing import read_object
from emocli.training.compute import deterministic_torch
from emocli.training.encoder_plan import EncoderPlan
from emocli.training.encoder_task import embedded, nearest
from emocli.training.fit_encoder import EncoderSummary, fit_encoder
from emocli.training.pictures import FEATURES, Pictures, of_manifest

PARTS = ("encoder", "train", "loss", "augment")
SECTIONS = ("reproduce", "experiment", *PARTS, "rows")
"""Of the settings."""

FIGURE = "nearest"
PROTOCOL = (
    "share of clips whose nearest training clip, by the cosine of their vectors, is of their class"
)

SAID = "nearest.json"


@dataclass(frozen=True)
class Comparison:
    """A table of encoders on a corpus.

    Attributes
    ----------
    name : str
        Of the experiment.
    table : Extractors
        What is asked.
    protocol : Protocol
        How it is run.
    corpora : tuple of Manifest
        The corpus, folded; or as it is.
    settings : mapping
        All sections of settings.
    """

    name: str
    table: Extractors
    protocol: Protocol
    corpora: tuple[Manifest, ...]
    settings: Tree

    @classmethod
    def of(cls, name: str, table: Extractors, manifest: Manifest, settings: Tree) -> Comparison:
        """Settle it.

        Raises
        ------
        EmocliError
            If the settings do not fit.
        """
        check_sections(settings, SECTIONS)
        protocol = build(Protocol, settings.get("reproduce", {}), "reproduce")
        if protocol.features:
            what = f"{name} looks at what 'experiment.kind' says, not at features"
            raise ConfigError(what, hint="leave -f out")
        slugs = [slug(row.name) for row in table.rows]
        for asked in (*settings.get("rows", {}), *protocol.only):
            if asked not in slugs:
                raise ConfigError(f"there is no row '{asked}'", hint=choice(asked, slugs))
        count = protocol.folds
        corpora = tuple(manifest.folded(k, count) for k in range(count)) or (manifest,)
        comparison = cls(name, table, protocol, corpora, settings)
        for row in table.rows:
            EncoderPlan.of(comparison.preset(row), comparison.choices(row, 0), table.kind)
        check_apart(
            ((slug(r.name), r.settings, comparison.alone(r)) for r in comparison.due),
            comparison.shared,
        )
        return comparison

    @property
    def due(self) -> list[Extractor]:
        """The rows to be run now."""
        only = self.protocol.only
        return [row for row in self.table.rows if not only or slug(row.name) in only]

    @property
    def shared(self) -> Tree:
        """The settings of all encoders."""
        return {part: self.settings[part] for part in PARTS if part in self.settings}

    @property
    def overruled(self) -> list[str]:
        """Which of these do not count for some rows."""
        return overruled(((slug(row.name), row.settings) for row in self.due), self.shared)

    def preset(self, row: Extractor) -> str:
        """Return what a row's settings start from."""
        return row.preset or self.protocol.preset

    def alone(self, row: Extractor) -> Tree:
        """Return the settings a row has by its preset alone."""
        plan = EncoderPlan.of(self.preset(row), {}, self.table.kind)
        return {part: getattr(plan, part).model_dump() for part in PARTS}

    def choices(self, row: Extractor, seed: int) -> Tree:
        """Return a row's settings: the command's for it over the table's over those for all."""
        own = self.settings.get("rows", {}).get(slug(row.name), {})
        return merge(merge(merge(self.shared, row.settings), own), {"train": {"seed": seed}})


@dataclass(frozen=True)
class Trial:
    """One encoder: how it was trained, and which test clips it is right about."""

    summary: EncoderSummary
    hits: Mapping[str, bool]

    @property
    def accuracy(self) -> float:
        """Share of the test clips it is right about."""
        return sum(self.hits.values()) / len(self.hits)

    @property
    def seconds(self) -> float:
        """What its training took."""
        return sum(row["seconds"] for row in read_history(self.summary.run, ("seconds",)))


def plan(name: str, table: Extractors, manifest: Manifest, settings: Tree) -> dict[str, Any]:
    """Check the settings and say what would be run; writes nothing."""
    comparison = Comparison.of(name, table, manifest, settings)
    trainings = len(comparison.corpora) * comparison.protocol.seeds
    return {
        "experiment": name,
        "title": table.title,
        **comparison.protocol.model_dump(),
        "rows": [
            {
                "row": row.name,
                "slug": slug(row.name),
                "system": f"{table.kind} encoder",
                "preset": comparison.preset(row),
                "settings": comparison.choices(row, 0),
                "trainings": trainings,
            }
            for row in comparison.due
        ],
        "trainings": trainings * len(comparison.due),
        "remarks": comparison.overruled,
    }


def reproduce(
    name: str,
    table: Extractors,
    manifest: Manifest,
    store: Path,
    out: Path,
    settings: Tree,
    overwrite: bool,
    say: Say,
) -> Reproduction:
    """Train all encoders, or those that are left; parameters as of `emocli.experiments.runner`."""
    comparison = Comparison.of(name, table, manifest, settings)
    done: dict[str, list[list[Trial]]] = {}
    for line in comparison.overruled:
        say(f"warning: {line}")
    with used_folder(out), locked(out / ".lock"):
        for row in comparison.due:
            say(f"{row.name}: training {table.kind} encoders")
            done[row.name] = _trials(comparison, row, store, out, overwrite)
            report = write(out, _report(comparison, done))
            rows = {found["row"]: found for found in report.data["rows"]}
            shown = [f"{c['name']} {c[FIGURE]:.3f}" for c in rows[row.name]["conditions"]]
            say(f"{row.name}: {FIGURE} {', '.join(shown)}")
    return report


def _trials(
    comparison: Comparison, row: Extractor, store: Path, out: Path, overwrite: bool
) -> list[list[Trial]]:
    """Return a trial for each fold and seed."""
    folder, count = out / "runs" / slug(row.name), comparison.protocol.folds
    folders = rundir.fold_folders(folder, count) if count else [folder]
    kind, found = comparison.table.kind, []
    for corpus, place in zip(comparison.corpora, folders, strict=True):
        trials = []
        for seed in range(comparison.protocol.seeds):
            settled = EncoderPlan.of(comparison.preset(row), comparison.choices(row, seed), kind)
            run = place / f"seed-{seed}"
            summary = _trained(comparison, row, seed, corpus, run, store, overwrite)
            hits = _tested(run, settled, corpus, store, out / ".pictures")
            trials.append(Trial(summary, hits))
        found.append(trials)
    return found


def _trained(
    comparison: Comparison,
    row: Extractor,
    seed: int,
    corpus: Manifest,
    run: Path,
    store: Path,
    overwrite: bool,
) -> EncoderSummary:
    """Train an encoder; one of other settings is replaced if that is allowed, others resumed."""
    kind, preset = comparison.table.kind, comparison.preset(row)
    choices = comparison.choices(row, seed)
    try:
        return fit_encoder(kind, corpus, run, store=store, preset=preset, settings=choices)
    except RunError:
        if not overwrite:
            raise
    return fit_encoder(
        kind, corpus, run, store=store, preset=preset, settings=choices, overwrite=True
    )


def _tested(
    run: Path, plan: EncoderPlan, corpus: Manifest, store: Path, cache: Path
) -> dict[str, bool]:
    """Tell which test clips an encoder is right about: kept, or computed."""
    pictures = _with_test(plan, corpus, store, cache)
    path, key = run / SAID, [__version__, digest(run / MODEL), pictures.fingerprint]
    try:
        kept = read_object(path)
        if kept["key"] == key:
            return dict(kept["hits"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    encoder, screen = load(run, plan.kind)
    known, asked, labels = pictures.train, pictures.valid, pictures.labels
    with deterministic_torch(plan.train.threads):
        vectors = [embedded(encoder, screen, pictures, part) for part in (known, asked)]
    right = nearest(vectors[0], labels[known], vectors[1], labels[asked])
    hits = {pictures.ids[index]: bool(hit) for index, hit in zip(asked, right, strict=True)}
    write_text(path, json.dumps({"key": key, "hits": hits}, indent=2) + "\n")
    return hits


def _with_test(plan: EncoderPlan, corpus: Manifest, store: Path, cache: Path) -> Pictures:
    """Take the pictures of the test split in the place of those of the valid split."""
    other: Mapping[Split, Split] = {"train": "train", "valid": "test", "test": "valid"}
    clips = tuple(replace(clip, split=other[clip.split]) for clip in corpus.clips)
    asked = replace(corpus, clips=clips)
    return of_manifest(plan.kind, asked, store, "label", plan.encoder.side, cache)


def _report(comparison: Comparison, done: Mapping[str, Sequence[Sequence[Trial]]]) -> Tree:
    """Return the report in plain values, in the form of every experiment's."""
    table, first = comparison.table, comparison.corpora[0]
    tested = [clip_id for trials in next(iter(done.values())) for clip_id in trials[0].hits]
    clips = [first.clip(clip_id) for clip_id in tested]
    return {
        "format": 1,
        "emocli": __version__,
        "experiment": comparison.name,
        "title": table.title,
        "dataset": first.dataset,
        "task": first.task,
        "classes": list(first.classes),
        "n": len(clips),
        **comparison.protocol.model_dump(),
        "settings": comparison.settings,
        "figures": [FIGURE],
        "protocols": {FIGURE: PROTOCOL},
        "rows": [_row(comparison, row, done.get(row.name, ())) for row in table.rows],
        "comparisons": [
            _compared((ours, theirs), (done[ours], done[theirs]), clips)
            for ours, theirs in table.comparisons
            if ours in done and theirs in done
        ],
        "interval": interval_over(clips),
        "warnings": warnings(clips),
        "recoveries": [],
        "chosen": {},
        "by_class": [],
        "notes": list(table.notes),
        "seconds": sum(t.seconds for folds in done.values() for trials in folds for t in trials),
        "inputs": {"manifest": first.fingerprint},
    }


def _row(comparison: Comparison, row: Extractor, folds: Sequence[Sequence[Trial]]) -> Tree:
    facts: Tree = {
        "row": row.name,
        "slug": slug(row.name),
        "system": f"{comparison.table.kind} encoder",
        "preset": comparison.preset(row),
        "settings": comparison.choices(row, 0),
        "features": [FEATURES.get(comparison.table.kind, "pictures of the videos")],
        "lacking": "",
        "printed": {},
        "conditions": [],
    }
    if not folds:
        return facts | {"state": "not yet run"}
    valid = [[(t.summary.accuracy, t.summary.valid) for t in trials] for trials in folds]
    test = [[(t.accuracy, len(t.hits)) for t in trials] for trials in folds]
    every = [trial for trials in folds for trial in trials]
    return {
        **facts,
        "state": "done",
        "conditions": [{"name": "validation", **_spread(valid)}, {"name": "test", **_spread(test)}],
        "parameters": every[0].summary.parameters,
        "best_epochs": [trial.summary.best_epoch for trial in every],
        "seconds": sum(trial.seconds for trial in every),
    }


def _compared(
    names: tuple[str, str], rows: Sequence[Sequence[Sequence[Trial]]], clips: Sequence[Clip]
) -> Tree:
    """Say how much more often the first row is right about the same clips, mean over the seeds."""
    ours, theirs = (_rates(folds) for folds in rows)
    change = [ours[clip.id] - theirs[clip.id] for clip in clips]
    found = cluster_bootstrap(change, clustered(clips))
    return {
        "rows": list(names),
        "condition": "test",
        "figure": FIGURE,
        "difference": told(found),
    }


def _rates(folds: Sequence[Sequence[Trial]]) -> dict[str, float]:
    """Test clip to the share of the seeds that are right about it."""
    return {
        clip_id: sum(trial.hits[clip_id] for trial in trials) / len(trials)
        for trials in folds
        for clip_id in trials[0].hits
    }


def _spread(folds: Sequence[Sequence[tuple[float, int]]]) -> Tree:
    """Pool the clips of the folds, seed by seed: mean and spread over the seeds."""
    accuracies, clips = np.moveaxis(np.array(folds), -1, 0)  # (folds, seeds) each
    pooled = (accuracies * clips).sum(axis=0) / clips.sum(axis=0)
    found = spread(pooled.tolist())
    told: Tree = {FIGURE: found.mean}
    return told | ({f"{FIGURE}_std": found.std} if len(pooled) > 1 else {})
