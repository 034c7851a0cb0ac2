"""`emocli train`: a fusion network learns from a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emocli.cli import options, show


def command(
    manifest: options.ManifestFile,
    fusion: Annotated[str, typer.Option(help="Network; `emocli info` lists them.")],
    run: Annotated[Path, typer.Option(help="Folder of the run to write.")],
    store: options.Store = Path("store"),
    feature: options.Features = None,
    preset: options.Preset = "paper",
    seeds: Annotated[int, typer.Option(min=1, help="Train this many, with seeds 0, 1, ...")] = 1,
    settings: options.Settings = None,
    config: options.Config = None,
    root: options.Root = None,
    overwrite: options.Overwrite = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Train a fusion network.

    Learns from the train split, stops and chooses on the valid split; the test split stays sealed.
    Repeat the command to resume. Settings are network.KEY and train.KEY, e.g. --set train.lr=3e-4.
    """
    from emocli import config as configuration
    from emocli.data.manifest import Manifest
    from emocli.stages import train as stage

    corpus = Manifest.read(manifest, root)
    tree = configuration.layered(config, settings)
    if dry_run:
        resolved = stage.plan(
            corpus, store, fusion=fusion, features=feature, preset=preset, settings=tree
        )
        show.as_json(resolved)
        return
    with show.progress(f"training {fusion}", "epochs") as progress:
        summary = stage.train(
            corpus,
            store,
            fusion=fusion,
            run=run,
            features=feature,
            preset=preset,
            settings=tree,
            seeds=seeds,
            overwrite=overwrite,
            progress=progress,
        )
    if json:
        show.as_json(summary)
        return
    shown = summary.seeds[0].valid
    rows = [(s.seed, s.state, s.epochs, s.best_epoch, *s.valid.values()) for s in summary.seeds]
    show.table(("seed", "", "epochs", "best", *(f"valid {name}" for name in shown)), rows)
    spread = summary.valid_std.get(summary.monitor, 0.0)
    value = f"{summary.valid[summary.monitor]:.3f}" + (f" ± {spread:.3f}" if seeds > 1 else "")
    features = ", ".join(f"{name} ({modality})" for modality, name in summary.features.items())
    show.line(f"{fusion} on {features}: {summary.parameters:,} parameters")
    show.line(f"{summary.run}: validation {summary.monitor} {value}")
    for split, missing in summary.missing.items():
        for modality, count in missing.items():
            if count:
                show.warn(f"{count} of {summary.clips[split]} {split} clips have no {modality}")
    for note in summary.notes:
        show.warn(note)
