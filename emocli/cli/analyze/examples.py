"""`emocli analyze examples`: clips a network gets right most confidently, and its worst errors."""

from __future__ import annotations

from typing import Annotated

import typer

from emocli.cli import options, show
from emocli.limits import MOST_EXAMPLES


def command(
    run: options.Run,
    top: Annotated[
        int, typer.Option(min=0, max=MOST_EXAMPLES, help="Right answers of each class.")
    ] = 1,
    errors: Annotated[
        int,
        typer.Option(
            min=0, max=MOST_EXAMPLES, help="Errors, at most: the worst of every two classes."
        ),
    ] = 6,
    mistaken: Annotated[
        str | None,
        typer.Option(
            metavar="SHOWN:PREDICTED",
            help="Only the worst errors of these two classes, e.g. joy:anger.",
        ),
    ] = None,
    corrupt: options.Corrupt = None,
    check: options.Check = None,
    oracle: options.Oracle = False,
    proxy: options.Proxy = None,
    fill: options.Fill = None,
    split: options.Split = options.SplitName.test,
    manifest: options.OtherManifest = None,
    store: options.OtherStore = None,
    seed: options.CorruptionSeed = 0,
    figures: options.Figures = True,
    json: options.Json = False,
) -> None:
    """Show the most confident right answers of each class, and the most confident errors.

    The figures show frames of those clips whose video can be read.
    """
    from emocli.analysis._examples_figure import tabulate
    from emocli.analysis.examples import examples

    found = examples(
        run,
        corrupt=corrupt or (),
        repair=options.repair(check, oracle, proxy, fill),
        top=top,
        errors=errors,
        mistaken=mistaken,
        split=split.value,
        seed=seed,
        manifest=manifest,
        store=store,
        figures=figures,
    )
    show.analysis(found, tabulate(found.data), json)
