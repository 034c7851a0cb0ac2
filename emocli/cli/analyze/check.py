"""`emocli analyze check`: what the modality check finds, at which level of noise."""

from __future__ import annotations

from typing import Annotated

import typer

from emocli.cli import options, show


def command(
    place: options.RunOrStore,
    split: Annotated[
        options.SplitName, typer.Option(help="Clips to try it on.")
    ] = options.SplitName.test,
    levels: Annotated[
        str | None, typer.Option(help="Noise to try, e.g. 10dB,0dB,-20dB. Default: 20 to -20 dB.")
    ] = None,
    manifest: options.OtherManifest = None,
    store: options.OtherStore = None,
    seed: options.CorruptionSeed = 0,
    figures: options.Figures = True,
    json: options.Json = False,
) -> None:
    """Show what the modality check finds and whom it blames.

    Corrupts one modality after the other at every level of noise, and by another clip's features;
    counts flagged against corrupted under m3er75. The paper's settings, literal and as they can be
    read, are fitted on the same clips and stand beside.
    """
    from emocli.analysis import check as stage
    from emocli.analysis._check_figure import tabulate

    with show.progress("analysing", "conditions") as progress:
        found = stage.check(
            place,
            split=split.value,
            levels=levels.split(",") if levels else stage.LEVELS,
            seed=seed,
            manifest=manifest,
            store=store,
            figures=figures,
            progress=progress,
        )
    show.analysis(found, tabulate(found.data), json)
