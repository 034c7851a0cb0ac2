"""The base of protocols: settings that draw what happens to a clip."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import Field

from emocli import plugins
from emocli.config import Settings
from emocli.errors import ConfigError, choice
from emocli.robust.corruption import Corruption

STRONG = "0.01"
"""The SNR where none is given."""


def noise(level: str = STRONG) -> Corruption:
    """Parse the strength of noise as corruption ``gaussian`` takes it: ``0.01``, ``-10dB``.

    Raises
    ------
    ConfigError
        If it is no SNR.
    """
    corruption: Corruption = plugins.load("corruptions", "gaussian").Config.parse(level)
    return corruption


class Protocol(Settings):
    """Settings of a protocol: noise of one strength, in modalities that are drawn clip by clip.

    Attributes
    ----------
    noise : Corruption
        The noise.
    """

    noise: Any = Field(default_factory=noise)

    def require(self, modalities: Collection[str]) -> None:
        """Make sure that the protocol can be run on these modalities."""

    @property
    def corruption(self) -> Corruption:
        """What is done to a modality that is drawn."""
        corruption: Corruption = self.noise
        return corruption

    def describe(self) -> str:
        """Return the settings as a table shows them."""
        return self.corruption.describe()


def require(modality: str, modalities: Collection[str]) -> None:
    """Make sure that there is such a modality.

    Raises
    ------
    ConfigError
        If not; the nearest is suggested.
    """
    if modality not in modalities:
        hint = choice(modality, list(modalities))
        raise ConfigError(f"there is no modality '{modality}'", hint=hint)
