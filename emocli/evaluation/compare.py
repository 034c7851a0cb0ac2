"""Paired comparison of runs: differences of a metric, with intervals and p-values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from emocli import plugins
from emocli.config import shown
from emocli.data.clip import Split
from emocli.data.manifest import Manifest, ManifestOrPath
from emocli.data.pool import Progress
from emocli.data.record import Bounds
from emocli.display import number_of
from emocli.errors import ConfigError, RunError, choice
from emocli.evaluation.comparison_report import ComparedRun, ComparisonReport, MetricDifference
from emocli.evaluation.cross_validation import Evaluator, open_evaluator
from emocli.evaluation.predictions import Predictions
from emocli.metrics.metrics import ERRORS, definitions
from emocli.metrics.paired import Paired, PairedSystem, mcnemar
from emocli.metrics.shown import shown_metrics
from emocli.metrics.statistics import clustered, holm, interval_over, spread, warnings
from emocli.metrics.sums import WITHOUT_INTERVAL
from emocli.paths import StrPath, StrPaths, listed
from emocli.plugin.feature import Device
from emocli.plugin.feature import device as chosen_device
from emocli.plugin.robustness import UNCORRUPTED, RobustOptions, on, packages
from emocli.version import version, versions

Reference = Literal["first", "best"]


def compare(
    runs: StrPaths,
    *,
    metric: str | None = None,
    against: Reference = "first",
    manifest: ManifestOrPath | None = None,
    store: StrPath | None = None,
    split: Split = "test",
    robust: RobustOptions = UNCORRUPTED,
    seed: int = 0,
    ensemble: bool = False,
    device: Device = "cpu",
    progress: Progress = lambda done, total: None,
) -> ComparisonReport:
    """Compare runs, or cross-validations, on the clips they are tested on.

    Parameters
    ----------
    runs : list of str or Path
        At least two.
    metric : str, optional
        One of `emocli.metrics.sums.sum_metrics` of their task; by default accuracy, of ratings that
        do not tell present from absent `ccc`.
    against : {'first', 'best'}
        Which run the others' change is told from.
    manifest, store, split, seed, ensemble, device
        As in `emocli.evaluation.evaluate.evaluate`.
    robust : RobustOptions
        What is done to the clips, and about it.
    progress : callable
        Told runs done, and all runs.

    Raises
    ------
    EmocliError
        If a run is no run, or is tested on other clips, labels or classes than the first.
    """
    paths, folder = list(map(Path, listed(runs))), None if store is None else Path(store)
    if len(paths) < 2:
        raise ConfigError("one run cannot be compared", hint="name two or more")
    if against not in get_args(Reference):
        raise ConfigError(f"against = {shown(against)}", hint=choice("", get_args(Reference)))
    place = chosen_device(device, "--device")
    names, evaluators, predicted = run_names(paths), [], []
    for index, run in enumerate(paths):
        progress(index, len(paths))
        evaluator = open_evaluator(run, split, manifest, folder, robust, ensemble).on(place)
        corruptions = on(robust.corrupt, evaluator.modalities)
        evaluators.append(evaluator)
        predicted.append(evaluator.predict(corruptions, seed))
        _require_same(names, predicted)
        predicted[-1] = predicted[-1].in_order(predicted[0].ids)
    progress(len(paths), len(paths))
    corpus = evaluators[0].samples.manifest
    metric = metric or shown_metrics(predicted[0].scores[0].overall)[0]
    paired = _paired(metric, predicted, corpus)
    return _report(metric, against, split, seed, names, evaluators, predicted, paired)


def run_names(runs: Sequence[Path]) -> tuple[str, ...]:
    """Name runs by their folders, or by their paths where folders have one name.

    Raises
    ------
    ConfigError
        If one is named twice.
    """
    short = [run.resolve().name for run in runs]
    names = short if len(set(short)) == len(short) else [str(run) for run in runs]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"run '{name}' is named twice", hint="name it once")
    return tuple(names)


def _require_same(names: Sequence[str], predicted: Sequence[Predictions]) -> None:
    """Refuse the last run if it was not tested on what the first was.

    Raises
    ------
    RunError
        If it was not.
    """
    first, last = predicted[0], predicted[-1]
    what = _difference(first, last)
    if what:
        hint = "compare runs of the same test clips: same manifest, split and folds"
        raise RunError(f"{what} ('{names[0]}')", where=names[len(predicted) - 1], hint=hint)


def _difference(first: Predictions, other: Predictions) -> str | None:
    """Say how what is tested differs, the other's first."""
    if other.task != first.task:
        return f"its task is '{other.task}', not '{first.task}'"
    if other.classes != first.classes:
        return f"its classes are {', '.join(other.classes)}, not {', '.join(first.classes)}"
    ids = set(first.ids), set(other.ids)
    if ids[0] != ids[1]:
        unshared = sorted(ids[0] ^ ids[1])
        side = "in this one only" if unshared[0] in ids[1] else "not in this one"
        return (
            f"is tested on {number_of(len(ids[1]), 'clips')}, not {len(ids[0])}: "
            f"{number_of(len(unshared), 'are in one of both only')}, '{unshared[0]}' is {side}"
        )
    same = np.atleast_2d((first.targets == other.in_order(first.ids).targets).T).all(axis=0)
    if not same.all():
        clip = first.ids[int(np.flatnonzero(~same)[0])]
        return number_of(int((~same).sum()), f"clips have other labels, the first is '{clip}',")
    return None


