"""`emocli align`: features that have a row per word."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emocli.cli import options, show
from emocli.display import number_of
from emocli.plugin.command import Command


def command(
    manifest: options.ManifestFile,
    features: Annotated[
        list[str],
        typer.Option("-f", "--feature", help="Feature to align; repeat for more."),
    ],
    to: Annotated[str, typer.Option("--to", help="Feature whose rows, such as words, have times.")],
    store: options.Store = Path("store"),
    overwrite: options.Overwrite = False,
    json: options.Json = False,
) -> None:
    """Average features over the words of each clip.

    mel becomes mel_to_glove, with a row for each of glove's, for networks that read modalities step
    by step.
    """
    from emocli.data.manifest import Manifest
    from emocli.pipeline.align import align

    corpus = Manifest.read(manifest)
    results = [align(corpus, store, feature, to, overwrite=overwrite) for feature in features]
    if json:
        show.as_json(results)
        return
    for result in results:
        rows = f"{number_of(result.rows, 'rows')}, {result.silent} of them silent"
        show.line(f"{result.path}: {number_of(result.clips, 'clips')}, {rows}")
        if result.left_out:
            clips = number_of(result.left_out, "clips")
            show.warn(
                f"{result.feature} lacks {clips} of which not both features have rows with times"
            )


COMMAND = Command("align", 50, command)
