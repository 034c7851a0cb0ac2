"""The commands: each module of this folder is one, and declares itself as ``COMMAND``."""

from __future__ import annotations

import importlib
import pkgutil

from emocli.cli.command import Command


def discovered() -> list[Command]:
    """Return every command, in the order of the help."""
    modules = [
        importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)
    ]
    return sorted((module.COMMAND for module in modules), key=lambda command: command.place)
