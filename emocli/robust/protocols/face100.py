"""Strong noise in the face of every clip, by which weights of modalities are analysed.

Written ``face100`` or ``face100@-10dB``. The face is modality ``visual``.

Source: Mittal 2020, AAAI (M3ER), section 5.3.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Self

import numpy as np

from emocli.robust.corruption import Corruption
from emocli.robust.protocols._base import STRONG, Protocol, noise, require

FACE = "visual"


class Config(Protocol):
    """Settings: the strength of the noise."""

    @classmethod
    def parse(cls, level: str | None) -> Self:
        """Read an SNR; without a level, 0.01."""
        return cls(noise=noise(level or STRONG))

    def require(self, modalities: Collection[str]) -> None:
        """Make sure that there is a face to corrupt.

        Raises
        ------
        ConfigError
            If not.
        """
        require(FACE, modalities)

    def draw(self, present: Sequence[str], rng: np.random.Generator) -> Mapping[str, Corruption]:
        """Say what happens to a clip that has these modalities."""
        return {FACE: self.corruption} if FACE in present else {}
