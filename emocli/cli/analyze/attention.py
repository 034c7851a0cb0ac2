"""`emocli analyze attention`: which moments of a clip a network looks at."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from emocli.cli import options, show


class Hops(StrEnum):
    """Which hops are drawn."""

    last = "last"
    all = "all"


def command(
    run: options.Run,
    clip: Annotated[str, typer.Option(help="Id of a clip of the corpus.")],
    hop: Annotated[Hops, typer.Option(help="Hops to draw; the data hold all.")] = Hops.last,
    manifest: options.OtherManifest = None,
    store: options.OtherStore = None,
    figures: options.Figures = True,
    json: options.Json = False,
) -> None:
    """Show the attention of every view of a clip over time, words under that of the text."""
    from emocli.stages.analyze.attention import attention

    found = attention(run, clip, hop=hop.value, manifest=manifest, store=store, figures=figures)
    show.analysis(found, (), json)
