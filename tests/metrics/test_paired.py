"""Metrics of systems on the same clips, against score, loops, scipy and R's examples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from emocli.data.manifest import Task
from emocli.metrics.metrics import DEFINITIONS, score
from emocli.metrics.paired import Paired, PairedSystem, mcnemar
from emocli.metrics.statistics import cluster_bootstrap
from emocli.metrics.sums import SUMS

CLASSES = ("anger", "joy", "neutral", "sadness")
METRICS = [(task, name) for task, metrics in SUMS.items() for name in metrics]


def generated(task: Task, clips: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    predicted = rng.random((clips, 4)) * (3 if task == "intensity" else 1)
    if task == "single":
        return rng.integers(0, 3, clips), predicted
    targets = (rng.random((clips, 4)) < [0.5, 0.4, 0.3, 0.0]).astype(np.float32)
    return targets * (2.5 if task == "intensity" else 1), predicted


@pytest.mark.parametrize(("task", "name"), METRICS)
@pytest.mark.parametrize("clips", [1, 5, 80])
def test_sums_give_the_metric(task: Task, name: str, clips: int) -> None:
    targets, predicted = generated(task, clips, clips)
    found = PairedSystem.of(SUMS[task][name], targets, [predicted]).value
    expected = score(task, targets, predicted, CLASSES).overall[name]
    assert found == pytest.approx(expected, nan_ok=True)
    assert name in DEFINITIONS[task]


def systems(task: Task, name: str, groups: int, seeds: tuple[int, int] = (1, 1)) -> Paired:
    rng = np.random.default_rng(groups)
    targets, _ = generated(task, 20 * groups, 1)
    good = np.eye(4)[targets] + rng.normal(0, 0.7, (len(targets), 4))
    ours = [good + rng.normal(0, 0.3, good.shape) for _ in range(seeds[0])]
    theirs = [good + rng.normal(0, 0.9, good.shape) for _ in range(seeds[1])]
    metric = SUMS[task][name]
    both = (PairedSystem.of(metric, targets, ours), PairedSystem.of(metric, targets, theirs))
    return Paired(both, tuple(str(k % groups) for k in range(len(targets))))


def test_accuracy_is_compared_as_a_mean_of_differences() -> None:
    paired = systems("single", "accuracy", 12)
    targets, _ = generated("single", 240, 1)
    rng = np.random.default_rng(12)
    good = np.eye(4)[targets] + rng.normal(0, 0.7, (len(targets), 4))
    hits = [
        ((good + rng.normal(0, scale, good.shape)).argmax(1) == targets).astype(float)
        for scale in (0.3, 0.9)
    ]
    expected = cluster_bootstrap(hits[0] - hits[1], paired.groups)
    found = paired.difference(0, 1)
    assert found.mean == pytest.approx(expected.mean)
    assert found.bounds == pytest.approx(expected.bounds)
    assert found.p == pytest.approx(expected.p)
    assert found.mean > 0


@pytest.mark.parametrize("name", ["uar", "weighted_f1", "macro_f1"])
def test_intervals_agree_with_an_independent_bootstrap(name: str) -> None:
    """Drawn speaker by speaker, scored by `score`; percentiles after Hesterberg 2015."""
    groups, draws = 12, 3000
    paired = systems("single", name, groups)
    targets, _ = generated("single", 20 * groups, 1)
    rng = np.random.default_rng(groups)
    good = np.eye(4)[targets] + rng.normal(0, 0.7, (len(targets), 4))
    predicted = [good + rng.normal(0, scale, good.shape) for scale in (0.3, 0.9)]
    member = np.array([int(g) for g in paired.groups])
    rows = [np.flatnonzero(member == g) for g in range(groups)]
    other = np.random.default_rng(99)
    changes = []
    for _ in range(draws):
        chosen = np.concatenate([rows[g] for g in other.integers(0, groups, groups)])
        a, b = (score("single", targets[chosen], p[chosen], CLASSES).overall for p in predicted)
        changes.append(a[name] - b[name])
    tail = stats.norm.sf(math.sqrt(groups / (groups - 1)) * stats.t(groups - 1).isf(0.025))
    found = paired.difference(0, 1)
    assert found.bounds == pytest.approx(np.quantile(changes, (tail, 1 - tail)), abs=0.004)


def test_the_interval_of_a_difference_is_right_to_the_third_digit() -> None:
    """24 speakers of 20 to 60 clips; 400,000 samples of an independent bootstrap."""
    rng = np.random.default_rng(8)
    sizes = rng.integers(20, 61, 24)
    member = np.repeat(np.arange(24), sizes)
    targets = rng.integers(0, 4, len(member))
    good = np.eye(4)[targets] + rng.normal(0, 0.6, (len(targets), 4))
    predicted = [good + rng.normal(0, scale, good.shape) for scale in (0.2, 0.5)]
    metric = SUMS["single"]["accuracy"]
    both = tuple(PairedSystem.of(metric, targets, [values]) for values in predicted)
    found = Paired(both, tuple(map(str, member))).difference(0, 1)
    ours, theirs = ((values.argmax(1) == targets).astype(float) for values in predicted)
    sums = np.bincount(member, weights=ours - theirs)
    drawn = np.random.default_rng(3).integers(0, 24, (400_000, 24))
    changes = sums[drawn].sum(1) / sizes[drawn].sum(1)
    tail = stats.norm.sf(math.sqrt(24 / 23) * stats.t(23).isf(0.025))
    assert found.bounds == pytest.approx(np.quantile(changes, (tail, 1 - tail)), abs=0.001)


def test_clips_in_another_order_have_the_same_intervals_and_p() -> None:
    paired = systems("single", "uar", 14)
    order = np.random.default_rng(1).permutation(len(paired.groups))
    mixed = Paired(
        tuple(PairedSystem(s.metric, tuple(t[order] for t in s.terms)) for s in paired.systems),
        tuple(paired.groups[k] for k in order),
    )
    assert mixed.difference(0, 1).bounds == pytest.approx(paired.difference(0, 1).bounds)
    assert mixed.difference(0, 1).p == pytest.approx(paired.difference(0, 1).p)
    hits = np.random.default_rng(2).random(len(order))
    one = cluster_bootstrap(hits, paired.groups)
    two = cluster_bootstrap(hits[order], mixed.groups)
    assert (two.bounds, two.p) == (pytest.approx(one.bounds), pytest.approx(one.p))


def test_p_of_a_metric_that_is_no_mean_is_that_of_the_exchange() -> None:
    """All 2^9 ways, one by one."""
    paired = systems("single", "macro_f1", 9)
    (ours,), (theirs,) = (s.terms for s in paired.systems)
    value, member = paired.systems[0].metric.value, np.array([int(g) for g in paired.groups])
    changes = []
    for way in range(2**9):
        same = np.array([way >> g & 1 for g in range(9)], bool)[member][:, None]
        one, two = np.where(same, ours, theirs), np.where(same, theirs, ours)
        changes.append(value(one.sum(0)) - value(two.sum(0)))
    seen = value(ours.sum(0)) - value(theirs.sum(0))
    expected = np.mean(np.abs(changes) >= abs(seen) - 1e-9)
    assert paired.difference(0, 1).p == pytest.approx(expected)


def test_seeds_are_averaged_and_need_not_be_equally_many() -> None:
    paired = systems("single", "uar", 10, (3, 2))
    first, second = paired.systems
    values = [float(first.metric.value(terms.sum(0))) for terms in first.terms]
    assert first.value == pytest.approx(np.mean(values))
    found = paired.difference(0, 1)
    assert found.mean == pytest.approx(first.value - second.value)
    assert found.low < found.mean < found.high
    assert paired.difference(1, 0).p == pytest.approx(found.p)
    assert paired.difference(1, 0).low == pytest.approx(-found.high)


def test_a_system_does_not_differ_from_itself() -> None:
    paired = systems("single", "accuracy", 10)
    same = Paired((paired.systems[0], paired.systems[0]), paired.groups)
    found = same.difference(0, 1)
    assert (found.mean, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_few_groups_have_an_interval_over_clips_alone() -> None:
    found = systems("single", "uar", 7).difference(0, 1)
    assert np.isnan([found.low, found.high, found.p]).all()
    assert found.clips is not None
    assert found.clips[0] < found.mean < found.clips[1]


def test_mcnemar_is_the_exact_test() -> None:
    # Agresti 1990, p. 350: approval of the prime minister, 150 of 236 one way (exact, two-sided).
    first = np.repeat([True, True, False, False], [794, 150, 86, 570])
    second = np.repeat([True, False, True, False], [794, 150, 86, 570])
    expected = 2 * stats.binom(236, 0.5).cdf(86)
    assert mcnemar(first, second) == pytest.approx(expected)
    assert mcnemar(first, first) == 1
