"""The features of another clip, with their length, as when streams are mixed up.

Source: emocli.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emocli.errors import ConfigError
from emocli.plugin.corruption import Array, Corruption


class Config(Corruption):
    """Nothing to set."""

    def __call__(self, values: Array, rng: np.random.Generator, others: Sequence[Array]) -> Array:
        """Return one of the others, every one as likely."""
        if not len(values):
            return values
        if not len(others):
            raise ConfigError("corruption 'shuffle' needs two clips that have the modality")
        return np.array(others[int(rng.integers(len(others)))], np.float32)
