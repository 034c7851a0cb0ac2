"""`emocli evaluate`: metrics of a trained network, clean and corrupted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from emocli.cli import options, show
from emocli.display import number_of
from emocli.plugin.command import Command
from emocli.plugin.robustness import RobustOptions

if TYPE_CHECKING:
    from emocli.evaluation.evaluate import Evaluation


@options.example("robust.proxy.k=50")
@options.grouped
def command(
    context: typer.Context,
    run: options.Run,
    robust: RobustOptions,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Also test a range of noise levels, and draw the curve.")
    ] = False,
    levels: Annotated[
        str | None, typer.Option(help="Levels of the sweep, e.g. 10,1,0.1 or 10dB,0dB,-10dB.")
    ] = None,
    settings: options.Settings = None,
    split: options.Split = "test",
    manifest: options.OtherManifest = None,
    store: options.OtherStore = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="Metrics of groups, too: speaker, dialogue, or a name of the manifest's "
            "group.<name>, e.g. speaker,gender."
        ),
    ] = None,
    seed: options.CorruptionSeed = 0,
    figures: options.Figures = True,
    style: options.Style = "screen",
    device: options.Device = "cpu",
    ensemble: options.Ensemble = False,
    normalise: Annotated[
        Literal["none", "speaker", "given"] | None,
        typer.Option(
            help="Of a run with train.normalise=speaker. none: as if there were no other clips of "
            "anybody; given: by the tested clips as given, corrupted too. Default: by clips as "
            "they are in the store."
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Evaluate a run, clean and corrupted.

    What was done in training about modalities that are not trusted is done here too, unless options
    say otherwise: --check --proxy, --oracle --fill zero, --set robust.proxy.k=50, --no-check.

    With --ensemble the mean of all seeds' predictions is evaluated. Of a cross-validation only the
    fold that never saw a clip judges it; with another --manifest, whose clips none saw, all do.

    The report goes to RUN/reports/, and beside it a CSV file of all predictions clip by clip. With
    --json, accuracy, uar, weighted_f1 and macro_f1 are those of the condition asked for; of a run
    of several seeds the mean, with the spread under _std.
    """
    from emocli.cli import sections
    from emocli.evaluation.evaluate import evaluate
    from emocli.models.commands import record
    from emocli.models.rundir import REPORTS

    wanted = levels.split(",") if levels else []
    with show.progress("evaluating", "conditions") as progress:
        evaluation = evaluate(
            run,
            manifest=manifest,
            store=store,
            split=split,
            corrupt=robust.corrupt,
            sweep=wanted if sweep or levels else None,
            repair=replace(robust, settings=sections.robust(settings)),
            by=by.split(",") if by else (),
            seed=seed,
            figures=figures,
            style=style,
            device=device,
            ensemble=ensemble,
            normalise=normalise,
            progress=progress,
        )
    record(run / REPORTS, context.obj)
    if json:
        show.as_json(evaluation.report)
        return
    _print(evaluation)


def _print(evaluation: Evaluation) -> None:
    from emocli.evaluation.tables import notes

    for table in evaluation.tables:
        show.table(table.columns, table.rows, table.title)
    for note in notes(evaluation.report):
        show.line(note)
    show.line(f"report: {evaluation.path}")
    show.line(f"clips: {evaluation.clips}")
    for figure in evaluation.figures:
        show.line(f"figure: {figure}")
    report = evaluation.report
    for remark in [*report.remarks, *report.warnings]:
        show.warn(remark)
    for modality, count in report.missing.items():
        if count:
            show.warn(number_of(count, f"of {report.n} clips have no {modality}"))
    if report.unlabelled:
        show.warn(number_of(report.unlabelled, "clips have no label and were left out"))
    for feature, count in report.non_finite.items():
        if count:
            show.warn(f"{feature} has {number_of(count, 'values that are not finite')}, read as 0")
    for feature, count in report.clipped.items():
        if count:
            show.warn(
                number_of(count, f"values of {feature} are beyond the training's limits: clipped")
            )


COMMAND = Command("evaluate", 110, command)
