"""`emocli push`: a packed run on the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emocli.cli import options, show
from emocli.plugin.command import Command


def command(
    folder: Annotated[Path, typer.Argument(help="A packed run (emocli pack).")],
    name: Annotated[str, typer.Argument(help="USER/NAME of the repository; created if needed.")],
    private: Annotated[
        bool, typer.Option("--private", help="Create a private repository.")
    ] = False,
    branch: Annotated[
        str | None, typer.Option(help="Branch, created if needed; default: main.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Put a packed run on the Hugging Face hub.

    Read its README.md before: it says what it is, what it is for, and its licence, and may be
    edited. The token is that of HF_TOKEN, or of hf auth login. Then emocli predict USER/NAME.
    """
    from emocli.prediction.packing.hub import push

    repository, commit = push(folder, name, private=private, branch=branch)
    if json:
        show.as_json({"repository": repository, "commit": commit})
        return
    show.line(repository)
    show.line(commit)


COMMAND = Command("push", 107, command)
