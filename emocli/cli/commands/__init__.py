"""The commands, one per file: see `emocli.plugin.command`."""

from __future__ import annotations

from emocli import plugins
from emocli.plugin.command import Command


def discovered() -> list[Command]:
    """Return every command, in the order of the help.

    That of an installed package which cannot be imported, or is none, is left out with a warning.
    """
    commands = [module.COMMAND for module in plugins.load_all("commands")]
    return sorted(commands, key=lambda command: command.place)
