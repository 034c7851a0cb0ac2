"""The commands, one per file: see `emocli.plugin.command`."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import typer

from emocli import plugins
from emocli.errors import ConfigError, EmocliWarning, reason
from emocli.plugin.command import Command
from emocli.plugins import REPAIR


@dataclass(frozen=True)
class Refused:
    """A command of an installed package that cannot be used: its name, and why."""

    name: str
    error: ConfigError


@dataclass(frozen=True)
class DiscoveredCommands:
    """The commands, in the order of the help, and those that are left out."""

    usable: tuple[Command, ...]
    refused: tuple[Refused, ...]

    def named(self, name: str) -> Command | None:
        """Return the command of a name, if there is one."""
        return next((command for command in self.usable if command.name == name), None)

    def warn_of_refused(self, called: str) -> None:
        """Warn of each plug-in command that cannot be used.

        Raises
        ------
        ConfigError
            If it is the one that is called, and there is no other of its name.
        """
        for each in self.refused:
            if each.name == called and not self.named(called):
                raise each.error
            warnings.warn(f"left out: {each.error}", EmocliWarning, stacklevel=2)


def discovered() -> DiscoveredCommands:
    """Return every command.

    emocli's own are always there. One of an installed package is refused if it cannot be imported,
    is none, or has the name of another; then the other one is refused, too, if it is a package's.
    """
    own = {module.COMMAND.name: module.COMMAND for module in plugins.load_own("commands")}
    added: dict[str, dict[str, Command]] = {}
    refused = []
    for entry, module in plugins.added("commands"):
        try:
            command = _command(entry, module)
        except ConfigError as error:
            refused.append(Refused(entry.replace("_", "-"), error))
        else:
            added.setdefault(command.name, {})[module] = command
    usable = list(own.values())
    for name, commands in added.items():
        modules = [own[name].run.__module__, *commands] if name in own else [*commands]
        if len(modules) == 1:
            usable += commands.values()
        else:
            refused.append(Refused(name, plugins.clash("commands", name, modules)))
    return DiscoveredCommands(tuple(sorted(usable, key=lambda each: each.place)), tuple(refused))


def _command(entry: str, module: str) -> Command:
    """Return the command of a package's module.

    Raises
    ------
    ConfigError
        If the module cannot be imported, or what it offers is no command that can be made.
    """
    command: Command = plugins.load_module("commands", entry, module).COMMAND
    parser(command, module)
    return command


def parser(command: Command, module: str) -> Any:
    """Make the parser of the command of a module; refused with a ConfigError if it cannot be."""
    try:
        app = typer.Typer(rich_markup_mode=None, add_completion=False)
        command.add_to(app)
        return typer.main.get_command(app)
    except Exception as error:  # the code is somebody else's
        what = f"command '{command.name}' cannot be made ({reason(error)})"
        raise ConfigError(what, where=module, hint=REPAIR) from error
