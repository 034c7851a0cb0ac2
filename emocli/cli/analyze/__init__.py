"""`emocli analyze`: what a trained network does, one analysis per file of this folder."""

from __future__ import annotations

import importlib
import pkgutil

import typer

from emocli.cli import options


def group() -> typer.Typer:
    """Put the analyses together: each module's ``command`` under the module's name."""
    app = typer.Typer(rich_markup_mode=None)
    app.callback(invoke_without_command=True)(_root)  # its docstring is the help text
    for name in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        app.command(name)(importlib.import_module(f"{__name__}.{name}").command)
    return app


def _root(context: typer.Context) -> None:
    """Look into a trained run: data and figures go to RUN/reports/."""
    options.help_without_command(context)
