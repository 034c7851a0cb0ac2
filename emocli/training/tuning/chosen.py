"""What a search chooses, and its training: the default, unless the best trial is clearly ahead.

The best of many trials on few clips is ahead of the default by luck, too, and the more trials, the
luckier. By the one-standard-error rule the default is therefore chosen, unless the trial that
validates best is ahead of it by more than one standard error of their difference, which is paired:
both are judged on the same clips.

Source: Breiman et al. 1984, Classification and Regression Trees, section 3.4.3, where the simplest
tree is chosen that is within one standard error of the best one. Here the default takes the place
of the simplest, and the error is that of the difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from emocli.data.arrays import Reals
from emocli.errors import RunError
from emocli.metrics.paired import Paired, PairedSystem
from emocli.metrics.statistics import ROUNDING, clustered
from emocli.metrics.sums import SumMetric, sum_metrics
from emocli.models import rundir, valid_predictions
from emocli.training.settings import read_settings
from emocli.training.summaries import TrainSummary
from emocli.training.tuning.search import Search
from emocli.training.tuning.study_summary import Choice, Trial

THE_BEST, THE_DEFAULT = "the best trial is chosen", "the default is chosen"


def choose_trial(search: Search) -> tuple[Trial, Choice]:
    """Choose a trial by the rule of the search, which has come to its end; say why.

    Raises
    ------
    RunError
        If predictions that trials left are damaged.
    """
    best = search.best()
    if search.choose == "best":
        reason = "the best trial was asked for"
        return best, Choice(rule="best", trial=best.number, reason=reason)
    default, metric = search.default(), _metric(search)
    if default is None:
        return _by_rule(best, f"the default was not tried as a whole, or failed: {THE_BEST}")
    if default == best:
        return _by_rule(best, "the default validates best")
    assert best.valid is not None  # such trials have one
    assert default.valid is not None
    ahead = (default.valid - best.valid) if search.lower else (best.valid - default.valid)
    what = f"trial {best.number} is ahead of the default by {ahead:.4f}"
    runs = (search.run(best.number), search.run(default.number))
    if metric is None:
        return _by_rule(
            best, f"{what}, and {search.monitor} has no standard error: {THE_BEST}", ahead
        )
    if not all(map(_has_predicted, runs)):
        why = "their predictions are not there to be compared"
        return _by_rule(best, f"{what}, but {why}: {THE_BEST}", ahead)
    error = _standard_error(search, metric, runs)
    if math.isnan(error):
        why = "the clips are too few for a standard error"
        return _by_rule(default, f"{what}, and {why}: {THE_DEFAULT}", ahead)
    within = f"than one standard error ({error:.4f})"
    if ahead - error > ROUNDING:  # one clip more, and none less, is one standard error
        return _by_rule(best, f"{what}, more {within}: {THE_BEST}", ahead, error)
    return _by_rule(default, f"{what}, no more {within}: {THE_DEFAULT}", ahead, error)


def _by_rule(
    trial: Trial, reason: str, ahead: float | None = None, error: float | None = None
) -> tuple[Trial, Choice]:
    """Return a trial that the one-standard-error rule chooses, and why."""
    return trial, Choice(
        rule="one-se", trial=trial.number, ahead=ahead, standard_error=error, reason=reason
    )


def train_chosen(search: Search, chosen: Trial, workers: int = 1) -> TrainSummary:
    """Complete the training of a trial, with baselines if those of the search have some.

    With `Search.chosen_seeds` it is a training beside the trials; that of another trial goes.
    """
    request = search.request(chosen.number, chosen.settings)
    request = replace(request, baselines=search.base.baselines, last_fit=True)
    own = search.final(chosen.number)
    for run in (search.final(trial.number) for trial in search.ended()):
        if run != own or not _goes_on(search.chosen_seeds, run):
            rundir.clear(run)
    if search.chosen_seeds is None:
        return request.train()
    return replace(request, run=own, seeds=search.chosen_seeds, workers=workers).train()


def _goes_on(seeds: int | None, run: Path) -> bool:
    """Whether the seeds that are asked for are those of a run, or more of its kind."""
    if seeds is None or not (run / rundir.CONFIG).is_file():
        return False
    had = len(rundir.read_config(run).seeds)
    return seeds == had or seeds > had > 1


def _metric(search: Search) -> SumMetric | None:
    """Return the monitored metric as a function of sums over clips; None if it is none."""
    base, corpus = search.base, search.base.manifest
    _, training, _ = read_settings(base.fusion, base.preset, base.settings)
    return sum_metrics(corpus.task, corpus.classes, training.one_vs_rest).get(search.monitor)


def _has_predicted(run: Path) -> bool:
    """Whether the trainings of a trial have left their predictions of the valid split."""
    if not (run / rundir.CONFIG).is_file():
        return False
    folders = rundir.member_folders(run)
    return all((folder / valid_predictions.FILE).is_file() for folder in folders)


def _standard_error(search: Search, metric: SumMetric, runs: Sequence[Path]) -> float:
    """Return the standard error of the difference of two trials."""
    corpus = search.base.manifest
    labelled = filter(corpus.is_labelled, corpus.split("valid"))
    clips = sorted(labelled, key=lambda clip: clip.id)
    systems = [_system(metric, run, [clip.id for clip in clips]) for run in runs]
    return Paired(tuple(systems), tuple(clustered(clips))).standard_error(0, 1)


def _system(metric: SumMetric, run: Path, ids: Sequence[str]) -> PairedSystem:
    """Return the terms of a trial's predictions, clips in the order of ``ids``.

    Raises
    ------
    RunError
        If they are damaged, or not of these clips.
    """
    values: list[Reals] = []
    for folder in rundir.member_folders(run):
        predictions = rundir.read_valid_predictions(folder)
        if sorted(predictions.ids) != ids:
            what = "does not hold the predictions of the valid split"
            raise RunError(
                what, where=folder / valid_predictions.FILE, hint="choose another --study"
            )
        order = np.argsort(predictions.ids)
        values.append(predictions.values[order])
        targets = predictions.targets[order]
    return PairedSystem.of(metric, targets, values)
