"""`emocli export`: features of a store for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emocli.cli import options, show
from emocli.plugin.command import Command


def command(
    output: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="File to write: a ragged .npz, a CMU SDK .csd or an MMSA .pkl."
        ),
    ],
    manifest: Annotated[Path, typer.Option(help="Manifest of the clips.")],
    store: options.Store = Path("store"),
    features: options.Features = None,
    root: options.Root = None,
    json: options.Json = False,
) -> None:
    """Write features for other programs.

    .npz and .csd hold one feature; .pkl holds one per modality, with texts, labels and splits.
    """
    from emocli.data.manifest import Manifest
    from emocli.interchange.export import export

    result = export(output, Manifest.read(manifest, root), store, features)
    if json:
        show.as_json(result)
        return
    show.line(str(result))
    for line in result.warnings:
        show.warn(line)


COMMAND = Command("export", 40, command)
