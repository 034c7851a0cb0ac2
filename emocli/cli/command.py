"""A command of the command line, as its module declares it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import typer

PARTLY_DONE = 3
"""Exit code where some clips failed and the rest is complete."""


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes
    ----------
    name : str
        What is typed.
    place : int
        Where it stands in the help, the lowest first.
    run : callable
        The function whose parameters are its options and whose docstring is its help.
    sections : callable
        Returns the sections it takes of a file of settings.
    light : bool
        Whether it works where there is too little memory for the numerical libraries.
    """

    name: str
    place: int
    run: Callable[..., Any]
    sections: Callable[[], Collection[str]] = tuple
    light: bool = False

    def add_to(self, app: typer.Typer) -> None:
        """Make it a command of an application."""
        app.command(self.name)(self.run)


class Group(Command):
    """Commands below a common name; ``run`` makes their application."""

    def add_to(self, app: typer.Typer) -> None:
        """Make them commands of an application."""
        app.add_typer(self.run(), name=self.name)
