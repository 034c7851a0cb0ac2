"""Protocols: which modalities of which clips of a split are corrupted, and how.

A module of kind ``protocols`` offers ``Config``, a `CorruptionProtocol`. It is named by
``--corrupt NAME@LEVEL``. `NoiseProtocol` is the base of those that add noise of one strength.

>>> class Config(NoiseProtocol):
...     def draw(self, present, rng):
...         return dict.fromkeys(sorted(present)[::2], self.corruption)
>>> config = Config.parse("-10dB")
>>> config.describe(), sorted(config.draw(["audio", "text", "visual"], None))
('-10 dB', ['audio', 'visual'])
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Self

from pydantic import Field, SerializeAsAny

from emocli import plugins
from emocli.errors import ConfigError, choice
from emocli.plugin.corruption import Corruption as Corruption
from emocli.plugin.corruption import LevelSettings

if TYPE_CHECKING:
    import numpy as np


STRONG = "0.01"
"""The default SNR."""


def noise(level: str = STRONG) -> Corruption:
    """Parse the strength of noise as corruption ``gaussian`` takes it: ``0.01``, ``-10dB``.

    Raises
    ------
    ConfigError
        If it is no SNR.
    """
    corruption: Corruption = plugins.load("corruptions", "gaussian").Config.parse(level)
    return corruption


class CorruptionProtocol(LevelSettings):
    """Base of the settings of a protocol; they take no level unless ``parse`` reads one."""

    kind = "protocol"

    def require(self, modalities: Collection[str]) -> None:
        """Raise `ConfigError` if the protocol cannot be run on these modalities."""

    def draw(self, present: Sequence[str], rng: np.random.Generator) -> Mapping[str, Corruption]:
        """Draw what happens to a clip that has these modalities, by modality.

        Parameters
        ----------
        present : sequence of str
            Modalities of which the clip has a step, sorted.
        rng : Generator
            The only source of chance: it depends on seed and clip.
        """
        raise NotImplementedError


class NoiseProtocol(CorruptionProtocol):
    """Base of protocols that add noise of one strength.

    Attributes
    ----------
    noise : Corruption
        The noise.
    """

    noise: SerializeAsAny[Corruption] = Field(default_factory=noise)

    @classmethod
    def parse(cls, level: str | None) -> Self:
        """Read an SNR; without a level, 0.01."""
        return cls(noise=noise(level or STRONG))

    @property
    def corruption(self) -> Corruption:
        """What is done to a modality that is drawn."""
        return self.noise

    def describe(self) -> str:
        """Return the settings as a table shows them."""
        return self.corruption.describe()

    @property
    def ratio(self) -> float | None:
        """The signal-to-noise ratio, linear."""
        return self.corruption.ratio


def require(modality: str, modalities: Collection[str]) -> None:
    """Raise `ConfigError`, with the nearest name, if there is no such modality."""
    if modality not in modalities:
        hint = choice(modality, list(modalities))
        raise ConfigError(f"there is no modality '{modality}'", hint=hint)
