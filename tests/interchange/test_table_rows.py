"""Which rows of a frame are taken, and those that have no time."""

from __future__ import annotations

from pathlib import Path

import pytest
from numpy.testing import assert_allclose

from emocli.data.clip import Clip
from emocli.errors import StoreError
from tests.interchange.test_tables import OPENFACE, take, write

POINTS = "frame,timestamp_ms,landmark,x,y"


def test_a_row_per_landmark_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", POINTS, "0,0,0,.1,.2", "0,0,1,.3,.4", "1,40,0,.1,.2", "1,40,1,.3,.4")
    with pytest.raises(
        StoreError, match=r"clip 'a': has several rows of a frame.*--set 'FORMAT.face="
    ):
        take(tmp_path, "mediapipe", (Clip("a"),), "x", "y")
    report, store = take(tmp_path, "mediapipe", (Clip("a"),), "x", "y", faces="all")
    assert report.left_out["of_other_faces"] == 0
    with store:
        assert store.length("a") == 4


def test_rows_that_stand_twice_are_taken_once(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", POINTS, "0,0,0,.1,", "0,0,0,.1,", "1,40,0,.3,.4")
    report, store = take(tmp_path, "mediapipe", (Clip("a"),), "x", "y")
    assert report.left_out["of_other_faces"] == 1
    with store:
        assert_allclose(store["a"][:, 0], [0.1, 0.3])


def test_the_surest_of_several_rows_is_taken_whatever_others_tie(tmp_path: Path) -> None:
    lines = ["0,0,.5,.1", "0,0,.9,.2", "0,0,.5,.3", "1,40,.9,.4"]
    write(tmp_path, "a.csv", "frame,timestamp_ms,confidence,x", *lines)
    _, store = take(tmp_path, "mediapipe", (Clip("a"),), "x")
    with store:
        assert_allclose(store["a"][:, 0], [0.2, 0.4])


def test_rows_without_a_time_are_left_out_and_counted(tmp_path: Path) -> None:
    lines = ["1, 0, nan, 0.98, 1, 0, 9, 0, 0", "2, 0, 0.04, 0.98, 1, 0, 2, 0, 0"]
    write(tmp_path, "a.csv", OPENFACE, *lines)
    report, store = take(tmp_path, "openface", (Clip("a"),), "AU01_r")
    assert "of 2 rows left out: 1 without a time" in str(report)
    with store:
        assert_allclose(store["a"], [[2.0]])
