"""What sections say of evaluations that differ in one thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emocli.evaluation.report import EvaluationReport
from emocli.pages.records import RunRecords
from emocli.pages.section import Contents
from emocli.pages.sections import overview
from emocli.report.parts import Note


def changed(run: RunRecords, change: Callable[[EvaluationReport], Any]) -> RunRecords:
    """Return a run whose evaluations are others; none of them is written."""
    files = tuple(replace(file, report=change(file.report)) for file in run.evaluations)
    return replace(run, evaluations=files)


@pytest.fixture
def late(place: Path) -> RunRecords:
    return RunRecords.read(place / "late", "late")


@pytest.fixture
def gated(place: Path) -> RunRecords:
    return RunRecords.read(place / "gated", "gated")


def test_a_caution_names_all_runs_that_it_holds_for(late: RunRecords, gated: RunRecords) -> None:
    first = changed(late, lambda report: replace(report, warnings=("few",), remarks=("own",)))
    second = changed(gated, lambda report: replace(report, warnings=("few",), remarks=()))
    notes = [n.text for n in overview.parts(Contents((first, second), ())) if isinstance(n, Note)]
    assert [text for text in notes if text.endswith(("few", "own"))] == [
        "late, gated: few",
        "late: own",
    ]
    (alone,) = (n.text for n in overview.parts(Contents((second,), ())) if isinstance(n, Note))
    assert alone == "few"
