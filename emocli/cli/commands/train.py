"""`emocli train`: training of a fusion network on the features of a store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emocli.cli import options, show
from emocli.display import number_of
from emocli.limits import MOST_FOLDS, MOST_SEEDS
from emocli.plugin.command import Command
from emocli.plugin.robustness import RobustOptions

if TYPE_CHECKING:
    from emocli.training.summaries import CrossSummary, TrainSummary


@options.example("train.lr=3e-4")
@options.grouped
def command(
    *,
    context: typer.Context,
    fusion: options.Fusion,
    run: Annotated[Path, typer.Option(help="Folder of the run to write.")],
    corpus: options.FeatureOptions,
    seeds: Annotated[
        int, typer.Option(min=1, max=MOST_SEEDS, help="Number of seeds: 0, 1, ...")
    ] = 1,
    folds: Annotated[
        int | None,
        typer.Option(
            min=3,
            max=MOST_FOLDS,
            help="Number of folds of a cross-validation: RUN/fold-0, RUN/fold-1, ...",
        ),
    ] = None,
    workers: options.Workers = 1,
    robust: RobustOptions,
    no_baseline: Annotated[
        bool,
        typer.Option("--no-baseline", help="Fit no classical baselines (linear model, SVM)."),
    ] = False,
    overwrite: options.Overwrite = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Train a fusion network.

    Learns from the train split, validates on the valid split; the test split stays sealed. With
    train.patience the valid split decides which epoch is kept; by default it is the last one. With
    --folds every clip is tested once, by networks that never saw its speaker or dialogue.
    Repeat the command to resume. Settings are network.KEY, train.KEY and robust.KEY, e.g. --set
    train.lr=3e-4.

    Beside the network a linear model and an SVM are fitted to the mean, deviation and maximum of
    the same features, in seconds; emocli evaluate tests them too.

    With --corrupt the clips of both splits are corrupted first; with --check (fitted by emocli
    fit-cca) what it does not trust is discarded, and with --proxy regenerated from validation on.
    """
    from emocli.models.commands import record
    from emocli.models.rundir import REPORTS

    request = replace(
        corpus.training("train", fusion, run, seeds, workers),
        robust=robust,
        overwrite=overwrite,
        baselines=not no_baseline,
    )
    if dry_run:
        show.plan(request.plan(folds), json)
        return
    summary: TrainSummary | CrossSummary
    with show.progress(f"training {fusion}", "epochs") as progress:
        summary = request.cross_validate(folds, progress) if folds else request.train(progress)
    record(run / REPORTS, context.obj)
    if json:
        show.as_json(summary)
        return
    _print(summary)


def _print(summary: TrainSummary | CrossSummary) -> None:
    rows = [
        (part.run.name, s.seed, s.state, s.epochs, s.best_epoch, s.valid[summary.monitor])
        for part in summary.parts
        for s in part.seeds
    ]
    chosen = f"valid {summary.monitor}"  # the others are in the model card and in --json
    show.table(("run", "seed", "", "epochs", "kept", chosen), rows)
    features = ", ".join(f"{name} ({modality})" for modality, name in summary.features.items())
    show.line(f"{summary.fusion} on {features}: {summary.parameters:,} parameters")
    compared = _compared(summary)
    for metric in dict.fromkeys((summary.monitor, compared)):
        spread = summary.valid_std.get(metric)
        value = f"{summary.valid[metric]:.3f}" + ("" if spread is None else f" ± {spread:.3f}")
        show.line(f"{summary.run}: validation {metric} {value}")
    if summary.parts[0].refit:
        show.line("  then learnt anew from train and valid split, for as many epochs as were kept")
    for name, metrics in summary.baseline_metrics.items():
        show.line(f"  baseline {name}: {metrics[compared]:.3f}")
    for gap in dict.fromkeys(gap for part in summary.parts for gap in _gaps(part)):
        show.warn(gap)
    for note in summary.notes:
        show.warn(note)


def _compared(summary: TrainSummary | CrossSummary) -> str:
    """Return what network and baselines are compared by; without any, what is monitored."""
    from emocli.models.rundir import read_config

    if not summary.baseline_metrics:
        return summary.monitor
    config = read_config(summary.parts[0].run)
    return config.train.compared(config.task)


def _gaps(part: TrainSummary) -> Iterator[str]:
    """Say how many clips of each split lack a modality."""
    for split, missing in part.missing.items():
        for modality, count in missing.items():
            if count:
                yield number_of(count, f"of {part.clips[split]} {split} clips have no {modality}")


COMMAND = Command("train", 100, command, sections=lambda: ("network", "train", "robust"))
