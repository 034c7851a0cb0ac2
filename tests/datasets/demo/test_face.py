"""The face shows what its expression says, measured on the pictures, and looks like a face."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from emocli.datasets.demo.face import (
    BROW_Y,
    EXPRESSIONS,
    MOUTH_Y,
    ZOOM,
    Expression,
    Face,
)
from emocli.datasets.demo.portrait import CENTRE, EYE_X, EYE_Y, HALF_HEIGHT, look

SIZE = 256
CALM = Expression(0.0, 0.0, 0.85, 0.0, 1.0, 0.0, 0.0, 0.0)
STILL = np.zeros(3)
Picture = NDArray[np.float64]


@pytest.fixture(scope="module")
def face() -> Face:
    return Face(look(np.random.default_rng(0), 0), SIZE)


def grey(face: Face, expression: Expression, lid: float = 0.85, jaw: float = 0.0) -> Picture:
    return face.draw(expression, lid, jaw, STILL).mean(2)


def spot(x: float, y: float) -> tuple[int, int]:
    """Row and column of a place of the face, in the picture of a head at rest."""
    return round(SIZE * (0.85 + ZOOM * (y - 0.85))), round(SIZE * (0.5 + ZOOM * (x - 0.5)))


def darkest(picture: Picture, x: float, y: float, reach: int) -> float:
    """Row of the dark line that crosses a column near a place; rows count downwards."""
    row, column = spot(x, y)
    strip = picture[row - reach : row + reach + 1, column - 1 : column + 2].mean(1)
    weights = np.clip(np.median(strip) - strip, 0, None) ** 2
    return float(row - reach + weights @ np.arange(len(strip)) / weights.sum())


def bend(picture: Picture) -> float:
    """How much higher the corners of the mouth are than its middle, in pixels."""
    corners = [darkest(picture, 0.5 + side * 0.06, MOUTH_Y, 12) for side in (-1, 1)]
    return darkest(picture, 0.5, MOUTH_Y, 12) - float(np.mean(corners))


def tilt(picture: Picture) -> float:
    """How much lower the inner ends of the brows are than the outer ones, in pixels."""
    inner, outer = (
        np.mean([darkest(picture, 0.5 + side * x, BROW_Y, 9) for side in (-1, 1)])
        for x in (0.05, 0.125)
    )
    return float(inner - outer)


def test_the_mouth_follows_its_curve(face: Face) -> None:
    sad, flat, happy = (bend(grey(face, replace(CALM, mouth_curve=c))) for c in (-1, 0, 1))
    assert sad < flat - 3 < happy - 6


def test_the_brows_follow_their_angle(face: Face) -> None:
    sad, flat, angry = (tilt(grey(face, replace(CALM, brow_angle=a))) for a in (-1, 0, 1))
    assert sad < flat - 3 < angry - 6


def test_emotions_show(face: Face) -> None:
    pictures = {emotion: grey(face, shown) for emotion, shown in EXPRESSIONS.items()}
    assert bend(pictures["happy"]) > bend(pictures["neutral"]) > bend(pictures["sad"])
    assert tilt(pictures["angry"]) > tilt(pictures["neutral"]) > tilt(pictures["sad"])


def test_a_shut_eye_has_no_white(face: Face) -> None:
    row, column = spot(0.5 + EYE_X, EYE_Y)
    region = (slice(row - 5, row + 6), slice(column - 12, column + 13))
    opened, shut = (face.draw(CALM, lid, 0.0, STILL)[region].min(2).max() for lid in (1.0, 0.0))
    assert opened > shut + 15


def gape(picture: Picture) -> int:
    """How many rows of the mouth's middle are as dark as its inside."""
    row, column = spot(0.5, MOUTH_Y)
    return int((picture[row - 10 : row + 25, column] < 90).sum())


def test_speech_opens_the_mouth_and_lowers_the_chin(face: Face) -> None:
    shut, half, wide = (grey(face, CALM, jaw=jaw) for jaw in (0.0, 0.5, 1.0))
    assert gape(shut) <= 2 < gape(half) < gape(wide)
    row, column = spot(0.5, CENTRE + HALF_HEIGHT)
    chins = [int(p[row - 8 : row + 20, column].argmin()) for p in (shut, half, wide)]
    assert chins[0] + 1 < chins[1] < chins[2] - 1


def test_the_jaw_follows_the_loudness_as_far_as_the_emotion_opens_it(face: Face) -> None:
    still = {e: replace(shown, motion=0.0, nod=0.0) for e, shown in EXPRESSIONS.items()}
    opened = {
        emotion: [
            gape(picture.mean(2))
            for picture in face.animate(shown, np.array([0.0, 1.0]), np.random.default_rng(0))
        ]
        for emotion, shown in still.items()
    }
    for quiet, loud in opened.values():
        assert loud > quiet + 2
    assert opened["angry"][1] > opened["sad"][1]


def test_the_head_moves_where_its_pose_says(face: Face) -> None:
    rest, moved = (face.draw(CALM, 0.85, 0.0, np.array([x, 0.0, 0.0])) for x in (0.0, 8 / SIZE))
    row, column = spot(0.5, MOUTH_Y)
    lips = rest[row - 6 : row + 7, column - 20 : column + 21].astype(int)
    there = moved[row - 6 : row + 7, column - 12 : column + 29].astype(int)
    assert np.abs(lips - there).mean() < 1
    assert np.abs(lips - moved[row - 6 : row + 7, column - 20 : column + 21]).mean() > 3


def test_pictures_move_slowly_and_repeat_with_the_seed(face: Face) -> None:
    loudness = np.full(20, 0.5)
    first, again, other = (
        np.stack(list(face.animate(EXPRESSIONS["happy"], loudness, np.random.default_rng(seed))))
        for seed in (3, 3, 4)
    )
    assert first.shape == (20, SIZE, SIZE, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    steps = np.abs(np.diff(first.astype(int), axis=0)).mean((1, 2, 3))
    assert (steps > 0.05).all()
    assert (steps < 6).all()


@pytest.mark.parametrize("size", [64, 150])
def test_any_size_looks_the_same(size: int) -> None:
    person = look(np.random.default_rng(0), 0)
    small = Face(person, size).draw(CALM, 0.85, 0.0, STILL)
    large = Face(person, SIZE).draw(CALM, 0.85, 0.0, STILL)
    centre = [
        picture[len(picture) // 2, len(picture) // 2].astype(int) for picture in (small, large)
    ]
    assert small.shape == (size, size, 3)
    assert np.abs(centre[0] - centre[1]).max() < 25


def test_the_cascade_is_sure_of_every_person_and_emotion() -> None:
    from emocli.features.faces.cascade import Cascade

    rng = np.random.default_rng(0)
    pictures = np.stack(
        [
            picture
            for number in range(8)
            for shown in EXPRESSIONS.values()
            for person in [Face(look(rng, number), SIZE)]
            for picture in person.animate(shown, np.array([0.05, 0.8]), rng)
        ]
    )
    sure = [faces.scores.max(initial=0) for faces in Cascade()(pictures)]
    assert np.mean(np.array(sure) > 0.95) >= 0.95
    assert min(sure) > 0.8
