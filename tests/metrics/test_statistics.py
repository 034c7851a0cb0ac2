"""Spread over seeds and the cluster bootstrap."""

from __future__ import annotations

import math
import statistics as standard
import warnings as python_warnings

import numpy as np
import pytest
from scipy import stats

from emocli.data.clip import Clip
from emocli.metrics.statistics import (
    cluster_bootstrap,
    clustered,
    grouping,
    groups,
    holm,
    interval_over,
    p_value,
    sign_flip_p,
    spread,
    tail,
    warnings,
)


def test_spread_divides_by_n_minus_one():
    result = spread([0.5, 0.7, 0.9])
    assert result.mean == pytest.approx(0.7)
    assert result.std == pytest.approx(standard.stdev([0.5, 0.7, 0.9]))


def test_spread_of_one_seed_has_no_deviation():
    result = spread([0.5])
    assert result.mean == 0.5
    assert math.isnan(result.std)


def test_spread_leaves_out_what_is_undefined():
    assert spread([0.5, math.nan, 0.7]).n == 2
    assert spread([0.5, math.nan, 0.7]).mean == pytest.approx(0.6)
    assert math.isnan(spread([math.nan]).mean)


def expanded(groups: int) -> float:
    """Hesterberg 2015: the share of the draws beyond a bound, of 95 %."""
    quantile = stats.t(groups - 1).isf(0.025)
    return float(stats.norm.sf(math.sqrt(groups / (groups - 1)) * quantile))


def test_bootstrap_agrees_with_drawing_groups_one_by_one():
    rng = np.random.default_rng(0)
    values = rng.random(40)
    member = rng.integers(0, 9, 40)
    interval = cluster_bootstrap(values, member.tolist(), draws=4000, seed=1)
    means = []
    for _ in range(4000):
        drawn = rng.choice(np.unique(member), 9)
        rows = np.concatenate([values[member == group] for group in drawn])
        means.append(rows.mean())
    part = expanded(9)
    assert interval.mean == pytest.approx(values.mean())
    assert interval.low == pytest.approx(np.quantile(means, part), abs=0.01)
    assert interval.high == pytest.approx(np.quantile(means, 1 - part), abs=0.01)
    assert interval.low < np.quantile(means, 0.025)
    assert interval.groups == 9


def test_a_share_is_the_sum_of_parts_over_that_of_wholes():
    rng = np.random.default_rng(3)
    wholes = rng.normal(0.5, 0.2, 60)
    member = np.repeat(np.arange(12), 5)
    parts = 0.8 * wholes + rng.normal(0, 0.1, 60)
    interval = cluster_bootstrap(parts, member.tolist(), draws=4000, wholes=wholes)
    assert interval.mean == pytest.approx(sum(parts) / sum(wholes))
    shares = []
    for _ in range(4000):
        drawn = np.concatenate([np.flatnonzero(member == g) for g in rng.choice(12, 12)])
        shares.append(parts[drawn].sum() / wholes[drawn].sum())
    part = expanded(12)
    assert interval.low == pytest.approx(np.quantile(shares, part), abs=0.01)
    assert interval.high == pytest.approx(np.quantile(shares, 1 - part), abs=0.01)
    alike = cluster_bootstrap(0.8 * wholes, member.tolist(), wholes=wholes)
    assert alike.mean == pytest.approx(0.8)
    assert np.isnan(alike.bounds).all()


