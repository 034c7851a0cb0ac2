"""The still parts of a drawn picture: the wall behind, shoulders, hair, neck and shaded skin.

Lengths are fractions of the picture's side; masks are soft, so that edges are smooth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]
Floats = NDArray[np.floating[Any]]
Image = NDArray[np.uint8]
Blot = tuple[float, float, float, float, float]
"""Strength, centre (x, y), width and height."""


@dataclass(frozen=True)
class Look:
    """The looks of a person, which do not change; colours are RGB from 0 to 255."""

    skin: Colour
    hair: Colour
    iris: Colour
    shirt: Colour
    wall: Colour
    width: float
    hairline: float
    long_hair: bool
    brow: float


SKINS: tuple[Colour, ...] = (
    (236, 198, 172),
    (141, 95, 66),
    (222, 178, 142),
    (110, 72, 52),
    (245, 212, 190),
    (181, 130, 95),
)
HAIRS: tuple[Colour, ...] = ((58, 38, 26), (24, 20, 20), (128, 86, 46), (36, 26, 22), (150, 74, 40))
IRISES: tuple[Colour, ...] = ((86, 58, 34), (70, 104, 128), (52, 36, 26), (78, 98, 62))

CENTRE, HALF_HEIGHT = 0.47, 0.285
EYE_X, EYE_Y, NOSE_Y = 0.088, 0.435, 0.555
SHADOWS: tuple[Blot, ...] = (
    (0.26, 0.5 - EYE_X, EYE_Y - 0.005, 0.06, 0.034),  # the sockets of the eyes
    (0.26, 0.5 + EYE_X, EYE_Y - 0.005, 0.06, 0.034),
    (0.16, 0.475, 0.44, 0.012, 0.05),  # beside the nose
    (0.20, 0.53, 0.5, 0.014, 0.06),
    (0.28, 0.5, NOSE_Y + 0.016, 0.045, 0.012),  # below it
    (0.50, 0.481, NOSE_Y + 0.006, 0.008, 0.006),  # nostrils
    (0.50, 0.519, NOSE_Y + 0.006, 0.008, 0.006),
    (0.16, 0.462, NOSE_Y - 0.006, 0.007, 0.016),  # nostrils' wings
    (0.16, 0.538, NOSE_Y - 0.006, 0.007, 0.016),
    (0.14, 0.5, 0.672, 0.05, 0.012),  # below the lips
)
SHINES: tuple[Blot, ...] = (
    (0.13, 0.497, 0.49, 0.012, 0.06),  # the nose and its tip
    (0.12, 0.497, NOSE_Y - 0.018, 0.018, 0.014),
    (0.07, 0.48, 0.345, 0.08, 0.03),  # the forehead
    (0.05, 0.5, 0.715, 0.03, 0.015),  # the chin
)
BLUSH: tuple[Blot, ...] = ((1.0, 0.38, 0.55, 0.05, 0.04), (1.0, 0.62, 0.55, 0.05, 0.04))


def look(rng: np.random.Generator, number: int) -> Look:
    """Draw up a person; people with neighbouring numbers differ in skin, hair and eyes."""
    return Look(
        skin=SKINS[number % len(SKINS)],
        hair=HAIRS[(number + number // len(SKINS)) % len(HAIRS)],
        iris=IRISES[number % len(IRISES)],
        shirt=_colour(rng, 50, 170),
        wall=_colour(rng, 120, 215),
        width=rng.uniform(0.203, 0.222),
        hairline=rng.uniform(0.285, 0.315),
        long_hair=bool(number % 2),
        brow=rng.uniform(0.85, 1.25),
    )


def _colour(rng: np.random.Generator, low: float, high: float) -> Colour:
    red, green, blue = rng.uniform(low, high, 3)
    return red, green, blue


def paint_behind(person: Look, size: int) -> Image:
    """Paint the wall and the shoulders."""
    x, y = _grid(size)
    wall = _wall(person, x, y)
    shoulders = _soft(1 - np.hypot((x - 0.5) / 0.42, (y - 1.08) / 0.235), 0.01)
    shirt = np.array(person.shirt, np.float32) * (1.1 - 0.8 * np.abs(x - 0.45))[..., None]
    return np.clip(_over(wall, shirt, shoulders), 0, 255).astype(np.uint8)


def paint_wall(person: Look, size: int) -> Image:
    """Paint the background without a person."""
    return np.clip(_wall(person, *_grid(size)), 0, 255).astype(np.uint8)


def _wall(person: Look, x: Floats, y: Floats) -> Floats:
    return np.array(person.wall, np.float32) * (1.08 - 0.3 * y - 0.12 * x)[..., None]


def paint_head(person: Look, side: int) -> Image:
    """Paint hair, neck, ears and skin, shape (side, side, 4): premultiplied RGB and coverage."""
    x, y = _grid(side)
    canvas = np.zeros((side, side, 4), np.float32)
    skin = np.array(person.skin, np.float32)
    hair = _hair(person, x, y)
    back = _soft(1 - np.hypot((x - 0.5) / (person.width + 0.035), (y - 0.43) / 0.285), 0.02)
    if person.long_hair:
        fall = _soft(1 - np.abs((x - 0.5) / (person.width + 0.035)) ** 4, 0.02)
        back = np.maximum(back, fall * _soft(0.84 - y, 0.03) * _soft(y - 0.43, 0.03))
    neck = _soft(1 - np.hypot((x - 0.5) / 0.105, (y - 0.8) / 0.155) ** 3, 0.05)
    ears = _soft(1 - np.hypot((np.abs(x - 0.5) - person.width) / 0.028, (y - 0.465) / 0.055), 0.1)
    mask, light = _skin(person, x, y)
    canvas = _over(canvas, hair * 0.8, back)
    shadow = 0.88 - 0.4 * np.exp(-(((y - 0.765) / 0.05) ** 2))
    canvas = _over(canvas, skin * shadow[..., None], neck)
    canvas = _over(canvas, skin * 0.86, ears * (not person.long_hair))
    canvas = _over(canvas, _tint(skin, light, x, y), mask)
    top = back * _soft(person.hairline + 1.6 * (x - 0.47) ** 2 + 0.02 * x - y, 0.008)
    canvas = _over(canvas, hair, top)
    return np.clip(canvas, 0, 255).astype(np.uint8)


def _hair(person: Look, x: Floats, y: Floats) -> Floats:
    """Paint strands: light and dark along the angle around the crown."""
    angle = np.arctan2(y - 0.15, x - 0.47)
    strands = 1 + 0.12 * np.sin(70 * angle) + 0.08 * np.sin(151 * angle + 1)
    glow = 1 + 0.35 * np.exp(-(((x - 0.42) / 0.12) ** 2) - ((y - 0.24) / 0.05) ** 2)
    return np.asarray(np.array(person.hair, np.float32) * (strands * glow)[..., None])


def _skin(person: Look, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the face's coverage, and how much light falls on it from above left."""
    down = (y - CENTRE) / HALF_HEIGHT
    narrow = person.width * (1 - 0.2 * np.clip(down, 0, 1) ** 2)
    across = (x - 0.5) / narrow
    radius = np.hypot(across, down)
    depth = np.sqrt(np.clip(1 - radius**2, 0, 1))
    light = 0.60 + 0.46 * np.clip(-0.30 * across - 0.34 * down + 0.89 * depth, 0, 1)
    return _soft(1 - radius, 0.012), light


