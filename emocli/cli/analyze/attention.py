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
    corrupt: options.Corrupt = None,
    check: options.Check = None,
    oracle: options.Oracle = False,
    proxy: options.Proxy = None,
    fill: options.Fill = None,
    manifest: options.OtherManifest = None,
    store: options.OtherStore = None,
    seed: options.CorruptionSeed = 0,
    figures: options.Figures = True,
    json: options.Json = False,
) -> None:
    """Show the attention of every view of a clip over time, words under that of the text.

    The clip is read as in emocli evaluate: corrupted if asked for, and with the run's own repair
    unless another is asked for. Of a cross-validation the fold that tests the clip is taken.
    """
    from emocli.analysis._attention_figure import tabulate
    from emocli.analysis.attention import attention

    found = attention(
        run,
        clip,
        hop=hop.value,
        corrupt=corrupt or (),
        repair=options.repair(check, oracle, proxy, fill),
        seed=seed,
        manifest=manifest,
        store=store,
        figures=figures,
    )
    show.analysis(found, [tabulate(found.data)], json)
