"""`emocli analyze`: analyses of a trained network, each a command made of its options."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from inspect import getdoc
from types import ModuleType
from typing import Any

import typer
from typer.core import TyperGroup

from emocli import plugins
from emocli.cli import options, show
from emocli.cli.commands import parser
from emocli.errors import ConfigError
from emocli.options import declared
from emocli.plugin.command import Command, Group


class AnalysisCommands(Mapping[str, Any]):
    """Commands by name, each made on access, so that the others are not imported."""

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(plugins.names("analyses"))

    def __len__(self) -> int:
        """Count them."""
        return len(plugins.names("analyses"))

    def __getitem__(self, name: str) -> Any:
        """Make a command; refused with a ConfigError if it cannot be made."""
        if name not in plugins.names("analyses"):
            raise KeyError(name)
        module = plugins.load("analyses", name)
        _require_options(module)
        return parser(Command(name, 0, _command(name, module.Options)), module.__name__)


class Analyses(TyperGroup):
    """The group of the commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes | {"commands": AnalysisCommands()})

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names."""
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the names with the first lines of the modules, none of which is imported."""
        described = plugins.describe_all("analyses")
        with formatter.section("Commands"):
            formatter.write_dl([(each.name, each.summary) for each in described])


def group() -> typer.Typer:
    """Return the group of the analyses."""
    app = typer.Typer(cls=Analyses, rich_markup_mode=None)
    app.callback(invoke_without_command=True)(_root)  # its docstring is the help text
    return app


def _root(context: typer.Context) -> None:
    """Look into a trained run: data and figures go to RUN/reports/."""
    options.help_without_command(context)


def _require_options(module: ModuleType) -> None:
    """Refuse a field of its options that would be none of the command.

    Those that emocli's own bases hide are left out.
    """
    from emocli.plugin.analysis import ConditionOptions

    known = {*declared(module.Options), *(field.name for field in fields(ConditionOptions))}
    for name in (field.name for field in fields(module.Options)):
        if name not in known:
            what = f"field '{name}' of Options is no option"
            hint = f'write it as {name}: Annotated[TYPE, Option("What it does.")]'
            raise ConfigError(what, where=module.__name__, hint=hint)


def _command(name: str, kind: type) -> Callable[..., None]:
    """Make the command of an analysis from the class of its options."""

    def command(*, chosen: Any, json: options.Json = False, context: typer.Context) -> None:
        from emocli.analysis import analyse
        from emocli.models.commands import record

        with show.progress("analysing", chosen.unit) as progress:
            result = analyse(name, chosen, progress)
        record(result.path.parent, context.obj)
        show.analysis(result, json)

    command.__annotations__["chosen"] = kind
    command.__doc__ = getdoc(kind)
    return options.grouped(command)


COMMAND = Group("analyze", 120, group)