def _tint(skin: Floats, light: Floats, x: Floats, y: Floats) -> Floats:
    """Paint eye sockets, nose, cheeks and chin as soft blots of light and shadow."""
    toned = skin * (light - _blots(SHADOWS, x, y) + _blots(SHINES, x, y))[..., None]
    red = _blots(BLUSH, x, y)[..., None] * np.array([0.04, -0.06, -0.05], np.float32)
    return np.asarray(toned * (1 + red))


def _blots(blots: tuple[Blot, ...], x: Floats, y: Floats) -> Floats:
    total = np.zeros(x.shape, np.float32)
    for strength, cx, cy, width, height in blots:
        total += strength * np.exp(-(((x - cx) / width) ** 2) - ((y - cy) / height) ** 2)
    return total


def _grid(side: int) -> tuple[Floats, Floats]:
    at = (np.arange(side, dtype=np.float32) + 0.5) / side
    return at[None, :] + 0 * at[:, None], at[:, None] + 0 * at[None, :]


def _soft(inside: Floats, width: float) -> Floats:
    """Return 1 inside, 0 outside, a ramp of ``width`` between."""
    return np.asarray(np.clip(inside / width + 0.5, 0, 1).astype(np.float32))


def _over(below: Floats, above: Floats, share: Floats) -> Floats:
    """Lay a colour over a picture of three channels, or of four where the last is coverage."""
    if below.shape[2] > above.shape[-1]:
        above = np.dstack([np.broadcast_to(above, (*share.shape, 3)), np.full_like(share, 255)])
    return np.asarray(below + (above - below) * share[..., None])
