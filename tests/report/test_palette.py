"""The looks of lines: told apart with dichromatic eyes, without colour, and where they coincide.

Dichromacy is simulated with the matrices of Machado et al. 2009 (severity 1), differences are those
of CIE 1976 L*a*b* (D65).
"""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from emocli.report.palette import COLOURS, HATCHES, bar, line

Array = NDArray[np.float64]

SIGHT = {
    "trichromat": np.eye(3),
    "deuteranope": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "protanope": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}

TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def linear(colour: str) -> Array:
    values = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(seen: Array) -> Array:
    white = TO_XYZ @ np.ones(3)
    ratio = TO_XYZ @ np.clip(seen, 0, 1) / white
    root = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def difference(one: str, other: str, sight: Array) -> float:
    return float(np.linalg.norm(lab(sight @ linear(one)) - lab(sight @ linear(other))))


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_differ_whoever_looks(sight: str) -> None:
    apart = {pair: difference(*pair, SIGHT[sight]) for pair in combinations(COLOURS, 2)}
    assert min(apart.values()) > 12, min(apart, key=apart.__getitem__)


def test_the_simulation_confuses_what_dichromats_confuse() -> None:
    red, green = "#c04040", "#6a7020"
    assert difference(red, green, SIGHT["trichromat"]) > 50
    assert difference(red, green, SIGHT["deuteranope"]) < 20


def test_without_colour_lines_differ_by_markers_and_dashes() -> None:
    looks = [line(k, len(COLOURS)) for k in range(len(COLOURS))]
    assert len({str(look["marker"]) for look in looks}) == len(looks)
    assert len({str(look["linestyle"]) for look in looks}) == len(looks)
    assert len({bar(k)["hatch"] for k in range(len(COLOURS))}) == len(HATCHES) == len(COLOURS)


def test_where_lines_coincide_the_first_is_wider() -> None:
    widths = [line(k, 4)["linewidth"] for k in range(4)]
    assert all(one > other for one, other in pairwise(widths))
