"""`emocli import`: ready-made features become a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emocli.cli import options, show


def command(
    source: Annotated[
        Path, typer.Argument(help="Ragged npz: ids, offsets, values[, times, names].")
    ],
    name: Annotated[str, typer.Option("--as", help="Name of the feature.")],
    modality: Annotated[str, typer.Option(help="text, audio, visual or any other.")],
    manifest: Annotated[Path, typer.Option(help="Manifest of the clips.")],
    store: options.Store = Path("store"),
    root: options.Root = None,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
) -> None:
    """Import features that were computed elsewhere."""
    from emocli.data.manifest import Manifest
    from emocli.stages.import_npz import import_npz

    corpus = Manifest.read(manifest, root)
    result = import_npz(source, name, modality, corpus, store, overwrite=overwrite)
    if json:
        show.as_json(result)
        return
    show.line(str(result))
