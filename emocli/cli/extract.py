"""`emocli extract`: recordings and texts become feature stores."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emocli.cli import options, show

PARTLY_DONE = 3


def command(
    manifest: options.ManifestFile,
    feature: Annotated[
        list[str], typer.Option("-f", "--feature", help="Feature to extract; repeat for more.")
    ],
    store: options.Store = Path("store"),
    workers: Annotated[int, typer.Option(min=1, help="Processes on this machine.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler to compute on instead.")
    ] = None,
    settings: options.Settings = None,
    config: options.Config = None,
    root: options.Root = None,
    overwrite: options.Overwrite = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Extract features of every clip into a store. Repeat the command to resume.

    Exit code 3: some clips failed; they are listed in STORE/failures.jsonl, the rest is complete.
    """
    from emocli import config as configuration
    from emocli.data.manifest import Manifest
    from emocli.stages import extract as stage

    tree = configuration.layered(config, settings)
    corpus = Manifest.read(manifest, root)
    if dry_run:
        plans = stage.plan(corpus, feature, store, settings=tree, overwrite=overwrite)
        if json:
            show.as_json(plans)
        else:
            rows = [(p.feature, p.clips, p.present, p.remaining, str(p.path)) for p in plans]
            show.table(("feature", "clips", "already there", "to do", "store"), rows)
        return
    with show.progress("extracting") as progress:
        results = stage.extract(
            corpus,
            feature,
            store,
            settings=tree,
            workers=workers,
            scheduler=scheduler,
            overwrite=overwrite,
            progress=progress,
        )
    if json:
        show.as_json(results)
    else:
        _print(results)
    if any(result.failed for result in results):
        where = next(result.failures for result in results if result.failed)
        show.warn(f"some clips failed; see {where}")
        raise typer.Exit(PARTLY_DONE)
