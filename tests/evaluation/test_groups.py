"""Metrics of groups: what they are of, what their gap is, where they are written."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from emocli.cli.app import run as emocli
from emocli.errors import ConfigError
from emocli.evaluation.evaluate import Evaluation, evaluate
from emocli.evaluation.groups import FEW, OVER
from emocli.evaluation.report import EvaluationReport
from emocli.evaluation.tables import notes
from emocli.metrics.intervals import MetricInterval, gap_intervals, metric_intervals
from emocli.metrics.metrics import COMMON, score
from emocli.metrics.statistics import drawn
from emocli.metrics.sums import sum_metrics
from tests import toy

METRICS = tuple(sum_metrics("single", toy.CLASSES))
"""What has an interval."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds on clips of which two in three say the gender."""
    small = toy.build(tmp_path_factory.mktemp("toy"), sizes={"train": 24, "valid": 12, "test": 60})
    clips = tuple(
        replace(c, groups={"gender": ("female", "male")[k % 3]} if k % 3 < 2 else {})
        for k, c in enumerate(small.manifest.clips)
    )
    replace(small.manifest, clips=clips).write(small.folder / "toy.csv")
    return small.trained("run", seeds=2)


@pytest.fixture(scope="module")
def found(run: Path) -> Evaluation:
    return evaluate(run, corrupt=["text:zero"], by=["speaker", "gender"], figures=False)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_metrics_are_those_of_the_groups_own_clips(found: Evaluation) -> None:
    table_rows = rows(found.clips)
    assert [each.by for each in found.report.by or ()] == ["speaker", "gender"]
    for each in found.report.by or ():
        column = "speaker" if each.by == "speaker" else "group.gender"
        assert [c.condition for c in each.conditions] == ["clean", "text zero"]
        for condition in each.conditions:
            assert sum(group.n for group in condition.groups) == 60
            for group in condition.groups:
                name = "" if group.group == "(unknown)" else group.group
                own = [
                    r
                    for r in table_rows
                    if r[column] == name and r["condition"] == condition.condition
                ]
                values = []
                for seed in ("0", "1"):
                    mine = [r for r in own if r["seed"] == seed]
                    targets = np.array([toy.CLASSES.index(r["label"]) for r in mine])
                    p = np.array([[float(r[f"p.{c}"]) for c in toy.CLASSES] for r in mine])
                    values.append(score("single", targets, p, toy.CLASSES).overall)
                for metric in COMMON:
                    expected = np.mean([v[metric] for v in values])
                    assert group.metrics[metric] == pytest.approx(expected), metric


def test_the_gap_is_that_of_the_best_and_the_worst(found: Evaluation) -> None:
    for each in found.report.by or ():
        for condition in each.conditions:
            values = {g.group: g.metrics["accuracy"] for g in condition.groups}
            gap = condition.gap
            assert gap is not None
            assert gap.accuracy == pytest.approx(max(values.values()) - min(values.values()))
            assert values[gap.groups[0]] - values[gap.groups[1]] == pytest.approx(gap.accuracy)
            low, high = gap.ci_clips or gap.ci
            assert low <= gap.accuracy <= high


def test_units_are_told(found: Evaluation) -> None:
    speaker, gender = found.report.by or ()
    alone = "none over speakers, of which there are 1 (it takes 8); 95 %, bootstrap over 15 clips"
    for group in speaker.conditions[0].groups:
        assert group.interval.startswith(alone)
        assert group.accuracy_ci_clips is not None
    female = gender.conditions[0].groups[1]
    assert female.interval.startswith("none over speakers, of which there are 4")


def gap_interval(hits: np.ndarray, above: np.ndarray, drawn_with: list[str]) -> MetricInterval:
    """The interval of the gap of two classes' accuracy, of clips that are hit or not."""
    predicted = np.stack([hits, 1 - hits], axis=1)
    zeros = np.zeros(len(hits), np.int64)
    return gap_intervals(sum_metrics("single", "ab"), zeros, [predicted], drawn_with, above)[
        "accuracy"
    ]


