"""`emocli reproduce`: a table of a paper, on any corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from emocli.cli import options, show
from emocli.limits import MOST_FOLDS, MOST_SEEDS
from emocli.plugin.command import Command


def command(
    experiment: Annotated[str, typer.Argument(help="Experiment; `emocli info` lists them.")],
    manifest: options.ManifestFile,
    out: Annotated[Path, typer.Option(help="Folder for all that comes out; repeat to resume.")],
    store: options.Store = Path("store"),
    feature: options.Features = None,
    folds: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MOST_FOLDS,
            help="Cross-validate with this many; 0: the manifest's own splits.",
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1, max=MOST_SEEDS, help="Trainings of each network on each fold.  [default: 5]"
        ),
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="literal, paper or plus.  [default: paper]")
    ] = None,
    row: Annotated[
        list[str] | None,
        typer.Option(help="Run only this row, e.g. gca-gating; repeat for more.  [default: all]"),
    ] = None,
    workers: options.Workers = 1,
    settings: options.Settings = None,
    config: options.Config = None,
    root: options.Root = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Train again what has changed since.")
    ] = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Run an experiment of a paper.

    Trains every row of a table, tests it under its conditions, compares the rows clip by clip, and
    writes OUT/table.md, report.json and a figure; the runs are kept. Settings are network.KEY,
    train.KEY (of every network that has them, but for what tells the rows apart),
    rows.ROW.train.KEY, check.KEY, experiment.KEY, reproduce.KEY.
    """
    from emocli.cli import sections
    from emocli.config import merge
    from emocli.data.manifest import Manifest
    from emocli.experiments import runner as stage

    experiment = experiment.replace("_", "-")  # emocli info names files
    asked: dict[str, Any] = {
        "folds": folds,
        "seeds": seeds,
        "preset": preset,
        "features": feature or None,
        "only": row or None,
    }
    told = {"reproduce": {key: value for key, value in asked.items() if value is not None}}
    tree = merge(sections.settings("reproduce", config, settings, stage.sections(experiment)), told)
    corpus = Manifest.read(manifest, root)
    if dry_run:
        show.as_json(stage.plan(experiment, corpus, store, tree))
        return
    found = stage.reproduce(
        experiment,
        corpus,
        store,
        out,
        settings=tree,
        workers=workers,
        overwrite=overwrite,
        say=show.stopwatch(),
    )
    if json:
        show.as_json(found.data)
        return
    from emocli.experiments.drawing import cells, conditions

    for metric in found.report.figures:
        rows = [(name, *texts) for name, texts in cells(found.report, metric)]
        show.table(("system", *conditions(found.report)), rows, metric)
    show.line(f"table:  {found.table}")
    show.line(f"report: {found.path}")
    for figure in found.figures:
        show.line(f"figure: {figure}")
    for line in found.report.warnings:
        show.warn(line)
    for each in found.report.rows:
        if each.lacking:
            show.warn(f"row '{each.row}' was not run: {each.lacking}")


COMMAND = Command(
    "reproduce",
    130,
    command,
    sections=lambda: ("reproduce", "experiment", "network", "train", "check", "rows"),
)
