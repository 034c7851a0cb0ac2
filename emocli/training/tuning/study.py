"""A study: a search for settings, or one for every fold, its report, page and file of settings.

With folds the choice is made anew for each: the search of a fold sees the folds that train and the
one that validates, never the one that is tested. The chosen networks together are a
cross-validation, in which every clip is predicted by settings that were chosen without it.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from emocli.config import Plain, leaves, merge, nested, subsection
from emocli.data.durable import make_folder, write_text
from emocli.data.json_io import as_json
from emocli.data.manifest import Manifest, ManifestOrPath
from emocli.data.pool import Progress
from emocli.display import printable
from emocli.errors import ConfigError
from emocli.models import calibration, rundir
from emocli.models.run_config import Source
from emocli.models.rundir import BASELINES, CARD, CONFIG, HISTORY, MODEL, SPEAKERS
from emocli.paths import StrPath, listed
from emocli.report.canvas import STYLES
from emocli.report.canvas import write as write_figures
from emocli.report.document import Block, page
from emocli.space import parse
from emocli.training.summaries import TrainSummary
from emocli.training.train import TrainRequest
from emocli.training.tuning import nested_page
from emocli.training.tuning.chosen import choose_trial, train_chosen
from emocli.training.tuning.ranges import declared
from emocli.training.tuning.search import Search
from emocli.training.tuning.study_page import blocks, drawings, request_parts
from emocli.training.tuning.study_summary import (
    REPORT,
    Budget,
    Choice,
    NestedSummary,
    Rule,
    SearchReport,
    SearchSummary,
    Trial,
    network_versions,
    normalised,
)
from emocli.version import version

BEST, PAGE = "best.toml", "study.html"
CHOSEN = "chosen"
"""Folder of the networks chosen in every fold."""

KEPT = (HISTORY, calibration.FILE, CARD, SPEAKERS, MODEL)
"""Files of a chosen network, the last one last."""

BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def tune(
    manifest: ManifestOrPath,
    store: StrPath,
    *,
    fusion: str,
    study: StrPath,
    space: Mapping[str, str] | None = None,
    trials: int = 30,
    features: str | Sequence[str] | None = None,
    preset: str = "plus",
    settings: Mapping[str, Plain] | None = None,
    seeds: int = 1,
    chosen_seeds: int | None = None,
    choose: Rule = "one-se",
    workers: int = 1,
    progress: Progress = lambda done, total: None,
) -> SearchSummary:
    """Search for settings of a network on the validation split; the test split stays sealed.

    Parameters
    ----------
    manifest, store, fusion, features, preset, settings, seeds
        As in `emocli.training.train.train`; what the settings fix is not searched.
    study : str or Path
        Folder to write. Repeated after an interruption, the same call goes on.
    space : mapping, optional
        Setting to its range, ``{"network.hidden": "32,64", "train.lr": "1e-4..1e-2:log"}``, added
        to what the network and the training declare.
    trials : int
        So many, with those that are done.
    chosen_seeds : int, optional
        Seeds with which the chosen settings are trained; by default those of the trials.
    choose : {'one-se', 'best'}
        The default settings, unless the best trial is ahead of them by more than one standard
        error; or the best trial.
    workers : int
        Processes that train.
    progress : callable
        Told trials done, and all trials.

    Raises
    ------
    EmocliError
        If settings, manifest, store and study do not fit each other, ``trials`` is no number above
        0, ``choose`` is no rule, or no trial succeeds.
    """
    for name, number in {"trials": trials, "chosen_seeds": chosen_seeds}.items():
        if number is not None and (type(number) is not int or number < 1):
            raise ConfigError(f"{name} = {number!r}", hint="choose a whole number from 1 on")
    if choose not in get_args(Rule):
        raise ConfigError(f"choose = {choose!r}", hint=f"there are: {', '.join(get_args(Rule))}")
    own = dict(parse(f"{name}={text}") for name, text in (space or {}).items())
    base = TrainRequest(
        manifest=Manifest.of(manifest),
        store=Path(store),
        fusion=fusion,
        run=Path(study),
        features=None if features is None else listed(features),
        preset=preset,
        settings=settings or {},
        seeds=seeds,
        workers=workers,
    )
    ranges = declared(fusion, base.settings, own)
    search = Search(base, ranges, trials, chosen_seeds=chosen_seeds, choose=choose)
    return carry_out(search, workers, progress)


def carry_out(
    search: Search,
    workers: int,
    progress: Progress,
    scheduler: str | None = None,
    chosen: Path | None = None,
) -> SearchSummary:
    """Carry out a search, choose, train what was chosen, and write report, page and settings.

    ``chosen`` is the cross-validation that the search of a fold belongs to.

    Raises
    ------
    EmocliError
        As of `Search.carry_out`.
    """
    search.carry_out(workers, progress, scheduler)
    trial, choice = choose_trial(search)
    trained = train_chosen(search, trial, workers)
    return _reported(search, trial, choice, trained, chosen)


def carry_out_nested(
    search: Search,
    folds: int,
    workers: int,
    progress: Progress,
    scheduler: str | None = None,
) -> NestedSummary:
    """Carry out a search for every fold, and put the chosen networks together.

    Raises
    ------
    EmocliError
        As of `folded` and `Search.carry_out`.
    """
    searches = folded(search, folds)
    run, summaries = search.folder / CHOSEN, []
    for index, each in enumerate(searches):

        def advance(done: int, total: int, before: int = index) -> None:
            progress(before * total + done, folds * total)

        summaries.append(carry_out(each, workers, advance, scheduler, run))
    for index, summary in enumerate(summaries):
        _chosen(summary.run, run / f"fold-{index}")
    trials = [trial for summary in summaries for trial in summary.trials]
    nested_summary = NestedSummary(
        format=NestedSummary.FORMAT,
        emocli=version(),
        versions=network_versions(search.base.fusion),
        study=search.folder,
        run=run,
        monitor=search.monitor,
        folds=tuple(summaries),
        budget=Budget.of(trials),
    )
    files = nested_page.drawings(nested_summary, STYLES[search.style])
    parts = nested_page.blocks(nested_summary, files)
    _write_page(search, summaries[0].run, parts, files)
    write_text(search.folder / REPORT, as_json(nested_summary))
    return nested_summary


def folded(search: Search, folds: int) -> list[Search]:
    """Return a search for every fold, each in a folder of its own, with a seed of its own.

    Raises
    ------
    EmocliError
        As of `Search.check`, and if the corpus cannot be folded so, or the folder holds something
        else.
    """
    base = search.base
    searches = [
        replace(
            search,
            base=replace(base, manifest=base.manifest.folded(k, folds), run=folder),
            seed=search.seed + k,
        )
        for k, folder in enumerate(rundir.fold_folders(base.run, folds))
    ]
    if not any(each.folder.exists() for each in searches):
        rundir.require_empty(base.run, "a study with folds")
    for each in searches:
        each.check()
    return searches


def _reported(
    search: Search, trial: Trial, choice: Choice, trained: TrainSummary, chosen: Path | None
) -> SearchSummary:
    trials, best = search.ended(), search.best()
    folder, config = search.folder, rundir.read_config(trained.run)
    summary = SearchSummary(
        study=folder,
        run=trained.run,
        fusion=search.base.fusion,
        monitor=search.monitor,
        sampler=search.sampler,
        space={name: each.text() for name, each in search.ranges.items()},
        trials=tuple(trials),
        best=best,
        chosen=trial.settings,
        importances=search.importances(),
        budget=Budget.of(trials),
        config=folder / BEST,
        normalised=normalised(config.train, search.ranges),
        choice=choice,
    )
    shown = summary.trials, summary.importances, search.monitor, search.lower
    files = drawings(*shown, STYLES[search.style])
    _write_page(search, summary.run, blocks(summary, files), files)
    write_text(folder / REPORT, as_json(SearchReport.of(summary)))
    write_text(folder / BEST, best_toml(summary, search, chosen))
    return summary


def _write_page(
    search: Search, run: Path, parts: Sequence[Block], files: Mapping[str, bytes]
) -> None:
    """Write the page; ``run`` is a chosen network."""
    write_figures(search.folder, "", files)
    every = [*parts, *request_parts(search, rundir.read_config(run))]
    text = page(f"{search.base.fusion}: search", every, files.__getitem__)
    write_text(search.folder / PAGE, text)


def best_toml(summary: SearchSummary, search: Search, chosen: Path | None = None) -> str:
    """Return the text of a file for ``--config``: the fixed and the chosen settings.

    ``chosen`` is the cross-validation that the search of a fold belongs to.
    """
    settings = merge(search.base.settings, nested(summary.chosen))
    valid = summary.chosen_trial.valid
    assert valid is not None  # only such a trial is chosen
    lines = [
        f"# Chosen on the valid split: {search.monitor} {valid:.4f}"
        f"{', which flatters' if summary.flatters else ''}.",
        *([f"# Why: {summary.reason}."] if summary.reason else []),
        f"# {printable(_use(search, chosen))}",
    ]
    for section in settings:
        lines += ["", f"[{section}]"]
        for name, value in leaves(subsection(settings, section)):
            key = ".".join(p if BARE.match(p) else json.dumps(p) for p in name.split("."))
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines).replace("\x7f", "\\u007f") + "\n"


def _use(search: Search, chosen: Path | None) -> str:
    """Say what uses the chosen settings: a training; of a fold, which no training has, a test."""
    fold = search.base.manifest.fold
    if fold is None:
        return f"{_command(search)} --run RUN"
    tested = f", tested by: {shlex.join(['emocli', 'evaluate', str(chosen)])}" if chosen else ""
    return f"Settings of fold {fold.index} of {fold.count}{tested}"


def _command(search: Search) -> str:
    """Return the command that trains with the chosen settings, but for the folder of the run."""
    base = search.base
    manifest, config = base.manifest.path or base.manifest.dataset, search.folder / BEST
    where = [str(manifest), "--store", str(base.store)]
    seeds = str(search.chosen_seeds or base.seeds)
    what = ["--fusion", base.fusion, "--preset", base.preset, "--seeds", seeds]
    features = [part for name in base.features or () for part in ("-f", name)]
    return shlex.join(["emocli", "train", *where, *what, *features, "--config", str(config)])


def _chosen(run: Path, folder: Path) -> None:
    """Copy a chosen network into the cross-validation; what says that it is complete goes last."""
    config = rundir.read_config(run)
    if (folder / CONFIG).is_file():
        old = rundir.read_config(folder)
        if old.seeds != config.seeds or old.differs(config):  # of an earlier choice
            rundir.clear(folder)

    def moved(source: Source, to: Path) -> Source:
        return Source.of(source.locate(run), to, source.fingerprint)

    for source, place in zip(
        rundir.members(run, config.seeds), rundir.members(folder, config.seeds), strict=True
    ):
        make_folder(place)
        own = rundir.read_config(source)
        for name in filter(lambda name: (source / name).is_file(), KEPT):
            shutil.copyfile(source / name, place / name)
        update = {"manifest": moved(config.manifest, place), "store": moved(config.store, place)}
        rundir.write_config(place, own.model_copy(update={**update, "tuned": True}))
    update = {"manifest": moved(config.manifest, folder), "store": moved(config.store, folder)}
    rundir.write_config(folder, config.model_copy(update={**update, "tuned": True}))
    if (run / BASELINES).is_file():
        shutil.copyfile(run / BASELINES, folder / BASELINES)
