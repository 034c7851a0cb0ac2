"""`emocli inspect`: what is inside a manifest, a store, or what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emocli.cli import options, show
from emocli.plugin.command import Command


def command(
    path: Annotated[
        Path,
        typer.Argument(help="Manifest (.csv), store (folder or .h5), or folder of a training."),
    ],
    manifest: Annotated[
        Path | None,
        typer.Option(help="For a store: report clips that are missing or whose media changed."),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Of a store: read all of it, and refuse it if damaged."),
    ] = False,
    root: options.Root = None,
    json: options.Json = False,
) -> None:
    """Say what is in a manifest, a store, a check, a run, an encoder or a reproduction.

    Dims, rates, counts, missing clips, non-finite values, provenance. With --verify damaged content
    is found, too: exit code 2.
    """
    from emocli.pipeline.inspect import inspect

    found = inspect(path, manifest, root, verify=verify)
    if json:
        facts = {"kind": found.kind, "path": found.path, **found.facts, "problems": found.problems}
        show.as_json(facts)
        return
    article = "an" if found.kind[0] in "aeiou" else "a"
    show.line(f"{found.path} is {article} {found.kind}")
    for section in found.sections:
        show.table(section.columns, section.rows, section.title)
    if verify:
        show.line("verified: the content is what was written")
    for problem in found.problems:
        show.warn(problem)


COMMAND = Command("inspect", 140, command, light=True)
