"""Who of several people in picture is the main one, the largest, and around."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from emocli.data.clip import Clip
from emocli.plugin.people import Appearances
from emocli.prediction import people
from emocli.prediction.people import FaceChoice, largest_person, main_person
from emocli.prediction.segment_people import PeopleAssignment, _around


def seen(*rows: tuple[float, int, float, float]) -> Appearances:
    """Appearances of (time, person, side of the box, score)."""
    times = sorted({row[0] for row in rows})
    box = np.array([(0, 0, row[2], row[2]) for row in rows], float)
    return Appearances(
        times=np.array(times),
        frame=np.array([times.index(row[0]) for row in rows], np.int64),
        box=box,
        landmarks=np.zeros((len(rows), 5, 2)),
        confidence=np.ones(len(rows)),
        track=np.array([row[1] for row in rows], np.int32),
        score=np.array([row[3] for row in rows], np.float32),
    )


def test_the_main_person_is_the_one_in_picture_while_somebody_speaks() -> None:
    shown = seen(*((0.1 * k, 1 if k < 6 else 2, 50, 1.0) for k in range(10)))
    assert main_person(shown, ()).person == 1
    assert main_person(shown, ()).score == pytest.approx(0.6)
    assert main_person(shown, [(0.6, 1.0)]).person == 2
    assert main_person(shown, [(0.6, 1.0)]).score == pytest.approx(1)
    assert main_person(shown, [(5, 6)]).person == 1  # nobody is seen then
    assert main_person(seen(), [(0, 1)]).person is None


def test_the_largest_person_is_largest_in_most_frames() -> None:
    rows = [(0.1 * k, n, size, 0.5) for k in range(4) for n, size in ((1, 40), (2, 30 + 4 * k))]
    assert largest_person(seen(*rows)).person == 1
    assert largest_person(seen(*rows)).score == pytest.approx(0.5 * 3 / 4)


def test_those_who_are_seen_for_a_moment_have_no_rows() -> None:
    shown = seen(*((0.1 * k, 2 if k == 7 else 1, 50, 1.0) for k in range(100)))
    assert people.lasting(shown) == (1,)
    assert people.lasting(seen((0.0, 3, 50, 1.0), (0.1, 3, 50, 1.0))) == (3,)


def test_a_process_is_told_who_is_around_its_clips() -> None:
    shown = {Path("a.mp4"): seen(*((0.5 * k, 1, 50, 1.0) for k in range(200)))}
    clips = [
        Clip(str(k), "test", start=k, end=k + 4.0, media={"video": Path("a.mp4")}) for k in (10, 12)
    ]
    (around,) = _around([*clips, Clip("b", "test")], shown).values()
    assert (around.times[0], around.times[-1]) == (9.0, 16.5)
    assert len(around.track) == len(around.times) == 16


@pytest.mark.parametrize(
    ("scores", "said"),
    [((0.5,), "1 of 1 row may"), ((0.5, 0.9), "1 of 2 rows may"), ((0.5, 0.6), "2 of 2 rows may")],
)
def test_rows_of_unsure_people_are_counted(scores: tuple[float, ...], said: str) -> None:
    nothing: Any = SimpleNamespace()
    rows: Any = [SimpleNamespace(piece=SimpleNamespace(person_score=score)) for score in scores]
    assignment = PeopleAssignment("face", nothing, nothing, FaceChoice.of("main"))
    (remark,) = assignment._remarks(rows, {})
    assert remark == f"{said} show another person than is named (person_score below 0.8)"
