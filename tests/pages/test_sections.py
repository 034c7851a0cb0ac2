"""What sections say of evaluations that differ in one thing."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emocli.evaluation.report import EvaluationReport
from emocli.metrics.intervals import NONE
from emocli.models.rundir import MODEL
from emocli.pages.records import RunRecords
from emocli.pages.section import Contents, sections
from emocli.pages.sections import classes, groups, metrics, overview, robustness
from emocli.report.document import Listing, Paragraph, Part
from emocli.report.parts import Note, Sheet, SpanTable, Tiles
from tests import toy
from tests.pages.example import CLASSES


def changed(run: RunRecords, change: Callable[[EvaluationReport], Any]) -> RunRecords:
    """Return a run whose evaluations are others; none of them is written."""
    files = tuple(replace(file, report=change(file.report)) for file in run.evaluations)
    return replace(run, evaluations=files)


def paragraphs(parts: Iterable[Part]) -> list[str]:
    return [part.text for part in parts if isinstance(part, Paragraph)]


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


def test_tiles_have_their_interval_and_their_spread(late: RunRecords) -> None:
    (tiles,) = (part for part in overview.parts(Contents((late,), ())) if isinstance(part, Tiles))
    assert re.fullmatch(r"95 %: .* to .*; ± \d\.\d{3} over the seeds", tiles.tiles[0].more)
    assert re.fullmatch(r"± \d\.\d{3} over the seeds", tiles.tiles[1].more)


def test_the_spread_is_over_the_seeds_of_runs_that_have_several(
    late: RunRecords, gated: RunRecords
) -> None:
    said = paragraphs(metrics.parts(Contents((late, gated), ())))
    assert len(gated.config.seeds) == 1
    assert [text for text in said if "deviation over 2 seeds, what" in text]


def test_metrics_have_no_row_for_intervals_that_there_are_not(
    late: RunRecords, gated: RunRecords
) -> None:
    def without(report: EvaluationReport) -> EvaluationReport:
        bare = replace(report.clean, accuracy_ci=NONE, accuracy_ci_clips=None, intervals=None)
        return replace(report, clean=bare)

    for runs, most in (((late,), 1), ((late, gated), 2)):
        bare = tuple(changed(run, without) for run in runs)
        for own, there in ((runs, True), (bare, False), ((*runs[:-1], bare[-1]), most == 2)):
            (sheet,) = (p for p in metrics.parts(Contents(own, ())) if isinstance(p, Sheet))
            assert any(row.under and row.name == "95 % interval" for row in sheet.rows) == there


def test_what_is_not_defined_says_where_and_of_whom(late: RunRecords, gated: RunRecords) -> None:
    never, sometimes, _ = CLASSES

    def lacking(report: EvaluationReport) -> EvaluationReport:
        each = {name: dict(own) for name, own in report.clean.per_class.items()}
        each[never]["precision"] = math.nan
        undefined = {"precision": (never, sometimes), "recall": ()}
        return replace(report, clean=replace(report.clean, per_class=each, undefined=undefined))

    def whole(report: EvaluationReport) -> EvaluationReport:
        return replace(report, clean=replace(report.clean, undefined={}))

    def said(*runs: RunRecords) -> list[str]:
        return [t for t in paragraphs(classes.parts(Contents(runs, ()))) if "Not defined" in t]

    what = f"precision of {never}; precision of {sometimes} in some seeds."
    first, second = changed(late, lacking), changed(gated, lacking)
    assert said(first) == [f"Not defined, and left out of means: {what}"]
    assert said(first, second) == [f"Not defined of late, gated, and left out of means: {what}"]
    assert said(first, changed(gated, whole)) == [
        f"Not defined of late, and left out of means: {what}"
    ]


def test_how_groups_were_chosen_is_said_of_differences_alone(late: RunRecords) -> None:
    def without(report: EvaluationReport) -> EvaluationReport:
        by = [
            replace(each, conditions=tuple(replace(c, gaps={}) for c in each.conditions))
            for each in report.by or ()
        ]
        return replace(report, by=tuple(by))

    def notes(run: RunRecords) -> tuple[str, ...]:
        listings = [p for p in groups.parts(Contents((run,), ())) if isinstance(p, Listing)]
        return tuple(listings[-1].lines)

    assert notes(late)[-1] == groups.CHOSEN
    assert notes(changed(late, without)) == notes(late)[:-1]


def test_a_repair_has_its_own_clean_condition_and_its_own_gains(late: RunRecords) -> None:
    (plain,) = (file for file in late.evaluations if file.report.corrupted)
    clean = plain.report.clean
    other = replace(clean, metrics={**clean.metrics, "accuracy": 0.875})
    repaired = replace(plain.report, repair="check, proxy", clean=other)
    run = replace(late, evaluations=(*late.evaluations, replace(plain, report=repaired)))
    conditions, gains = (
        part for part in robustness.parts(Contents((run,), ())) if isinstance(part, SpanTable)
    )
    assert [row[:2] for row in conditions.rows] == [
        *(("clean", "-"), ("visual drop", "-")),
        *(("clean", "check, proxy"), ("visual drop", "check, proxy")),
    ]
    assert conditions.rows[2][2].startswith("0.875")
    assert gains.columns[:3] == ("condition", "repair", "baseline")
    assert {row[:2] for row in gains.rows} == {row[:2] for row in conditions.rows[1::2]}
    _, gains = (
        part for part in robustness.parts(Contents((late,), ())) if isinstance(part, SpanTable)
    )
    assert gains.columns[:2] == ("condition", "baseline")


def test_analyses_that_its_network_has_nothing_for_are_not_missed(
    late: RunRecords, gated: RunRecords, tmp_path: Path
) -> None:
    def missed(run: RunRecords) -> set[str]:
        contents = Contents((replace(run, analyses=()),), ())
        commands = (each.command for section in sections() for each in section.absent(contents))
        return {line.split()[2] for line in commands if line.startswith("emocli analyze")}

    assert missed(late) == {"check", "examples", "weights"}
    assert missed(gated) == {"check", "examples", "gates"}
    shutil.copytree(late.path, tmp_path / "gone", ignore=shutil.ignore_patterns(MODEL))
    gone = replace(late, path=tmp_path / "gone")  # what its network gives is not known
    assert missed(gone) == {"check", "examples", "weights", "gates"}


def test_what_a_network_of_dialogues_gives_is_known(place: Path, tmp_path: Path) -> None:
    run = toy.build(tmp_path).trained("turns", "m2fnet")
    records = RunRecords.read(run, "turns")
    assert not records.gives("weights")
    assert records.gives("")
