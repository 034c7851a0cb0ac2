"""Metrics of systems on the same clips, against score, loops, scipy and R's examples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from emocli.data.manifest import Task
from emocli.metrics.intervals import metric_intervals
from emocli.metrics.metrics import definitions, score
from emocli.metrics.paired import Paired, PairedSystem, mcnemar
from emocli.metrics.sentiment import SENTIMENT
from emocli.metrics.statistics import cluster_bootstrap, drawn, holm
from emocli.metrics.sums import WITHOUT_INTERVAL, sum_metrics

CLASSES = ("anger", "joy", "neutral", "sadness")
TASKS: tuple[Task, ...] = ("single", "multi", "intensity")
METRICS = [(task, name) for task in TASKS for name in sum_metrics(task, CLASSES)]


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
    system = PairedSystem.of(sum_metrics(task, CLASSES)[name], targets, [predicted]).value
    expected = score(task, targets, predicted, CLASSES).overall[name]
    assert system == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("classes", [CLASSES, SENTIMENT])
@pytest.mark.parametrize("task", TASKS)
def test_every_metric_but_two_is_one_of_sums(task: Task, classes: tuple[str, ...]) -> None:
    assert [*sum_metrics(task, classes)] == [
        n for n in definitions(task, classes) if n not in WITHOUT_INTERVAL
    ]


@pytest.mark.parametrize("shown", [[0], [0, 1], [0, 1, 2, 3]])
def test_classes_that_no_clip_or_every_clip_shows_are_left_out_alike(shown: list[int]) -> None:
    rng = np.random.default_rng(5)
    predicted = rng.random((40, 4))
    targets = np.zeros((40, 4))
    targets[:, shown] = 1.0
    targets[:20, 3] = 0.0
    for task in ("multi", "intensity"):
        expected = score(task, targets, predicted, CLASSES).overall
        for name, metric in sum_metrics(task, CLASSES).items():
            system = PairedSystem.of(metric, targets, [predicted]).value
            assert system == pytest.approx(expected[name], nan_ok=True), name


def test_one_against_the_rest_is_asked_of_each_class_by_itself() -> None:
    targets, predicted = generated("single", 80, 2)
    expected = score("single", targets, predicted, CLASSES, one_vs_rest=True).overall
    plain = score("single", targets, predicted, CLASSES).overall
    for name, metric in sum_metrics("single", CLASSES, one_vs_rest=True).items():
        system = PairedSystem.of(metric, targets, [predicted]).value
        assert system == pytest.approx(expected[name]), name
    assert expected["binary_f1"] != pytest.approx(plain["binary_f1"], abs=0.01)


def sentiments(clips: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """In thirds, many of them 0; far from zero by chance in no speaker."""
    rng = np.random.default_rng(seed)
    targets = np.rint(rng.normal(0.2, 1.5, (clips, 1)).clip(-3, 3) * 3) / 3
    return targets, targets * 0.7 + rng.normal(0.1, noise, (clips, 1))


REFERENCES = {
    "pearson": lambda x, y: float(np.corrcoef(x, y)[0, 1]),
    "ccc": lambda x, y: (
        2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    ),
    "mae": lambda x, y: float(np.abs(x - y).mean()),
    "acc2_non_negative": lambda x, y: float(((x >= 0) == (y >= 0)).mean()),
    "acc2_without_zeros": lambda x, y: float(((x > 0) == (y > 0))[x != 0].mean()),
    "f1_without_zeros": lambda x, y: sum(
        (side(x) & told).mean()
        / told.mean()
        * (2 * (side(x) & side(y) & told).sum() / ((side(x) & told).sum() + (side(y) & told).sum()))
        for told in [x != 0]
        for side in (lambda v: v > 0, lambda v: v <= 0)
    ),
    "acc5": lambda x, y: float((np.rint(x.clip(-2, 2)) == np.rint(y.clip(-2, 2))).mean()),
    "acc7": lambda x, y: float((np.rint(x.clip(-3, 3)) == np.rint(y.clip(-3, 3))).mean()),
}
"""From the clips of a sample, by numpy."""


@pytest.mark.parametrize("name", REFERENCES)
def test_sentiment_has_the_intervals_of_a_bootstrap_clip_by_clip(name: str) -> None:
    """The same 12 videos are drawn; the metric is taken anew of the clips of each sample."""
    targets, predicted = sentiments(240, 0.8, 1)
    member = np.arange(240) % 12
    metrics = {name: sum_metrics("intensity", SENTIMENT)[name]}
    intervals = metric_intervals(metrics, targets, [predicted], [f"{k:02}" for k in member])[name]
    rows = [np.flatnonzero(member == k) for k in range(12)]
    samples = []
    for times in drawn(12)[:600]:
        chosen = np.concatenate([np.tile(rows[k], n) for k, n in enumerate(times)])
        samples.append(REFERENCES[name](targets[chosen, 0], predicted[chosen, 0]))
    ways = PairedSystem.of(metrics[name], targets, [predicted]).sums(member, 12)[0]
    ours = metrics[name].value(drawn(12)[:600] @ ways)
    assert ours == pytest.approx(samples)
    assert intervals.value == pytest.approx(REFERENCES[name](targets[:, 0], predicted[:, 0]))
    tail = stats.norm.sf(math.sqrt(12 / 11) * stats.t(11).isf(0.025))
    assert intervals.ci == pytest.approx(np.quantile(samples, (tail, 1 - tail)), abs=0.02)


@pytest.mark.parametrize("name", ["brier", "binary_f1"])
def test_classes_have_the_intervals_of_a_bootstrap_clip_by_clip(name: str) -> None:
    targets, predicted = generated("single", 240, 3)
    predicted /= predicted.sum(axis=1, keepdims=True)
    member = np.arange(240) % 12
    metric = sum_metrics("single", CLASSES)[name]
    sums = PairedSystem.of(metric, targets, [predicted]).sums(member, 12)[0]
    rows = [np.flatnonzero(member == k) for k in range(12)]
    for times in drawn(12)[:40]:
        chosen = np.concatenate([np.tile(rows[k], n) for k, n in enumerate(times)])
        expected = score("single", targets[chosen], predicted[chosen], CLASSES).overall[name]
        assert metric.value(times @ sums) == pytest.approx(expected)


def test_numbers_far_from_zero_have_the_same_agreement() -> None:
    """Squares of a million leave rounding between them where their own mean is not taken off."""
    targets, predicted = sentiments(200, 0.5, 4)
    for name in ("pearson", "ccc"):
        metric = sum_metrics("intensity", CLASSES)[name]
        near = PairedSystem.of(metric, targets, [predicted]).value
        far = PairedSystem.of(metric, targets + 1e6, [predicted + 1e6]).value
        assert far == pytest.approx(near, abs=1e-7)
        constant = np.full_like(predicted, 0.3)
        expected = score("intensity", targets, constant, ["x"]).overall[name]
        system = PairedSystem.of(metric, targets, [constant]).value
        assert system == pytest.approx(expected, nan_ok=True, abs=1e-12)


def test_systems_are_compared_by_agreement() -> None:
    targets, good = sentiments(240, 0.4, 6)
    poor = sentiments(240, 1.5, 7)[1] * 0.2
    metric = sum_metrics("intensity", SENTIMENT)["ccc"]
    both = tuple(PairedSystem.of(metric, targets, [p]) for p in (good, poor))
    result = Paired(both, tuple(str(k % 12) for k in range(240))).difference(0, 1)
    assert 0 < result.low < result.mean < result.high
    assert result.p == pytest.approx(2 / 2**12)


def systems(task: Task, name: str, groups: int, seeds: tuple[int, int] = (1, 1)) -> Paired:
    rng = np.random.default_rng(groups)
    targets, _ = generated(task, 20 * groups, 1)
    good = np.eye(4)[targets] + rng.normal(0, 0.7, (len(targets), 4))
    ours = [good + rng.normal(0, 0.3, good.shape) for _ in range(seeds[0])]
    theirs = [good + rng.normal(0, 0.9, good.shape) for _ in range(seeds[1])]
    metric = sum_metrics(task, CLASSES)[name]
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
    difference = paired.difference(0, 1)
    assert difference.mean == pytest.approx(expected.mean)
    assert difference.bounds == pytest.approx(expected.bounds)
    assert difference.p == pytest.approx(expected.p)
    assert difference.mean > 0


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
    difference = paired.difference(0, 1)
    assert difference.bounds == pytest.approx(np.quantile(changes, (tail, 1 - tail)), abs=0.004)


def test_the_interval_of_a_difference_is_right_to_the_third_digit() -> None:
    """24 speakers of 20 to 60 clips; 400,000 samples of an independent bootstrap."""
    rng = np.random.default_rng(8)
    sizes = rng.integers(20, 61, 24)
    member = np.repeat(np.arange(24), sizes)
    targets = rng.integers(0, 4, len(member))
    good = np.eye(4)[targets] + rng.normal(0, 0.6, (len(targets), 4))
    predicted = [good + rng.normal(0, scale, good.shape) for scale in (0.2, 0.5)]
    metric = sum_metrics("single", CLASSES)["accuracy"]
    both = tuple(PairedSystem.of(metric, targets, [values]) for values in predicted)
    result = Paired(both, tuple(map(str, member))).difference(0, 1)
    ours, theirs = ((values.argmax(1) == targets).astype(float) for values in predicted)
    sums = np.bincount(member, weights=ours - theirs)
    drawn = np.random.default_rng(3).integers(0, 24, (400_000, 24))
    changes = sums[drawn].sum(1) / sizes[drawn].sum(1)
    tail = stats.norm.sf(math.sqrt(24 / 23) * stats.t(23).isf(0.025))
    assert result.bounds == pytest.approx(np.quantile(changes, (tail, 1 - tail)), abs=0.001)


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
    difference = paired.difference(0, 1)
    assert difference.mean == pytest.approx(first.value - second.value)
    assert difference.low < difference.mean < difference.high
    assert paired.difference(1, 0).p == pytest.approx(difference.p)
    assert paired.difference(1, 0).low == pytest.approx(-difference.high)


def test_a_system_does_not_differ_from_itself() -> None:
    paired = systems("single", "accuracy", 10)
    same = Paired((paired.systems[0], paired.systems[0]), paired.groups)
    result = same.difference(0, 1)
    assert (result.mean, result.p) == (0, 1)
    assert np.isnan(result.bounds).all()  # all draws are alike


def test_a_system_that_is_always_right_has_exact_bounds_and_a_score_that_is_no_share_has_none() -> (
    None
):
    targets, _ = generated("single", 240, 1)
    groups = tuple(str(k % 12) for k in range(240))
    metrics = sum_metrics("single", CLASSES)
    for name in ("accuracy", "uar"):
        right = PairedSystem.of(metrics[name], targets, [np.eye(4)[targets]])
        result = Paired((right, right), groups)
        bounds = result.interval(0).bounds
        if name == "accuracy":
            assert bounds == pytest.approx(tuple(stats.binomtest(12, 12).proportion_ci(0.95)))
        else:
            assert np.isnan(bounds).all()
        assert np.isnan(result.difference(0, 1).bounds).all()


@pytest.mark.parametrize("count", [10, 24])
def test_what_a_constant_does_not_have_has_no_p(count: int) -> None:
    """Pearson of a constant is not defined: no p, which Holm does not count."""
    metric, clips = sum_metrics("intensity", CLASSES)["pearson"], 20 * count
    targets, noise = generated("intensity", clips, 1)
    predicted = (targets + noise, targets - noise, np.full((clips, 4), 0.3))
    systems = tuple(PairedSystem.of(metric, targets, [values]) for values in predicted)
    paired = Paired(systems, tuple(str(k % count) for k in range(clips)))
    pairs = [paired.difference(a, b).p for a, b in ((0, 1), (0, 2), (1, 2))]
    assert np.isnan(pairs).tolist() == [False, True, True]
    assert holm(pairs)[0] == pairs[0]


def test_few_groups_have_an_interval_over_clips_alone() -> None:
    result = systems("single", "uar", 7).difference(0, 1)
    assert np.isnan([result.low, result.high, result.p]).all()
    assert result.clips is not None
    assert result.clips[0] < result.mean < result.clips[1]


def test_mcnemar_is_the_exact_test() -> None:
    # Agresti 1990, p. 350: approval of the prime minister, 150 of 236 one way (exact, two-sided).
    first = np.repeat([True, True, False, False], [794, 150, 86, 570])
    second = np.repeat([True, False, True, False], [794, 150, 86, 570])
    expected = 2 * stats.binom(236, 0.5).cdf(86)
    assert mcnemar(first, second) == pytest.approx(expected)
    assert mcnemar(first, first) == 1


@pytest.mark.parametrize("groups", [4, 40])
def test_the_standard_error_of_a_difference_is_that_of_a_mean(groups: int) -> None:
    """Of few groups that of clips."""
    targets, ours = generated("single", 200, 3)
    theirs = np.random.default_rng(4).random(ours.shape)
    accuracy = sum_metrics("single", CLASSES)["accuracy"]
    systems = tuple(PairedSystem.of(accuracy, targets, [each]) for each in (ours, theirs))
    names = tuple(str(k % groups) for k in range(200))
    found = Paired(systems, names).standard_error(0, 1)
    changes = (ours.argmax(1) == targets).astype(float) - (theirs.argmax(1) == targets)
    drawn_from = changes if groups < 8 else changes.reshape(-1, groups).mean(0)
    assert found == pytest.approx(stats.sem(drawn_from))


def test_the_standard_error_of_other_metrics_is_near_the_spread_of_draws() -> None:
    targets, ours = generated("single", 400, 3)
    theirs = np.random.default_rng(4).random(ours.shape)
    metric = sum_metrics("single", CLASSES)["weighted_f1"]
    systems = tuple(PairedSystem.of(metric, targets, [each, each]) for each in (ours, theirs))
    names = tuple(str(k // 4) for k in range(400))
    sums = [system.sums(np.arange(400) // 4, 100)[0] for system in systems]
    spread = np.std(metric.value(drawn(100) @ sums[0]) - metric.value(drawn(100) @ sums[1]))
    assert Paired(systems, names).standard_error(0, 1) == pytest.approx(spread, rel=0.05)


def test_a_few_clips_have_no_standard_error() -> None:
    targets, ours = generated("single", 7, 3)
    system = PairedSystem.of(sum_metrics("single", CLASSES)["accuracy"], targets, [ours])
    assert math.isnan(Paired((system, system), tuple("abcdefg")).standard_error(0, 1))