def test_a_gap_of_equal_groups_holds_zero_and_of_others_does_not() -> None:
    rng = np.random.default_rng(0)
    above = np.arange(600) % 2 == 0
    speakers = [str(k) for k in np.arange(600) // 30]
    same = gap_interval((rng.random(600) < 0.6).astype(float), above, speakers)
    assert same.ci[0] < 0 < same.ci[1]
    apart = gap_interval(
        (rng.random(600) < np.where(above, 0.9, 0.5)).astype(float), above, speakers
    )
    assert apart.ci[0] > 0.2
    nested = [f"{k}-{a}" for k, a in zip(speakers, above, strict=True)]
    other = gap_interval((rng.random(600) < np.where(above, 0.9, 0.5)).astype(float), above, nested)
    assert 0.2 < other.ci[0] < other.value < other.ci[1] < 0.6


def test_every_metric_has_the_interval_of_an_independent_bootstrap() -> None:
    """The same speakers drawn, every metric by scikit-learn in every sample."""
    rng = np.random.default_rng(1)
    speakers = np.arange(120) // 12
    targets = rng.integers(0, 3, 120)
    predicted = rng.dirichlet(np.ones(3), 120) + 0.4 * np.eye(3)[targets]
    intervals = metric_intervals(
        sum_metrics("single", "abc"), targets, [predicted], list(map(str, speakers))
    )
    chosen = predicted.argmax(axis=1)
    samples: dict[str, list[float]] = {name: [] for name in COMMON}
    for times in drawn(10)[:2000]:
        rows = np.concatenate([np.flatnonzero(speakers == k) for k in np.repeat(range(10), times)])
        own, told = targets[rows], chosen[rows]
        matrix = np.histogram2d(own, told, bins=[range(4)] * 2)[0]
        hit, shown, said = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
        f1 = 2 * hit / np.maximum(shown + said, 1)
        samples["accuracy"].append(hit.sum() / len(own))
        samples["uar"].append((hit / shown)[shown > 0].mean())
        samples["weighted_f1"].append((f1 * shown).sum() / len(own))
        samples["macro_f1"].append(f1[shown > 0].mean())
    part = stats.norm.cdf(-np.sqrt(10 / 9) * stats.t.ppf(0.975, 9))
    for name, values in samples.items():
        expected = np.quantile(values, [part, 1 - part])
        assert intervals[name].ci == pytest.approx(tuple(expected), abs=0.01), name
        assert intervals[name].ci[0] < intervals[name].value < intervals[name].ci[1]


def test_every_metric_has_its_interval_and_its_own_gap(found: Evaluation) -> None:
    for each in found.report.by or ():
        for condition in each.conditions:
            # All clips of a gender are of one class here, which has no F1 against the rest.
            undefined = {"binary_f1"} if each.by == "gender" else set()
            assert set(condition.gaps) == set(METRICS) - undefined
            for group in condition.groups:
                assert set(group.intervals) == set(METRICS)
                for name in set(METRICS) - undefined:
                    interval = group.intervals[name]
                    assert interval.value == pytest.approx(group.metrics[name])
                    assert np.isnan(interval.ci).all()  # at most four speakers
                    assert interval.ci_clips is not None
                    assert interval.ci_clips[0] <= interval.value <= interval.ci_clips[1]
            for name, gap in condition.gaps.items():
                values = {g.group: g.metrics[name] for g in condition.groups}
                high, low = gap.groups
                assert gap.value == pytest.approx(max(values.values()) - min(values.values()))
                assert values[high] - values[low] == pytest.approx(gap.value)
                assert gap.shown[0] <= gap.value <= gap.shown[1]


def test_they_are_in_the_report_the_table_and_a_csv(found: Evaluation) -> None:
    data = json.loads(found.path.read_text())
    assert EvaluationReport.from_data(data).data() == data
    assert data["by"][1]["conditions"][1]["groups"][1]["group"] == "female"
    assert found.path.name == "test+text-zero+by-speaker-gender.json"
    table_rows = rows(found.path.with_name(f"{found.path.stem}-groups.csv"))
    gaps = [row for row in table_rows if row["group"].startswith("gap: ")]
    assert len(gaps) == 4 * len(METRICS) - 2  # see above
    assert float(gaps[0]["accuracy"]) == data["by"][0]["conditions"][0]["gap"]["accuracy"]
    assert gaps[1]["accuracy"] == ""
    assert float(gaps[1]["uar_low"]) <= float(gaps[1]["uar"]) <= float(gaps[1]["uar_high"])
    table = next(t for t in found.tables if t.title.startswith("by gender, clean"))
    assert [row[0] for row in table.rows] == ["(unknown)", "female", "male", "gap"]
    cells = [table.columns, *table.rows[:-1]]  # of the gap, the groups' names may be folded
    widths = [max(len(str(row[k])) for row in cells) for k in range(len(table.columns))]
    assert sum(widths) + 2 * (len(widths) - 1) <= 80


def test_the_tables_say_what_is_drawn_and_why_there_is_no_interval(found: Evaluation) -> None:
    table = next(t for t in found.tables if t.title.startswith("by speaker, clean"))
    assert table.columns[-1] == "over"
    assert [row[-1] for row in table.rows[:-1]] == ["15 clips"] * 4
    assert str(table.rows[-1][-1]).endswith(" dialogues")  # of two speakers there are enough
    assert OVER in notes(found.report)
    assert FEW not in notes(found.report)
    (by, *_) = found.report.by or ()
    few = replace(by.conditions[0].groups[0], n=7)
    fewer = replace(by, conditions=(replace(by.conditions[0], groups=(few,)),))
    assert FEW in notes(replace(found.report, by=(fewer,)))


def test_without_them_the_report_has_none(run: Path) -> None:
    assert "by" not in evaluate(run, figures=False).data


def test_what_no_clip_says_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match=r"no clip says its 'age'.*speaker, dialogue, gender"):
        evaluate(run, by=["age"])
    with pytest.raises(ConfigError, match="named twice"):
        evaluate(run, by=["speaker", "speaker"])
    assert emocli(["evaluate", str(run), "--by", "speaker,gender", "--no-figures"]) == 0
    assert "by gender" in capsys.readouterr().out
