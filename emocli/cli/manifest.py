"""`emocli manifest`: a corpus on disk becomes a manifest."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from emocli.cli import options, show


def command(
    name: Annotated[str, typer.Argument(help="Dataset; `emocli info` lists them.")],
    root: Annotated[Path, typer.Argument(help="Folder of the corpus.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Manifest to write (CSV).")],
    settings: options.Settings = None,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Write the manifest of a corpus.

    It lists the clips with their splits, labels and media.
    """
    from emocli import plugins
    from emocli.cli import sections
    from emocli.stages.manifest import make_manifest

    plugins.load("datasets", name)
    tree = sections.settings("manifest", config, settings, takes=(name,))
    summary = make_manifest(name, root, output, tree)
    if json:
        show.as_json(summary)
        return
    counts = ", ".join(f"{n} {split}" for split, n in summary.splits.items())
    media = ", ".join(f"{n} with {kind}" for kind, n in summary.media.items()) or "no media"
    show.line(f"{summary.path}: {summary.clips} clips ({counts}); {media}")
    for note in summary.notes:
        show.warn(note)
    if summary.features:
        aligned = ["--align-to", str(summary.words)] if summary.words else []
        files = map(str, summary.features)
        show.line(
            f"next: {shlex.join(['emocli', 'import', *files, *aligned, '--manifest', str(output)])}"
        )