def _paired(metric: str, predicted: Sequence[Predictions], corpus: Manifest) -> Paired:
    first = predicted[0]
    known = [*first.sum_metrics]
    if metric not in known:
        why = WITHOUT_INTERVAL.get(metric)
        what = f"'{metric}' has {why}" if why else f"there is no metric '{metric}' here"
        raise ConfigError(what, hint=choice(metric, known))
    systems = tuple(PairedSystem.of(p.sum_metrics[metric], p.targets, p.values) for p in predicted)
    return Paired(systems, tuple(clustered([corpus.clip(clip) for clip in first.ids])))


def _report(
    metric: str,
    against: Reference,
    split: Split,
    seed: int,
    names: Sequence[str],
    evaluators: Sequence[Evaluator],
    predicted: Sequence[Predictions],
    paired: Paired,
) -> ComparisonReport:
    samples, first = evaluators[0].samples, predicted[0]
    values = [system.value for system in paired.systems]
    if np.isnan(values).all():
        what = f"'{metric}' is not defined of these labels and predictions (split '{split}')"
        raise ConfigError(what, hint="choose another --metric")
    best = int(np.nanargmin(values) if metric in ERRORS else np.nanargmax(values))
    reference = best if against == "best" else 0
    pairs = _changes(metric, names, predicted, paired)
    networks = [name for e in evaluators for name in plugins.packages("fusion", e.config.fusion)]
    return ComparisonReport(
        format=ComparisonReport.FORMAT,
        emocli=version(),
        metric=metric,
        definition=definitions(first.task, first.classes)[metric],
        dataset=samples.manifest.dataset,
        split=split,
        n=len(first.ids),
        task=first.task,
        classes=first.classes,
        corruption=tuple(corruption.label for corruption in first.corruptions),
        corruption_seed=seed,
        reference=names[reference],
        interval=interval_over(samples.clips),
        warnings=(
            *warnings(samples.clips),
            *(f"{e.run.name}: features {e.normalised}" for e in evaluators if e.normalised),
        ),
        runs=tuple(
            _run(names[k], evaluators[k], paired, k, _change(pairs, names[k], names[reference]))
            for k in range(len(names))
        ),
        pairs=tuple(pairs),
        versions=versions([*networks, *packages(first.corruptions)]),
    )


def _changes(
    metric: str, names: Sequence[str], predicted: Sequence[Predictions], paired: Paired
) -> list[MetricDifference]:
    both = list(combinations(range(len(names)), 2))
    intervals = [paired.difference(a, b) for a, b in both]
    adjusted = holm([interval.p for interval in intervals])
    return [
        MetricDifference(
            runs=(names[a], names[b]),
            ci=interval.bounds,
            ci_clips=interval.clips,
            difference=interval.mean,
            p=interval.p,
            p_holm=p_holm,
            p_mcnemar=_mcnemar(metric, predicted[a], predicted[b]),
        )
        for (a, b), interval, p_holm in zip(both, intervals, adjusted, strict=True)
    ]


def _mcnemar(metric: str, first: Predictions, second: Predictions) -> float | None:
    if metric != "accuracy" or first.task != "single":
        return None
    if len(first.values) > 1 or len(second.values) > 1:
        return None
    return mcnemar(_hits(first), _hits(second))


def _hits(predictions: Predictions) -> NDArray[np.bool_]:
    return np.asarray(predictions.values[0].argmax(axis=1) == predictions.targets)


def _change(pairs: Iterable[MetricDifference], run: str, reference: str) -> MetricDifference | None:
    """Return the change of a run from another, whichever of the two was named first."""
    for pair in pairs:
        if pair.runs == (run, reference):
            return pair
        if pair.runs == (reference, run):
            return _turned(pair)
    return None


def _turned(change: MetricDifference) -> MetricDifference:
    from dataclasses import replace

    return replace(
        change,
        runs=change.runs[::-1],
        difference=-change.difference,
        ci=_negative(change.ci),
        ci_clips=change.ci_clips and _negative(change.ci_clips),
    )


def _negative(bounds: Bounds) -> Bounds:
    return -bounds[1], -bounds[0]


def _run(
    name: str, evaluator: Evaluator, paired: Paired, index: int, change: MetricDifference | None
) -> ComparedRun:
    config, system = evaluator.config, paired.systems[index]
    interval = paired.interval(index)
    each = [float(system.metric.value(terms.sum(0))) for terms in system.terms]
    return ComparedRun(
        run=name,
        fusion=config.fusion,
        preset=config.preset,
        seeds=tuple(evaluator.seeds),
        networks=evaluator.networks,
        features=tuple(view.feature for view in config.features.values()),
        repair=evaluator.repair.label,
        value=interval.mean,
        std=spread(each).std,
        ci=interval.bounds,
        ci_clips=interval.clips,
        change=change,
        models=evaluator.fingerprints,
    )
