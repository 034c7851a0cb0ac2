"""Who is who: numbers that stay with a face, whatever is between."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from emocli.data.manifest import Manifest
from emocli.data.media.content import frames
from emocli.features.faces import tracks
from emocli.features.faces.appearance import SIDE, change, described, look_at
from emocli.features.faces.tracks import Tracker, Tracks

Image = NDArray[np.uint8]

BOX = np.array([70.0, 50, 190, 200])
"""Of every drawn face, about."""

EVERY = 0.04


@pytest.fixture(scope="module")
def people(corpus: Manifest) -> list[list[Image]]:
    """Three drawn people, some pictures of each."""
    return [[f.image for f in frames(clip)][:8] for clip in corpus.clips[::4]]


def placed(*faces: tuple[Image, int]) -> tuple[Image, NDArray[np.float64]]:
    """A wide picture with faces at some columns, and their boxes."""
    wide = np.full((256, 900, 3), 110, np.uint8)
    for image, column in faces:
        wide[:, column : column + 256] = image
    boxes = np.array([BOX + np.array([column, 0, column, 0]) for _, column in faces])
    return wide, boxes.reshape(-1, 4)


def follow(tracker: Tracker, time: float, *faces: tuple[Image, int]) -> Tracks:
    image, boxes = placed(*faces)
    return tracker.follow(time, image, boxes, np.ones(len(boxes)))


def test_a_look_is_of_the_face_and_what_is_around_it(people: list[list[Image]]) -> None:
    look = look_at(people[0][0], BOX)
    assert look.shape == (SIDE, SIDE, 3)
    assert np.linalg.norm(described(look)) == pytest.approx(1, abs=1e-6)
    outside = look_at(people[0][0], [200, 200, 300, 300])
    assert not outside[-8:].any()
    assert outside[:8, :8].any()


def test_people_are_more_like_themselves_than_like_others(people: list[list[Image]]) -> None:
    looks = np.array([[described(look_at(image, BOX)) for image in own] for own in people])
    alike = np.einsum("pid,qjd->pqij", looks, looks)
    same = np.array([alike[k, k].min() for k in range(3)])
    other = np.array([np.delete(alike[k], k, axis=0).max() for k in range(3)])
    assert (same > other).all()


def test_a_face_that_moves_keeps_its_number(people: list[list[Image]]) -> None:
    tracker = Tracker()
    for step, image in enumerate(people[0] * 3):
        seen = follow(tracker, step * EVERY, (image, 20 * step))
        assert seen.numbers.tolist() == [1]
        assert seen.scores.tolist() == [1]


def test_people_are_known_again_after_a_cut(people: list[list[Image]]) -> None:
    """The same place shows somebody else, and then the first one: by overlap alone all are one."""
    first, second, _ = people
    shots = [first[:4], second[:4], first[4:]]
    tracker, numbers, scores = Tracker(), [], []
    for step, image in enumerate(image for shot in shots for image in shot):
        seen = follow(tracker, step * EVERY, (image, 300))
        numbers += seen.numbers.tolist()
        scores += seen.scores.tolist()
    assert numbers == [1] * 4 + [2] * 4 + [1] * 4
    assert scores[:4] == [1] * 4
    assert all(0.5 < score <= 1 for score in scores[4:])


def test_without_the_comparison_of_neighbours_a_cut_is_not_detected(
    people: list[list[Image]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (look_at(own[0], BOX) for own in people[:2])
    assert change(first, second) > tracks.STILL > change(first, look_at(people[0][1], BOX))
    monkeypatch.setattr(tracks, "CONTINUOUS", -1.0)
    tracker = Tracker()
    follow(tracker, 0, (people[0][0], 300))
    assert follow(tracker, EVERY, (people[1][0], 300)).numbers.tolist() == [1]


def test_without_appearance_nobody_is_known_again(
    people: list[list[Image]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def later(same: float) -> list[int]:
        monkeypatch.setattr(tracks, "SAME", same)
        tracker = Tracker()
        follow(tracker, 0, (people[0][0], 0))
        return follow(tracker, 60, (people[0][1], 600)).numbers.tolist()

    assert later(tracks.SAME) == [1]
    assert later(1.1) == [2]


def test_faces_of_one_frame_are_of_different_people(people: list[list[Image]]) -> None:
    """Even twins: a person is in one place at a time."""
    tracker = Tracker()
    twin = people[0][0]
    assert follow(tracker, 0, (twin, 0), (twin, 600)).numbers.tolist() == [1, 2]
    crossed = follow(tracker, EVERY, (twin, 600), (twin, 0))
    assert crossed.numbers.tolist() == [2, 1]
    again = follow(tracker, 9, (twin, 300))
    assert again.numbers.tolist()[0] in (1, 2)
    assert again.scores[0] < 0.6  # it may be either of them


def test_who_is_hidden_for_a_moment_comes_back(people: list[list[Image]]) -> None:
    first, second, _ = people
    tracker = Tracker()
    for step in range(30):
        shown = [(first[step % 8], 0)] + ([(second[step % 8], 600)] if not 5 < step < 22 else [])
        numbers = follow(tracker, step * EVERY, *shown).numbers.tolist()
        assert numbers == [1, 2][: len(shown)]


def test_a_tracker_goes_on_from_its_state(people: list[list[Image]]) -> None:
    def steps(tracker: Tracker, begin: int, end: int) -> list[list[float]]:
        seen = [
            follow(tracker, 0.3 * k, (people[k % 3][k % 8], 300), (people[(k + 1) % 3][k % 8], 0))
            for k in range(begin, end)
        ]
        return [[*each.numbers, *each.scores] for each in seen]

    whole, half = Tracker(), Tracker()
    expected = steps(whole, 0, 24)
    assert steps(half, 0, 12) == expected[:12]
    assert steps(Tracker.restored(half.state()), 12, 24) == expected[12:]
    assert whole.count > 1


def test_those_seen_longest_ago_are_forgotten(
    people: list[list[Image]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracks, "MOST_PEOPLE", 2)
    tracker = Tracker()
    for time, own in enumerate(people):
        follow(tracker, 10.0 * time, (own[0], 300))
    assert [person.number for person in tracker.people] == [2, 3]
    assert follow(tracker, 40, (people[0][0], 300)).numbers.tolist() == [4]
    assert tracker.count == 4


def test_few_looks_are_remembered(people: list[list[Image]]) -> None:
    tracker = Tracker()
    for step in range(80):
        follow(tracker, step * 0.25, (people[0][step % 8], 300))
    (person,) = tracker.people
    assert len(person.looks) == tracks.LOOKS
    unsure = replace(person, looks=[person.looks[0]], learnt=0.0)
    unsure.follow(99, BOX, person.look, sure=False)
    assert len(unsure.looks) == 1


def test_a_frame_without_a_face_has_no_numbers() -> None:
    tracker = Tracker()
    empty = np.zeros((20, 20, 3), np.uint8)
    seen = tracker.follow(0, empty, np.empty((0, 4)), np.empty(0))
    assert not len(seen.numbers)
    assert not len(seen.scores)
