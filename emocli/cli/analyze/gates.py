"""`emocli analyze gates`: how far each view passes its gate, clean against corrupted."""

from __future__ import annotations

from typing import Annotated

import typer

from emocli.cli import options, show


def command(
    run: options.Run,
    corrupt: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODALITY[:NAME][@LEVEL]",
            help="As in emocli evaluate; repeat to corrupt several at once. Default: Gaussian "
            "noise at 0 dB on every modality in turn.",
        ),
    ] = None,
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
    """Show how far each view passes the gate in each hop, clean and corrupted."""
    from emocli.analysis._gates_figure import tabulate
    from emocli.analysis.gates import gates

    with show.progress("analysing", "conditions") as progress:
        found = gates(
            run,
            corrupt=corrupt or (),
            repair=options.repair(check, oracle, proxy, fill),
            split=split.value,
            seed=seed,
            manifest=manifest,
            store=store,
            figures=figures,
            progress=progress,
        )
    show.analysis(found, [tabulate(found.data)], json)
