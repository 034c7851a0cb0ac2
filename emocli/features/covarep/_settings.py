"""The settings of COVAREP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from emocli.config import Settings
from emocli.features.covarep._blocks import BLOCK_S
from emocli.quantities import Seed


class Creak(Settings):
    """The detector of creaky voice.

    Attributes
    ----------
    weights : Path, optional
        A checkout of COVAREP, whose network is run; without one the column is 0, as the original's
        is where MATLAB's toolbox is missing.
    """

    weights: Path | None = None


class Config(Settings):
    """Settings of the ambiguous parts.

    Attributes
    ----------
    rd : {'newest', 'v1.4.1'}
        Rd as versions since 1.4.2 compute it, with the glottal spectrum conjugated, or as those
        before did, and as the article has it.
    creak : Creak
        The detector of creaky voice.
    seed : int
        Seed of the random phases above the last harmonic, and of the dither.
    block_s : float
        Seconds of sound analysed at once; shorter recordings are analysed whole.
    """

    rd: Literal["newest", "v1.4.1"] = "newest"
    creak: Creak = Creak()
    seed: Seed = 0
    block_s: Annotated[float, Field(ge=1, le=3600)] = BLOCK_S
