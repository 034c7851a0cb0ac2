"""The raters' agreement in an evaluation, and intensities learnt by their concordance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emocli.config import merge
from emocli.evaluation.compare import compare
from emocli.evaluation.evaluate import evaluate
from emocli.metrics.agreement import alpha
from tests import toy


def test_the_network_is_one_more_rater(tmp_path: Path) -> None:
    small = toy.build(tmp_path)
    rng = np.random.default_rng(0)
    votes = {c.id: rng.integers(0, 3, 5) for c in small.manifest.clips}
    clips = tuple(
        replace(
            c, labels={name: float((votes[c.id] == k).mean()) for k, name in enumerate(toy.CLASSES)}
        )
        for c in small.manifest.clips
    )
    replace(small.manifest, clips=clips).write(tmp_path / "toy.csv")
    evaluation = evaluate(small.trained(), corrupt=["text:zero"], figures=False)
    told = evaluation.report.clean.agreement
    assert told is not None
    assert (told.clips, told.raters) == (15, 5)
    ratings = np.array([votes[f"test{k:02d}"] for k in range(15)]).T
    assert told.alpha == pytest.approx(alpha(ratings))
    chosen = {}
    for line in evaluation.clips.read_text().splitlines()[1:16]:
        cells = line.split(",")
        chosen[cells[0]] = toy.CLASSES.index(cells[6])
    joined = np.vstack([ratings, [chosen[f"test{k:02d}"] for k in range(15)]])
    assert told.alpha_with_network == pytest.approx(alpha(joined))
    rows = [row[0] for row in evaluation.tables[0].rows]
    assert rows[-2:] == ["alpha of raters", "  with the network"]


def test_without_votes_there_is_no_agreement(tmp_path: Path) -> None:
    small = toy.build(tmp_path)
    report = evaluate(small.trained(), figures=False).report
    assert report.clean.agreement is None
    assert report.clean.reliability is not None
    assert report.clean.reliability.risk[-1] == pytest.approx(1 - report.clean.metrics["accuracy"])


def test_intensities_can_be_learnt_by_their_concordance(tmp_path: Path) -> None:
    small = toy.build(tmp_path, "intensity", sizes={"train": 60, "valid": 20, "test": 40})
    reports = {}
    for loss in ("huber", "ccc"):
        settings = merge(
            toy.QUICK, {"train": {"loss": loss, "monitor": "ccc", "epochs": 15, "patience": 15}}
        )
        run = small.trained(loss, settings=settings)
        reports[loss] = evaluate(run, by=["speaker"], figures=False).report
    values = {loss: report.clean.metrics["ccc"] for loss, report in reports.items()}
    assert values["ccc"] != values["huber"]
    assert values["ccc"] > 0.3
    compared = compare([tmp_path / "ccc", tmp_path / "huber"], metric="ccc")
    assert compared.interval == "95 %, bootstrap over 14 dialogues"
    assert compared.pairs[0].difference == pytest.approx(values["ccc"] - values["huber"])
    for run in compared.runs:
        own = (reports[run.run].clean.intervals or {})["ccc"]
        assert (own.value, own.ci) == (pytest.approx(run.value), pytest.approx(run.ci))
        assert own.ci[0] < own.value < own.ci[1]
    (speakers,) = reports["ccc"].by or ()
    for group in speakers.conditions[0].groups:
        low, high = group.intervals["ccc"].ci_clips or ()
        assert low < group.metrics["ccc"] < high
