"""The base of corruptions: settings that take no level."""

from __future__ import annotations

from typing import Self

from emocli.config import Settings
from emocli.errors import ConfigError


class Plain(Settings):
    """Settings of a corruption without a level."""

    @classmethod
    def parse(cls, level: str | None) -> Self:
        """Make the settings from the text after ``@``; None where there is none."""
        if level is not None:
            raise ConfigError(f"level '{level}'", hint="this corruption takes no level")
        return cls()

    def describe(self) -> str:
        """Return the level as a table shows it; empty where there is none."""
        return ""


def number(text: str, allowed: str) -> float:
    """Read a level that is a number; ``allowed`` says which are, for the message."""
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"level '{text}'", hint=f"allowed is {allowed}") from None
