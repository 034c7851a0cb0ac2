"""Corruptions: changes of the array of one clip in one modality.

A module of kind ``corruptions`` offers ``Config``, a `Corruption`. It is named after the colon of
``--corrupt visual:NAME@LEVEL``; without a level, its defaults apply.

>>> class Config(Corruption):
...     def __call__(self, values, rng, others):
...         return values[::-1].copy()
>>> Config.parse(None)(np.arange(3.0)[:, None], np.random.default_rng(0), ()).ravel()
array([2., 1., 0.])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from emocli.config import Settings
from emocli.errors import ConfigError

Array = NDArray[np.float32]


class LevelSettings(Settings):
    """Base of settings that are read from the level in ``--corrupt NAME@LEVEL``.

    Attributes
    ----------
    kind : str
        What the settings are of, for messages.
    """

    kind: ClassVar[str]

    @classmethod
    def parse(cls, level: str | None) -> Self:
        """Make the settings from the text after ``@``; None where there is none.

        Raises
        ------
        ConfigError
            For an impossible level (here: for any); the hint says what is allowed.
        """
        if level is not None:
            raise ConfigError(f"level '{level}'", hint=f"this {cls.kind} takes no level")
        return cls()

    def describe(self) -> str:
        """Return the level as a table shows it; empty where there is none."""
        return ""

    @property
    def ratio(self) -> float | None:
        """The signal-to-noise ratio, linear; None where there is no noise."""
        return None


class Corruption(LevelSettings):
    """Base of the settings of a corruption; they take no level unless ``parse`` reads one."""

    kind = "corruption"

    def __call__(self, values: Array, rng: np.random.Generator, others: Sequence[Array]) -> Array:
        """Corrupt an array (T, D) into a new one (T', D), float32; another width is refused.

        Parameters
        ----------
        values : ndarray, shape (T, D)
            Standardised features; T is 0 where the clip lacks the modality.
        rng : Generator
            The only source of chance: it depends on seed, clip and modality.
        others : sequence of ndarray
            The arrays of the split's other clips, read when asked for.
        """
        raise NotImplementedError


def number(text: str, allowed: str) -> float:
    """Read a level that is a number; ``allowed`` says which are, for the message.

    Raises
    ------
    ConfigError
        If it is none.
    """
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"level '{text}'", hint=f"allowed is {allowed}") from None
