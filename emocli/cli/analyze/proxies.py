"""`emocli analyze proxies`: how well one modality can be regenerated from the others."""

from __future__ import annotations

from typing import Annotated

import typer

from emocli.cli import options, show
from emocli.limits import MOST_SEED


def command(
    place: options.RunOrStore,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="Mode or preset; repeat for more. Default: paper, plus, literal, mean."),
    ] = None,
    split: Annotated[
        options.SplitName, typer.Option(help="Clips that were not learnt.")
    ] = options.SplitName.test,
    manifest: options.OtherManifest = None,
    store: options.OtherStore = None,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Seed of the noise.")] = 0,
    figures: options.Figures = True,
    json: options.Json = False,
) -> None:
    """Compare proxies with what they stand for.

    Draws original, noisy and regenerated features of a few clips (Mittal 2020, Figure 7), and
    measures the relative error for clips that were learnt and for others, from each modality and
    from all. An error of 1 is that of the mean. The kind memory, ten neighbours and next to no
    regularisation, returns what it has learnt, and is added to show what that is worth.
    """
    from emocli.analysis import proxies as stage
    from emocli.analysis._proxies_figure import tabulate

    with show.progress("analysing", "kinds") as progress:
        found = stage.proxies(
            place,
            kinds=kind or stage.KINDS,
            split=split.value,
            seed=seed,
            manifest=manifest,
            store=store,
            figures=figures,
            progress=progress,
        )
    show.analysis(found, [tabulate(found.data)], json)
