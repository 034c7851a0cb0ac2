"""The page of a run that was evaluated with features normalised in several ways."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from emocli.data.normalisation import GIVEN, UNUSED, USED
from emocli.pages.page import report
from emocli.pages.records import RunRecords
from tests.pages.example import Parsed


def test_evaluations_of_other_normalisation_do_not_stand_beside_the_runs_own(
    place: Path, tmp_path: Path
) -> None:
    """Both corrupted ones are of other numbers than the clean one's; one is normalised alike."""
    run = tmp_path / "late"
    shutil.copytree(place / "late", run)
    reports = run / "reports"
    (dropped,) = (p for p in reports.glob("test+visual*.json"))
    (clean,) = (p for p in reports.glob("test*.json") if p != dropped)
    for path, to, normalised in (
        (clean, clean.stem, USED),
        (clean, "test+normalise-none", UNUSED),
        (dropped, dropped.stem, USED),
        (dropped, f"{dropped.stem}+normalise-none", UNUSED),
        (dropped, f"{dropped.stem}+normalise-given", GIVEN),
    ):
        data = json.loads(path.read_text())
        data["normalised"] = normalised
        (reports / f"{to}.json").write_text(json.dumps(data))
    records = RunRecords.read(run, "late")
    assert records.main is not None
    assert records.main.normalised == USED
    assert {each.normalised for each in records.own} == {USED}
    assert any(each.corrupted for each in records.own)
    text = Parsed(report([run], tmp_path / "page.html")).text
    assert f"; features {USED}" in text
    for kind in (UNUSED, GIVEN):
        assert f"is not among the numbers here: its features are {kind}" in text
