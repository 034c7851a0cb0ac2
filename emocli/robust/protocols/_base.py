"""What the protocols share: settings that draw what happens to a clip."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

from emocli import plugins
from emocli.config import Settings
from emocli.errors import ConfigError, choice
from emocli.robust.corruption import Corruption


class Protocol(Settings):
    """Settings of a protocol: noise of one strength, in modalities that are drawn clip by clip.

    Attributes
    ----------
    snr : str
        Strength of the noise, as corruption ``gaussian`` takes it: ``0.01`` (linear), ``-10dB``.
    """

    snr: str = "0.01"

    def require(self, modalities: Collection[str]) -> None:
        """Make sure that the protocol can be run on these modalities."""

    @cached_property
    def corruption(self) -> Corruption:
        """What is done to a modality that is drawn."""
        corruption: Corruption = plugins.load("corruptions", "gaussian").Config.parse(self.snr)
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
