"""Confusion: counts are those of the evaluation, shares are of rows."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from emocli.evaluation.evaluate import evaluate
from tests import toy

confusion = toy.analysis("confusion")

COMMAND = "analyze confusion rrnn --corrupt visual:drop"
"""For the contract of reports."""


@pytest.fixture(scope="module", params=["single", "multi"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.build(tmp_path_factory.mktemp("toy"), request.param).trained(seeds=2)


def test_it_is_that_of_the_evaluation(run: Path) -> None:
    analysis = confusion(run, corrupt=["visual:drop"])
    report = evaluate(run, corrupt=["visual:drop"], figures=False).data
    for condition in ("clean", "corrupted"):
        assert analysis.data[condition]["confusion"] == report[condition]["confusion"]
    assert analysis.data["clean"] != analysis.data["corrupted"]
    assert [path.suffix for path in analysis.figures] == [".png", ".svg"]
    assert all(path.stat().st_size > 1000 for path in analysis.figures)
    assert len(analysis.tables) == 2


def test_shares_are_of_the_row(run: Path) -> None:
    analysis = confusion(run, figures=False)
    assert analysis.data["corrupted"] is None
    result = analysis.data["clean"]
    for counts, shares in zip(result["confusion"], result["percent"], strict=True):
        assert shares == pytest.approx((100 * np.array(counts) / sum(counts)).tolist())
    with analysis.path.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9
    assert sum(int(row["count"]) for row in rows) == np.sum(result["confusion"])
