"""Commands of the command line: ``emocli NAME``.

A module of kind ``commands`` offers ``COMMAND``, a `Command` or a `Group`. It is imported at every
start of `emocli`: what is heavy is imported inside functions. `emocli.cli.options` has the options
that commands share, one by one or as classes (`emocli.cli.options.grouped`), `emocli.cli.show`
prints lines, tables, JSON, warnings and progress. Whatever a user can mend is raised as
`emocli.errors.EmocliError`, and printed in one line.

>>> def command(name: str, loud: bool = False) -> None:
...     "Greet somebody."
...     typer.echo(f"Hello, {name}" + "!" * loud)
>>> COMMAND = Command("greet", 200, command)
>>> app = typer.Typer()
>>> COMMAND.add_to(app)
>>> app(["Ann", "--loud"], standalone_mode=False)
Hello, Ann!
"""

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
        Its name on the command line.
    place : int
        Its place in the help, the lowest first; emocli's own are below 200.
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