@pytest.mark.parametrize("groups", [8, 24])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_share_that_is_alike_in_all_groups_has_exact_bounds_at_its_ends(
    groups: int, value: float
):
    member = [k % groups for k in range(5 * groups)]
    values = np.full(5 * groups, value)
    interval = cluster_bootstrap(values, member, share=True)
    reference = stats.binomtest(int(groups * value), groups).proportion_ci(0.95)
    assert interval.bounds == pytest.approx((reference.low, reference.high))
    assert np.isnan(cluster_bootstrap(values, member).bounds).all()
    half = cluster_bootstrap([0.0, 1.0] * groups, [k // 2 for k in range(2 * groups)], share=True)
    assert np.isnan(half.bounds).all()  # one half in each group: nothing is known of others
    few = cluster_bootstrap(values, [k % 2 for k in member], share=True)
    assert few.clips is not None
    assert few.clips[0] <= value <= few.clips[1]
    assert few.clips[1] - few.clips[0] == pytest.approx(1 - 0.025 ** (1 / len(values)))


def test_a_share_of_nothing_is_undefined():
    interval = cluster_bootstrap([1.0, 0.0, 1.0], ["a", "b", "c"], wholes=[0.0, 0.0, 0.0])
    assert math.isnan(interval.mean)
    assert math.isnan(interval.low)


def test_a_share_of_what_may_be_nothing_has_no_bounds():
    with python_warnings.catch_warnings():
        python_warnings.simplefilter("error")
        interval = cluster_bootstrap([0.5, 0.2, 0.1], ["a", "b", "c"], wholes=[1.0, 0.0, 0.0])
    assert interval.mean == pytest.approx(0.8)
    assert np.isnan([interval.low, interval.high]).all()


def test_a_whole_of_which_only_rounding_is_left_is_nothing():
    # As accuracies of several classes: their thirds do not cancel to the last bit.
    wholes = [0.1, 0.2, -0.3, 0.7, 0.7, 0.7]
    assert sum(wholes[:3]) != 0
    alone = cluster_bootstrap([0.1, 0.0, 0.1], ["a", "a", "b"], wholes=wholes[:3])
    assert math.isnan(alone.mean)
    members = ["a", "a", "a", "b", "b", "b"]
    some = cluster_bootstrap([0.1, 0.2, 0.0, 0.7, 0.7, 0.0], members, wholes=wholes)
    assert some.mean == pytest.approx(1.7 / 2.1)
    assert np.isnan([some.low, some.high]).all()


def test_groups_that_agree_inside_make_the_interval_wider():
    hits = np.repeat([1, 0, 1, 0, 1, 1, 0, 1], 25)
    by_clip = cluster_bootstrap(hits, list(range(200)))
    by_group = cluster_bootstrap(hits, np.repeat(np.arange(8), 25).tolist())
    assert by_group.high - by_group.low > 3 * (by_clip.high - by_clip.low)


def test_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(5)
    covered = 0
    for trial in range(200):
        sample = rng.random(60) < 0.6
        interval = cluster_bootstrap(sample, list(range(60)), draws=400, seed=trial)
        covered += interval.low <= 0.6 <= interval.high
    assert 0.88 <= covered / 200 <= 0.99


def test_paired_differences_give_a_p_value():
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 1, 200)
    assert cluster_bootstrap(noise - 1, list(range(200))).p < 0.01
    assert cluster_bootstrap(noise - noise.mean(), list(range(200))).p > 0.5
    assert cluster_bootstrap(np.zeros(10), list(range(10))).p == 1


def test_one_group_gives_no_interval():
    interval = cluster_bootstrap([0.0, 1.0], ["a", "a"])
    assert interval.mean == 0.5
    assert math.isnan(interval.low)
    assert math.isnan(interval.p)


@pytest.mark.parametrize("count", [2, 3, 7])
@pytest.mark.parametrize("wholes", [None, 0.5])
def test_few_groups_give_neither_interval_nor_p(count: int, wholes: float | None):
    """However much they agree: two can be drawn in three ways."""
    member = [f"speaker {k % count}" for k in range(60)]
    rng = np.random.default_rng(0)
    values = (rng.random(60) < 0.9).astype(float)
    shares = None if wholes is None else np.full(60, wholes)
    interval = cluster_bootstrap(values, member, wholes=shares)
    assert interval.mean == pytest.approx(values.mean() / (wholes or 1))
    assert interval.groups == count
    assert np.isnan([interval.low, interval.high, interval.p]).all()
    apart = cluster_bootstrap(values, list(range(60)), wholes=shares)
    assert interval.clips == (apart.low, apart.high)
    assert apart.clips is None


def test_eight_groups_are_enough_and_fewer_clips_give_nothing():
    interval = cluster_bootstrap(np.arange(16) % 3, [k % 8 for k in range(16)])
    assert np.isfinite([interval.low, interval.high, interval.p]).all()
    assert interval.clips is None
    alone = cluster_bootstrap([1.0, 0.0, 1.0], ["a", "b", "c"])
    assert math.isnan(alone.low)
    assert alone.clips is None


@pytest.mark.parametrize("draws", [1, 10, 999, 5000])
def test_p_is_never_less_than_one_draw_can_tell(draws: int):
    for values in (np.ones(40), -np.ones(40), np.zeros(40)):
        p = cluster_bootstrap(values, list(range(40)), draws=draws).p
        assert 1 / (draws + 1) <= p <= 1


def test_what_only_rounding_tells_from_zero_is_on_either_side():
    """Differences of shares of three seeds: their sums do not cancel to the last bit."""
    change = np.array([1 / 3 - 2 / 3, 2 / 3 - 1 / 3, 1 - 2 / 3, 2 / 3 - 1] * 10)
    assert cluster_bootstrap(change, np.arange(40).tolist()).p > 0.5
    shares = cluster_bootstrap([1.0] + 19 * [0.0], list(range(20)), wholes=[1.0] + 19 * [0.0])
    assert shares.p > 0.3  # without the first one there is nothing to take a share of


@pytest.mark.parametrize("count", [8, 10, 13, 14, 24])
def test_no_p_is_below_what_the_groups_can_show(count: int):
    """However large the difference is, and however many clips: signs of k groups are 2^k."""
    interval = cluster_bootstrap(np.ones(50 * count), np.arange(50 * count) % count)
    assert interval.p >= 2 / 2**count
    assert interval.p < 0.01


@pytest.mark.parametrize("count", [8, 11])
def test_p_is_that_of_the_exchange_of_two_systems(count: int):
    rng = np.random.default_rng(count)
    totals = rng.normal(0.4, 1, count)
    expected = stats.permutation_test(
        (totals,), np.sum, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert sign_flip_p(totals) == pytest.approx(expected)


def test_drawn_exchanges_agree_with_all_of_them():
    totals = np.random.default_rng(1).normal(0.3, 1, 16)
    expected = stats.permutation_test(
        (totals,), np.sum, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert sign_flip_p(totals) == pytest.approx(expected, abs=0.015)


def test_the_tail_of_many_groups_is_that_of_plain_percentiles():
    assert tail(10) == pytest.approx(expanded(10))
    assert tail(10) < tail(24) < tail(10**6) == pytest.approx(0.025, abs=1e-5)


def test_p_values_are_adjusted_for_being_several():
    # Holm 1979: the smallest times 4, the next times 3 ...; never less than the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    some = holm([0.02, math.nan])
    assert some[0] == 0.02
    assert math.isnan(some[1])


def make(dialogues: str, speakers: str) -> list[Clip]:
    pairs = zip(dialogues, speakers, strict=True)
    return [Clip(str(i), dialogue=d.strip(), speaker=s.strip()) for i, (d, s) in enumerate(pairs)]


@pytest.mark.parametrize(
    ("dialogues", "speakers", "line"),
    [
        (" " * 12, "xy" * 6, "2 speakers are too few to draw from (it takes 8)"),
        (" " * 12, "x" * 12, "1 speaker is too few to draw from (it takes 8)"),
        ("abcdefg" * 2, "x" * 14, "7 dialogues are too few to draw from (it takes 8)"),
        (" " * 5, "abcde", "5 clips are too few to draw from (it takes 8)"),
        ("abcdefgh" * 2, "x" * 16, ""),
        (" " * 9, " " * 9, ""),
    ],
)
def test_a_warning_says_how_many_there_are(dialogues: str, speakers: str, line: str):
    result = make(dialogues, speakers)
    said, told = warnings(result), interval_over(result)
    assert len(said) == bool(line)
    assert all(each.startswith(f"{line}: there is no interval and no p") for each in said)
    assert told.startswith("none over ") if line else told.startswith("95 %, bootstrap over ")
    interval = cluster_bootstrap(np.arange(len(result)) % 2, clustered(result))
    assert math.isnan(interval.low) == bool(line)
    assert (
        ("over clips as if" in said[0] or "an interval over clips" in said[0])
        == (interval.clips is not None)
        if line
        else interval.clips is None
    )


def test_clips_without_a_speaker_that_make_all_independent_are_told():
    speakers = "".join(c * 10 for c in "abcdefghijklmnopqrst")
    (line,) = warnings(make(" " * 200, " " + speakers[1:]))
    assert line == "1 of 200 clips has no speaker: intervals take clips for independent"
    assert warnings(make(" " * 200, speakers)) == []
    assert warnings(make(" " + "ab" * 10 + "c" * 179, speakers)) == []  # speakers are drawn


def test_what_is_not_defined_has_no_p_and_what_is_exchanged_for_it_counts_as_far():
    nan = float("nan")
    assert math.isnan(p_value(nan, np.zeros(4), complete=True))
    assert p_value(0.5, np.array([0.5, 0.1, nan, 0.1]), complete=True) == 0.5
    assert p_value(0.5, np.array([0.1, nan, 0.1]), complete=False) == 0.5


def test_grouping_prefers_dialogues_then_speakers():
    def clips(dialogues: str, speakers: str) -> list[Clip]:
        pairs = zip(dialogues, speakers, strict=True)
        return [
            Clip(str(i), dialogue=d.strip(), speaker=s.strip()) for i, (d, s) in enumerate(pairs)
        ]

    assert grouping(clips("aabb", "xyxy")) == "dialogue"
    assert grouping(clips("    ", "xyxy")) == "speaker"
    assert grouping(clips("abcd", "xyxy")) == "speaker"  # every clip a dialogue of its own
    assert grouping(clips("    ", "xxxx")) == "clip"
    assert grouping(clips("aab ", "    ")) == "clip"
    assert groups(clips("aabb", "xyxy"), "speaker") == ["x", "y", "x", "y"]
    assert groups(clips("aabb", "xyxy"), "clip") == ["0", "1", "2", "3"]
