"""`emocli analyze weights`: how much a network believes each modality, clean against corrupted."""

from __future__ import annotations

from emocli.cli import options, show


def command(
    run: options.Run,
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
    """Show the mean weight of each modality, clean and corrupted, and what it changes by.

    Without --corrupt: noise at an SNR of 0.01 on every modality in turn.
    """
    from emocli.analysis._weights_figure import tabulate
    from emocli.analysis.weights import weights

    with show.progress("analysing", "conditions") as progress:
        found = weights(
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
