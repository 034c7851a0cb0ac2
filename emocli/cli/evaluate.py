"""`emocli evaluate`: what a trained network is worth, and what corrupting a modality costs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from emocli.cli import options, show


class SplitName(StrEnum):
    """Which clips."""

    train = "train"
    valid = "valid"
    test = "test"


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a trained run.")],
    corrupt: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODALITY[:NAME[@LEVEL]]",
            help="visual (Gaussian noise at 0 dB), visual:gaussian@0.01, audio:zero, "
            "text:dropout@0.5; repeat to corrupt several at once.",
        ),
    ] = None,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Also try a range of levels, and draw the curve.")
    ] = False,
    levels: Annotated[
        str | None, typer.Option(help="Levels of the sweep, e.g. 10,1,0.1 or 10dB,0dB,-10dB.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Discard what the modality check distrusts.")
    ] = False,
    split: Annotated[SplitName, typer.Option(help="Clips to evaluate on.")] = SplitName.test,
    manifest: Annotated[
        Path | None, typer.Option(help="Another manifest than the run was trained with.")
    ] = None,
    store: Annotated[
        Path | None, typer.Option(help="Another place of the store than the run remembers.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the corruptions.")] = 0,
    figures: Annotated[bool, typer.Option("--figures/--no-figures", help="Draw figures.")] = True,
    json: options.Json = False,
) -> None:
    """Evaluate a run, clean and corrupted.

    The report goes to RUN/reports/. With --json, accuracy, uar, weighted_f1 and macro_f1 are those
    of the condition asked for; of a run of several seeds the mean, with the spread under _std.
    """
    from emocli.stages.evaluate import evaluate

    wanted = (levels or "").split(",") if levels else []
    with show.progress("evaluating", "conditions") as progress:
        report = evaluate(
            run,
            manifest=manifest,
            store=store,
            split=split.value,
            corrupt=corrupt or (),
            sweep=wanted if sweep or levels else None,
            check=check,
            seed=seed,
            figures=figures,
            progress=progress,
        )
    if json:
        show.as_json(report.data)
        return
    for table in report.tables:
        show.table(table.columns, table.rows, table.title)
    show.line(f"report: {report.path}")
    for figure in report.figures:
        show.line(f"figure: {figure}")
    for modality, count in report.data["missing"].items():
        if count:
            show.warn(f"{count} of {report.data['n']} clips have no {modality}")
    if report.data["unlabelled"]:
        show.warn(f"{report.data['unlabelled']} clips have no label and were left out")
    for feature, count in report.data["non_finite"].items():
        if count:
            show.warn(f"{feature} has {count} values that are not finite; they were read as 0")
    for feature, count in report.data["clipped"].items():
        if count:
            show.warn(f"{count} values of {feature} are absurdly far out and were clipped")
