"""A drawn face whose brows, eyes, mouth and jaw follow an expression.

A person's still parts (`portrait`) are painted once; each picture adds eyes, brows and mouth to
them, lowers the chin, moves the head and lays it over what is behind.
Lengths are fractions of the picture's side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from emocli.datasets.demo.portrait import (
    EYE_X,
    EYE_Y,
    NOSE_Y,
    Colour,
    Floats,
    Image,
    Look,
    paint_behind,
    paint_head,
)


@dataclass(frozen=True)
class Expression:
    """A facial expression: what the emotion changes in a face."""

    brow_angle: float  # 1: inner ends pulled down; -1: raised
    brow_height: float  # 1: raised; -1: lowered
    eye_opening: float  # 0: shut; 1: open
    mouth_curve: float  # 1: corners up; -1: down
    mouth_width: float  # relative to the mouth at rest
    jaw: float  # how far the loudest speech opens the mouth, 0 to 1
    nod: float  # 1: head bowed; -1: raised
    motion: float  # how much the head moves


EXPRESSIONS = {
    "angry": Expression(1.0, -0.7, 0.85, -0.45, 0.92, 0.75, 0.15, 1.2),
    "happy": Expression(-0.1, 0.45, 0.70, 1.0, 1.22, 0.65, -0.25, 1.3),
    "neutral": Expression(0.1, 0.0, 0.85, 0.0, 1.0, 0.45, 0.0, 0.7),
    "sad": Expression(-0.9, 0.3, 0.55, -0.8, 0.88, 0.30, 0.6, 0.5),
}
SPREAD = Expression(0.22, 0.25, 0.08, 0.22, 0.07, 0.10, 0.2, 0.2)
"""Standard deviations of an expression around its emotion."""
VIGOUR = Expression(0.0, 0.35, 0.12, 0.0, 0.04, 0.15, -0.25, 0.3)
"""What a unit of vigour adds to an expression."""

CHIN_DROP = 0.11
"""How much longer a fully opened jaw makes the face below the nose, as a fraction."""
ZOOM = 1.15
LENS = 0.0055
"""Blur of the lens: detectors of real faces are surer of pictures as soft as real ones."""
EYE_WIDTH, EYE_HEIGHT = 0.045, 0.023
BROW_Y, MOUTH_Y, MOUTH_WIDTH = 0.378, 0.628, 0.074
SUBPIXEL = 4


class Face:
    """A person's picture: the still parts are painted once, at twice the size of the pictures."""

    def __init__(self, person: Look, size: int) -> None:
        self.person, self.size, self.side = person, size, 2 * size
        self.head = paint_head(person, self.side)
        self.behind = paint_behind(person, size)

    def animate(
        self, expression: Expression, loudness: Floats, rng: np.random.Generator
    ) -> Iterator[Image]:
        """Draw pictures of RGB, shape (size, size, 3), one per value of the loudness, shape (T,).

        The loudness is 0 for silence and 1 for the loudest speech; ``rng`` is that of blinks and
        head motion.
        """
        lids = np.clip(expression.eye_opening * (1 - _blinks(len(loudness), rng)), 0, 1)
        jaws = np.clip(expression.jaw * loudness, 0, 1)
        sway = expression.motion * _sway(len(loudness), rng)
        for lid, jaw, pose in zip(lids, jaws, sway, strict=True):
            yield self.draw(expression, float(lid), float(jaw), pose)

    def draw(self, face: Expression, lid: float, jaw: float, pose: Floats) -> Image:
        """Draw one picture.

        ``lid`` and ``jaw`` are this moment's opening of eyes and mouth, ``pose`` how far the head
        is to the right and down (in fractions of the side) and its turn in degrees.
        """
        canvas = self._with_chin(jaw)
        bow = 0.012 * face.nod
        for side in (-1, 1):
            self._eye(canvas, side, EYE_Y + bow, lid, face.mouth_curve)
            self._brow(canvas, side, BROW_Y + bow, face)
        self._frown(canvas, BROW_Y + bow, face.brow_angle)
        self._mouth(canvas, MOUTH_Y + bow / 2, jaw, face)
        return self._lay_over(canvas, pose, face.nod)

    def _with_chin(self, jaw: float) -> Image:
        """Return the still head with everything below the nose stretched downwards."""
        fixed = round(NOSE_Y * self.side)
        below = self.head[fixed:]
        longer = round(len(below) * (1 + CHIN_DROP * jaw))
        stretched = cv2.resize(below, (self.side, longer), interpolation=cv2.INTER_LINEAR)
        return np.concatenate([self.head[:fixed], stretched[: len(below)]])

    def _eye(self, canvas: Image, side: int, y: float, lid: float, smile: float) -> None:
        x, across = 0.5 + side * EYE_X, np.linspace(-1, 1, 17)
        arch = 1 - across**2
        upper = -EYE_HEIGHT * 1.15 * max(lid, 0.03) * arch**0.8
        lower = EYE_HEIGHT * (0.62 - 0.3 * max(smile, 0)) * min(1, lid + 0.3) * arch
        edge = x + EYE_WIDTH * across
        ball = np.zeros(canvas.shape[:2], np.uint8)
        self._fill(ball, _loop(edge, y + upper, y + lower), 255)
        box = self._box(x, y, 1.3 * EYE_WIDTH)
        eye = np.full_like(canvas[box], (238, 234, 230, 255))
        centre = (x - (box[1].start / self.side), y - 0.002 - (box[0].start / self.side))
        for radius, colour in ((0.0215, self.person.iris), (0.0105, (12, 10, 10))):
            self._disc(eye, centre, radius, colour)
        self._disc(eye, (centre[0] - 0.006, centre[1] - 0.007), 0.004, (255, 255, 255))
        share = (ball[box] / np.float32(255))[..., None]
        canvas[box] = canvas[box] * (1 - share) + eye * share
        dark, crease = _mix(self.person.skin, (20, 10, 10), 0.85), _shade(self.person.skin, 0.62)
        self._line(canvas, np.stack([edge, y + upper], 1), dark, 0.0075)
        self._line(canvas, np.stack([edge, y + lower], 1), crease, 0.003)
        fold = y + upper - 0.013 * arch**0.5
        self._line(canvas, np.stack([edge, fold], 1)[2:-2], crease, 0.003)

    def _brow(self, canvas: Image, side: int, y: float, face: Expression) -> None:
        along = np.linspace(0, 1, 13)
        x = 0.5 + side * (0.034 + 0.105 * along)
        tilt = face.brow_angle * (0.024 * (1 - along) - 0.012 * along)
        middle = y - 0.016 * face.brow_height + tilt + 0.012 * along - 0.05 * along * (1 - along)
        half = self.person.brow * 0.0085 * (1 - 0.75 * along**2) * np.minimum(1, 0.5 + 4 * along)
        colour = _shade(self.person.hair, 0.8)
        self._fill(canvas, _loop(x, middle - half, middle + half), (*colour, 255))

    def _frown(self, canvas: Image, y: float, angle: float) -> None:
        if angle > 0.3:
            colour = _shade(self.person.skin, 1 - 0.35 * min(angle, 1.2))
            for side in (-1, 1):
                x = 0.5 + side * 0.012
                self._line(canvas, np.array([[x, y - 0.01], [x, y + 0.022]]), colour, 0.004)

    def _mouth(self, canvas: Image, y: float, jaw: float, face: Expression) -> None:
        across = np.linspace(-1, 1, 25)
        arch = 1 - across**2
        x = 0.5 + MOUTH_WIDTH * face.mouth_width * (1 - 0.12 * jaw) * across
        rest = y + 0.02 * jaw - 0.034 * face.mouth_curve * (across**2 - 0.35)
        opening = 0.075 * jaw * arch**0.8
        top, bottom = rest - 0.25 * opening, rest + 0.75 * opening
        bow = arch**0.7 * (1 - 0.22 * np.exp(-((across / 0.13) ** 2)))
        lips = _mix(self.person.skin, (150, 50, 60), 0.3)
        self._fill(canvas, _loop(x, top - 0.014 * bow, top + 0.003), (*_shade(lips, 0.85), 255))
        self._fill(canvas, _loop(x, bottom - 0.003, bottom + 0.019 * arch**0.7), (*lips, 255))
        self._fill(canvas, _loop(x, top, bottom), (52, 16, 18, 255))
        teeth = top + np.minimum(0.45 * opening, 0.016 * arch)
        self._fill(canvas, _loop(x, top, teeth)[2:-2], (235, 230, 222, 255))
        self._line(canvas, np.stack([x, top], 1), _shade(lips, 0.45), 0.004)
        self._cheeks(canvas, x, rest, face.mouth_curve)

    def _cheeks(self, canvas: Image, x: Floats, y: Floats, smile: float) -> None:
        """Draw the folds from the nose to the corners of a smiling mouth."""
        if smile > 0.25:
            colour = _shade(self.person.skin, 0.95 - 0.2 * min(smile, 1.2))
            for corner, side in ((0, -1), (-1, 1)):
                end = (x[corner] + side * 0.022, y[corner] + 0.005)
                start = (0.5 + side * 0.052, NOSE_Y - 0.012)
                along = np.linspace(0, 1, 9)[:, None]
                bend = np.array([[side * 0.05, 0.0]]) * along * (1 - along)
                fold = np.array([start]) * (1 - along) + np.array([end]) * along + bend
                self._line(canvas, fold, colour, 0.003)

    def _lay_over(self, canvas: Image, pose: Floats, nod: float) -> Image:
        right, down, angle = (float(value) for value in pose)
        pivot = np.array([0.5, 0.85])
        turn = cv2.getRotationMatrix2D(
            tuple(pivot * self.side), angle, ZOOM * self.size / self.side
        )
        shift = np.array([right, down + 0.01 * nod])
        turn[:, 2] += pivot * (self.size - self.side) + self.size * shift
        head = cv2.warpAffine(canvas, turn, (self.size, self.size), flags=cv2.INTER_LINEAR)
        around = cv2.cvtColor(255 - head[..., 3], cv2.COLOR_GRAY2RGB)
        behind = cv2.multiply(self.behind, around, scale=1 / 255)
        picture = cv2.add(cv2.cvtColor(head, cv2.COLOR_RGBA2RGB), behind)
        return cv2.GaussianBlur(picture, (0, 0), LENS * self.size).astype(np.uint8, copy=False)

    def _fill(self, canvas: Image, points: Floats, colour: float | tuple[float, ...]) -> None:
        shape = self._pixels(points)
        cv2.fillPoly(canvas, [shape], colour, cv2.LINE_AA, SUBPIXEL)

    def _line(self, canvas: Image, points: Floats, colour: Colour, width: float) -> None:
        thick = max(1, round(width * self.side))
        shape = self._pixels(points)
        cv2.polylines(canvas, [shape], False, (*colour, 255), thick, cv2.LINE_AA, SUBPIXEL)

    def _disc(
        self, canvas: Image, centre: tuple[float, float], radius: float, colour: Colour
    ) -> None:
        scale = self.side * 2**SUBPIXEL
        x, y = round(centre[0] * scale), round(centre[1] * scale)
        cv2.circle(canvas, (x, y), round(radius * scale), (*colour, 255), -1, cv2.LINE_AA, SUBPIXEL)

    def _pixels(self, points: Floats) -> NDArray[np.int32]:
        return np.asarray(np.round(points * self.side * 2**SUBPIXEL).astype(np.int32))

    def _box(self, x: float, y: float, half: float) -> tuple[slice, slice]:
        left, top, reach = (round(v * self.side) for v in (x - half, y - half, 2 * half))
        return slice(top, top + reach), slice(left, left + reach)


def _blinks(frames: int, rng: np.random.Generator) -> Floats:
    """Return 0 for open to 1 for shut; about one blink in two clips."""
    shut = np.zeros(frames + 2, np.float32)
    if rng.random() < 0.5:
        at = rng.integers(frames)
        shut[at : at + 2] = (0.8, 0.5)
    return shut[:frames]


def _sway(frames: int, rng: np.random.Generator) -> Floats:
    """Return slow head motion, shape (frames, 3): right and down in fractions, turn in degrees."""
    time = np.arange(frames)[:, None] / frames
    waves = np.sin(2 * np.pi * (rng.uniform(0.4, 1.3, 3) * time + rng.random(3)))
    return (waves * (0.012, 0.008, 2.5)).astype(np.float32)


def _loop(x: Floats, top: Floats, bottom: Floats) -> Floats:
    """Return the outline between two curves over the same abscissae."""
    return np.concatenate([np.stack([x, top], 1), np.stack([x, bottom], 1)[::-1]])


def _shade(colour: Colour, factor: float) -> Colour:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = ((1 - share) * a + share * b for a, b in zip(first, second, strict=True))
    return red, green, blue
