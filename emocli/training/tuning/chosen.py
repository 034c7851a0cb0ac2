"""What a search chooses, and its training: the best trial, or the default if that is not behind.

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

from emocli.data.arrays import Reals
from emocli.metrics.paired import Paired, PairedSystem
from emocli.metrics.statistics import clustered
from emocli.metrics.sums import SumMetric, sum_metrics
from emocli.models import rundir, valid_predictions
from emocli.models.valid_predictions import ValidPredictions
from emocli.training.settings import read_settings
from emocli.training.summaries import TrainSummary
from emocli.training.tuning.search import Search
from emocli.training.tuning.study_summary import Choice, Trial


def choose_trial(search: Search) -> Choice:
    """Choose a trial by the rule of the search, which has come to its end.

    Trials that are to be compared and have left no predictions of the valid split, as those of
    former versions, are trained once more.
    """
    best, default, metric = search.best(), search.default(), _metric(search)
    if search.choose == "best" or default is None or default == best or metric is None:
        return Choice(rule=search.choose, trial=best.number)
    first, second = (_predictions(search, trial) for trial in (best, default))
    ahead, error = _difference(search, metric, first, second)
    chosen = best if ahead > error else default
    return Choice(
        rule="one-se",
        trial=chosen.number,
        ahead=ahead,
        standard_error=None if math.isnan(error) else error,
    )


def train_chosen(search: Search, number: int, workers: int = 1) -> TrainSummary:
    """Complete the training of a trial, with baselines if those of the search have some.

    With `Search.chosen_seeds` it is a training beside the trials; that of another trial goes.
    """
    (chosen,) = (trial for trial in search.ended() if trial.number == number)
    request = search.request(number, chosen.settings)
    request = replace(request, baselines=search.base.baselines, last_fit=True)
    own = search.final(number)
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


def _predictions(search: Search, trial: Trial) -> list[ValidPredictions]:
    """Return a trial's predictions of the valid split, of each seed."""
    run = search.run(trial.number)
    if not _has_predicted(run):
        rundir.clear(run)
        search.request(trial.number, trial.settings).train()
    seeds = rundir.read_config(run).seeds
    return [rundir.read_valid_predictions(each) for each in rundir.members(run, seeds)]


def _has_predicted(run: Path) -> bool:
    """Whether the trainings of a trial have left their predictions of the valid split."""
    if not (run / rundir.CONFIG).is_file():
        return False
    folders = rundir.members(run, rundir.read_config(run).seeds)
    return all((folder / valid_predictions.FILE).is_file() for folder in folders)


def _difference(
    search: Search,
    metric: SumMetric,
    first: Sequence[ValidPredictions],
    second: Sequence[ValidPredictions],
) -> tuple[float, float]:
    """Return what one trial is ahead of another by, and the standard error of that."""
    ids = sorted(first[0].ids)
    clips = {clip.id: clip for clip in search.base.manifest.clips}
    systems = tuple(_system(metric, each, ids) for each in (first, second))
    paired = Paired(systems, tuple(clustered([clips[name] for name in ids])))
    ahead = systems[0].value - systems[1].value
    return -ahead if search.lower else ahead, paired.standard_error(0, 1)


def _system(
    metric: SumMetric, seeds: Sequence[ValidPredictions], ids: Sequence[str]
) -> PairedSystem:
    """Return the terms of a trial's predictions, clips in the order of ``ids``."""
    values: list[Reals] = []
    for each in seeds:
        place = {name: k for k, name in enumerate(each.ids)}
        order = [place[name] for name in ids]
        values.append(each.values[order])
        targets = each.targets[order]
    return PairedSystem.of(metric, targets, values)
