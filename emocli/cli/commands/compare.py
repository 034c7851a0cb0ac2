"""`emocli compare`: several runs side by side, on the same clips."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from emocli.cli import options, show
from emocli.plugin.command import Command
from emocli.plugin.robustness import RobustOptions


@options.example("robust.proxy.k=50")
@options.grouped
def command(
    *,
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of trained runs, or of cross-validations.")
    ],
    metric: Annotated[
        str | None,
        typer.Option(
            help="accuracy, uar, weighted_f1, macro_f1, and what else evaluate gives an interval "
            "of: brier; of intensities mae, mse, ccc, pearson; of sentiment acc2, acc5, acc7. "
            "Default: accuracy; ccc of ratings on which nothing is absent.",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        Literal["first", "best"], typer.Option(help="Reference of the changes in the table.")
    ] = "first",
    out: Annotated[
        list[Path] | None,
        typer.Option("-o", "--out", help="Also write FILE.csv, .md, .tex or .json; repeatable."),
    ] = None,
    robust: RobustOptions,
    settings: options.Settings = None,
    ensemble: options.Ensemble = False,
    split: options.Split = "test",
    manifest: options.OtherManifest = None,
    store: options.OtherStore = None,
    seed: options.CorruptionSeed = 0,
    device: options.Device = "cpu",
    json: options.Json = False,
) -> None:
    """Compare runs on the same clips.

    The metric of each with its interval, the change, and whether that is chance. Differences are
    paired by clip; intervals draw dialogues or speakers, and p exchanges the runs in them. All
    pairs are compared, and p Holm is adjusted for their number.
    """
    from emocli.cli import sections
    from emocli.evaluation.compare import compare
    from emocli.evaluation.comparison_tables import notes, require_known, tables, write

    for path in out or ():
        require_known(path)  # before the work
    with show.progress("comparing", "runs") as progress:
        report = compare(
            runs,
            metric=metric,
            against=against,
            manifest=manifest,
            store=store,
            split=split,
            robust=replace(robust, settings=sections.robust(settings)),
            seed=seed,
            ensemble=ensemble,
            device=device,
            progress=progress,
        )
    for path in out or ():
        write(report, path)
    if json:
        show.as_json(report)
        return
    for table in tables(report):
        show.table(table.columns, table.rows, table.title)
    for note in notes(report)[: -len(report.warnings) or None]:
        show.line(note)
    for path in out or ():
        show.line(f"written: {path}")
    for warning in report.warnings:
        show.warn(warning)


COMMAND = Command("compare", 115, command)
