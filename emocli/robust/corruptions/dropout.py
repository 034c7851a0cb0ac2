"""Zeros at random steps, as when frames or packets are lost.

Source: emocli.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from emocli.errors import ConfigError
from emocli.plugin.corruption import Array, Corruption, number
from emocli.quantities import Probability

ALLOWED = "a share of the steps from 0 to 1 (0.5)"


class Config(Corruption):
    """Settings.

    Attributes
    ----------
    share : float
        Probability of each step to be lost.
    """

    share: Probability = 0.5

    @classmethod
    def parse(cls, level: str | None) -> Self:
        """Read the share; without a level, a half."""
        if level is None:
            return cls()
        try:
            return cls(share=number(level, ALLOWED))
        except ValueError:
            raise ConfigError(f"level '{level}'", hint=f"allowed is {ALLOWED}") from None

    def describe(self) -> str:
        """Return the level as a table shows it."""
        return f"{self.share:g}"

    def __call__(self, values: Array, rng: np.random.Generator, others: Sequence[Array]) -> Array:
        """Zero rows of an array of shape (T, D)."""
        kept = rng.random(len(values)) >= self.share
        return np.where(kept[:, None], values, 0).astype(np.float32)
