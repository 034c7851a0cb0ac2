"""Strong noise in the face of every clip.

M3ER's authors analyse under it how much weight the network gives each modality.
Written ``face100`` or ``face100@-10dB``. The face is modality ``visual``.

Source: Mittal 2020, AAAI (M3ER), section 5.3.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from emocli.plugin.protocol import Corruption, NoiseProtocol, require

if TYPE_CHECKING:
    import numpy as np

FACE = "visual"


class Config(NoiseProtocol):
    """Settings: the strength of the noise."""

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
