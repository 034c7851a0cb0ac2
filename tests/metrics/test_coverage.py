"""How often intervals hold the truth, on generated data."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from emocli.metrics.statistics import cluster_bootstrap

TRIALS = 3000
TRUTH = {"accuracy": 0.75, "difference": 0.05}


def generated(
    what: str, groups: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], list[int]]:
    """Hits of a system in speakers of 20 to 60 clips, whose accuracies differ by .1; or a gain."""
    sizes = rng.integers(20, 61, groups)
    member = np.repeat(np.arange(groups), sizes)
    if what == "accuracy":
        strength = 0.75 * 0.25 / 0.1**2 - 1
        chance = rng.beta(0.75 * strength, 0.25 * strength, groups)[member]
        return (rng.random(len(member)) < chance).astype(float), member.tolist()
    gain = np.clip(0.6 + rng.normal(TRUTH[what], 0.1, groups), 0, 1)[member]
    ours, theirs = (rng.random(len(member)) < chance for chance in (gain, 0.6))
    return ours.astype(float) - theirs, member.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("what", sorted(TRUTH))
@pytest.mark.parametrize("groups", [8, 10, 24])
def test_intervals_hold_the_truth_as_often_as_they_say(what: str, groups: int) -> None:
    rng = np.random.default_rng(groups)
    covered = 0
    for _ in range(TRIALS):
        values, member = generated(what, groups, rng)
        interval = cluster_bootstrap(values, member)
        covered += interval.low <= TRUTH[what] <= interval.high
    print(f"{what}, {groups} groups: {100 * covered / TRIALS:.1f} %")
    assert 0.92 <= covered / TRIALS <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("groups", [8, 10, 24])
def test_p_is_below_a_twentieth_one_time_of_twenty_where_nothing_differs(groups: int) -> None:
    rng = np.random.default_rng(groups)
    below = 0
    for _ in range(TRIALS):
        values, member = generated("difference", groups, rng)
        below += cluster_bootstrap(values - TRUTH["difference"], member).p <= 0.05
    print(f"{groups} groups: p <= .05 in {100 * below / TRIALS:.1f} %")
    assert 0.03 <= below / TRIALS <= 0.07


@pytest.mark.slow
@pytest.mark.parametrize(("groups", "truth"), [(8, 0.995), (10, 0.99), (10, 0.995), (24, 0.995)])
def test_the_bounds_of_an_accuracy_of_one_hold_the_truth(groups: int, truth: float) -> None:
    """Draws of speakers who are all right are alike: without `exact` bounds there is no width."""
    rng = np.random.default_rng(groups)
    perfect, covered = 0, 0
    for _ in range(TRIALS // 3):
        sizes = rng.integers(20, 61, groups)
        strength = 0.75 * 0.25 / 0.1**2 - 1  # the speakers differ in proportion, as above
        chance = rng.beta(truth * strength, (1 - truth) * strength, groups)
        hits = [rng.random(n) < p for n, p in zip(sizes, chance, strict=True)]
        values, member = np.concatenate(hits).astype(float), np.repeat(np.arange(groups), sizes)
        interval = cluster_bootstrap(values, member.tolist(), share=True)
        assert interval.low < interval.high
        if interval.mean == 1:
            perfect += 1
            covered += interval.low <= truth
    print(f"{groups} groups, {truth}: {perfect} all right, {covered} hold the truth")
    assert perfect > 20
    assert covered >= 0.97 * perfect
