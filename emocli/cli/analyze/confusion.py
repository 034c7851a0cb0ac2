"""`emocli analyze confusion`: what is taken for what, clean and corrupted."""

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
    """Show which classes are taken for which, in per cent of each row."""
    from emocli.analysis._confusion_figure import tabulate
    from emocli.analysis.confusion import confusion

    found = confusion(
        run,
        corrupt=corrupt or (),
        repair=options.repair(check, oracle, proxy, fill),
        split=split.value,
        seed=seed,
        manifest=manifest,
        store=store,
        figures=figures,
    )
    show.analysis(found, tabulate(found.data), json)
