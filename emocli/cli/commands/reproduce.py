"""`emocli reproduce`: a table of a paper, on any corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emocli.cli import options, show
from emocli.display import number_of
from emocli.limits import MOST_FOLDS, MOST_SEEDS
from emocli.plugin.command import PARTLY_DONE, Command

if TYPE_CHECKING:
    from emocli.config import Tree
    from emocli.data.manifest import Manifest
    from emocli.experiments.results import Reproduction


@options.grouped
def command(
    *,
    context: typer.Context,
    experiment: Annotated[str, typer.Argument(help="Experiment; `emocli info` lists them.")],
    out: Annotated[Path, typer.Option(help="Folder for all that comes out.")],
    manifest: Annotated[
        Path | None,
        typer.Argument(help="The corpus's manifest (CSV); none with --synthetic."),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the feature stores.  [default: store; OUT/store with --from-clips]"
        ),
    ] = None,
    from_clips: Annotated[
        bool,
        typer.Option("--from-clips", help="Train the paper's extractors, and extract, first."),
    ] = False,
    synthetic: Annotated[
        bool,
        typer.Option("--synthetic", help="Generate a corpus on which the whole table can run."),
    ] = False,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="With --synthetic: few clips, seeds and epochs; seconds."),
    ] = False,
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
    settings: options.SettingOptions,
    root: options.Root = None,
    style: options.Style = "screen",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Train again what has changed since.")
    ] = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Run an experiment of a paper.

    Trains every row of a table, tests it under its conditions, compares the rows clip by clip, and
    writes OUT/page.html (all of it, figures included), table.md and report.json; the runs are kept.
    Repeat the command to resume. Settings are network.KEY, train.KEY (of every network that has
    them, but for what tells the rows apart), rows.ROW.train.KEY, check.KEY, experiment.KEY,
    reproduce.KEY.

    With --from-clips the features are made first: extractors are trained on the train split, those
    of M2FNet with settings extractors.audio.KEY (face, scene, text) and extractors.features.KEY.

    With --synthetic no corpus is needed: one is drawn from a seed, with the task, the modalities
    and the dialogues of the table, settings synthetic.KEY; recordings, where encoders are trained,
    demo.KEY. It shows that every row runs, and nothing about people.
    """
    from emocli.config import merge
    from emocli.errors import ConfigError
    from emocli.experiments import runner
    from emocli.experiments.from_clips import SECTION, Extractors
    from emocli.experiments.synthetic.twin import SECTIONS, Twin
    from emocli.models.commands import record

    experiment = experiment.replace("_", "-")  # emocli info names files
    chosen: Tree = {
        "folds": folds,
        "seeds": seeds,
        "preset": preset,
        "features": feature or None,
        "only": row or None,
    }
    typed = {"reproduce": {k: v for k, v in chosen.items() if v is not None}}
    more = ([SECTION] if from_clips else []) + (list(SECTIONS) if synthetic else [])
    taken = (*runner.sections(experiment), *more)
    tree = merge(settings.read_settings("reproduce", taken), typed)
    if from_clips:
        tree = merge({SECTION: _of_other_commands(settings.config)}, tree)
    maker = "--from-clips" if from_clips else "--synthetic"
    if store is not None and (from_clips or synthetic):
        what = f"--store and {maker}, which makes a store of its own, OUT/store"
        raise ConfigError(what, hint="choose one of them")
    say, failed = show.stopwatch(), 0
    if synthetic:
        _no_corpus(manifest, root)
        twin = Twin.of(experiment, tree, out, quick=quick, from_clips=from_clips)
        if dry_run:
            show.as_json(twin.plan())
            return
        corpus, tree, store = twin.make(workers, overwrite, say), twin.settings, twin.store
    else:
        corpus = _corpus(manifest, root, quick)
    if from_clips:
        extractors = Extractors.of(experiment, corpus, out, tree)
        if dry_run:
            show.as_json(extractors.plan())
            return
        extracted = extractors.make(workers, overwrite, say)
        store, failed, tree = extracted.store, extracted.failed, extractors.without(tree)
    store = store or Path("store")
    if dry_run:
        show.as_json(runner.plan(experiment, corpus, store, tree).data())
        return
    outcome = runner.reproduce(
        experiment,
        corpus,
        store,
        out,
        settings=tree,
        workers=workers,
        overwrite=overwrite,
        synthetic=synthetic,
        style=style,
        say=say,
    )
    record(out, context.obj)
    if json:
        show.as_json(outcome.data)
    else:
        _print(outcome)
    if failed:
        told = number_of(failed, "extractions failed and are listed")
        show.warn(f"{told} in {store / 'failures.jsonl'}")
        raise typer.Exit(PARTLY_DONE)


def _corpus(manifest: Path | None, root: Path | None, quick: bool) -> Manifest:
    """Read the corpus that is named."""
    from emocli.data.manifest import Manifest
    from emocli.errors import ConfigError

    if manifest is None:
        raise ConfigError("no manifest is named", hint="name one, or give --synthetic")
    if quick:
        what = "--quick shrinks a synthetic corpus, not one that is named"
        raise ConfigError(what, hint="give --synthetic in place of the manifest")
    return Manifest.read(manifest, root)


def _no_corpus(manifest: Path | None, root: Path | None) -> None:
    """Refuse a corpus beside the one that is made."""
    from emocli.errors import ConfigError

    for named, what in ((manifest, "a manifest"), (root, "--root")):
        if named is not None:
            raise ConfigError(
                f"{what} and --synthetic, which makes a corpus of its own, OUT",
                hint="choose one of them",
            )


def _of_other_commands(config: Path | None) -> Tree:
    """Return what a file says to the commands whose work is done; encoders are trained here."""
    from emocli.cli import sections

    encoder = sections.table("fit-encoder", config)
    features = sections.settings("extract", config, None)
    return {
        **dict.fromkeys(("audio", "face", "scene"), encoder),
        "text": sections.table("fit-text", config),
        "features": {
            name: {key: value for key, value in values.items() if key != "encoder"}
            for name, values in features.items()
        },
    }


def _print(outcome: Reproduction) -> None:
    from emocli.experiments.drawing import conditions
    from emocli.experiments.page import cells

    for metric in outcome.report.metrics:
        rows = [(name, *texts) for name, texts in cells(outcome.report, metric)]
        show.table(("system", *conditions(outcome.report)), rows, metric)
    show.line(f"table:  {outcome.table}")
    show.line(f"page:   {outcome.page}")
    show.line(f"report: {outcome.path}")
    for figure in outcome.figures:
        show.line(f"figure: {figure}")
    for line in outcome.report.warnings:
        show.warn(line)
    for each in outcome.report.rows:
        if each.lacking:
            show.warn(f"row '{each.row}' was not run: {each.lacking}")


COMMAND = Command(
    "reproduce",
    130,
    command,
    sections=lambda: (
        *("reproduce", "experiment", "network", "train", "check", "rows"),
        *("extractors", "synthetic"),
    ),
)
