"""Every clip with even odds: all its modalities with the other sign, or none.

Source: this example.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from emocli.plugin.protocol import Corruption, CorruptionProtocol
from stranger import negative


class Config(CorruptionProtocol):
    """Nothing to set."""

    def draw(self, present: Sequence[str], rng: np.random.Generator) -> Mapping[str, Corruption]:
        """Draw what happens to a clip that has these modalities."""
        return dict.fromkeys(present if rng.random() < 0.5 else (), negative.Config())
