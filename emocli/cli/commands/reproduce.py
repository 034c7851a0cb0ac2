"""`emocli reproduce`: a table of a paper, on any corpus."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emocli.cli import options, show
from emocli.display import number_of
from emocli.errors import ConfigError
from emocli.limits import MOST_FOLDS, MOST_SEEDS
from emocli.options import Argument, Option, declared
from emocli.plugin.command import PARTLY_DONE, Command

if TYPE_CHECKING:
    from emocli.config import Tree
    from emocli.data.manifest import Manifest
    from emocli.data.pool import Say
    from emocli.experiments.results import Reproduction
    from emocli.experiments.synthetic.twin import Twin

STORE = Path("store")
"""Folder of the features, if none is named."""


@dataclass(frozen=True)
class PreparedInputs:
    """What an experiment reads, and how many extractions failed while it was made."""

    corpus: Manifest
    store: Path
    settings: Tree
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """The corpus of an experiment and its features, or how they are made."""

    manifest: Annotated[
        Path | None, Argument("The corpus's manifest (CSV); none with --synthetic.")
    ] = None
    store: Annotated[
        Path | None,
        Option("Folder of the feature stores.  [default: store; OUT/store with --from-clips]"),
    ] = None
    from_clips: Annotated[
        bool, Option("First train the paper's encoders and extract the features.")
    ] = False
    synthetic: Annotated[bool, Option("Generate a corpus on which the whole table can run.")] = (
        False
    )
    quick: Annotated[bool, Option("With --synthetic: few clips, seeds and epochs, in seconds.")] = (
        False
    )
    root: Annotated[Path | None, declared(options.CorpusOptions)["root"].option] = None

    def require(self) -> None:
        """Refuse what contradicts itself.

        Raises
        ------
        ConfigError
            If there is no corpus, or one beside that which is made.
        """
        maker = "--from-clips" if self.from_clips else "--synthetic"
        if self.store is not None and (self.from_clips or self.synthetic):
            what = f"--store and {maker}, which makes a store of its own, OUT/store"
            raise ConfigError(what, hint="choose one of them")
        for named, what in ((self.manifest, "a manifest"), (self.root, "--root")):
            if named is not None and self.synthetic:
                what = f"{what} and --synthetic, which makes a corpus of its own, OUT"
                raise ConfigError(what, hint="choose one of them")
        if self.manifest is None and not self.synthetic:
            raise ConfigError("no manifest is named", hint="name one, or give --synthetic")
        if self.quick and not self.synthetic:
            what = "--quick shrinks a synthetic corpus, not one that is named"
            raise ConfigError(what, hint="give --synthetic in place of the manifest")

    def tree(self, experiment: str, settings: options.SettingOptions, chosen: Tree) -> Tree:
        """Return all settings of an experiment, with those of its encoders and features."""
        from emocli.config import merge
        from emocli.experiments import runner
        from emocli.experiments.from_clips import SECTION
        from emocli.experiments.synthetic.twin import SECTIONS

        more = ([SECTION] if self.from_clips else []) + (list(SECTIONS) if self.synthetic else [])
        taken = (*runner.sections(experiment), *more)
        tree = merge(settings.read_settings("reproduce", taken), {"reproduce": chosen})
        if self.from_clips:
            return merge({SECTION: _of_other_commands(settings.config)}, tree)
        return tree

    def plan(self, experiment: str, out: Path, tree: Tree) -> object:
        """Return the plan of what is done first."""
        from emocli.experiments import runner
        from emocli.experiments.from_clips import EncoderTrainings

        if self.synthetic:
            return self._twin(experiment, out, tree).plan()
        corpus = self._corpus()
        if self.from_clips:
            return EncoderTrainings.of(experiment, corpus, out, tree).plan()
        return runner.plan(experiment, corpus, self.store or STORE, tree).data()

    def make(
        self, experiment: str, out: Path, tree: Tree, workers: int, overwrite: bool, say: Say
    ) -> PreparedInputs:
        """Make missing inputs, and return the inputs of the experiment."""
        from emocli.experiments.from_clips import EncoderTrainings

        if self.synthetic:
            twin = self._twin(experiment, out, tree)
            inputs = PreparedInputs(twin.make(workers, overwrite, say), twin.store, twin.settings)
        else:
            inputs = PreparedInputs(self._corpus(), self.store or STORE, tree)
        if not self.from_clips:
            return inputs
        trainings = EncoderTrainings.of(experiment, inputs.corpus, out, inputs.settings)
        outcome = trainings.make(workers, overwrite, say)
        return PreparedInputs(
            inputs.corpus, outcome.store, trainings.without(inputs.settings), outcome.failed
        )

    def _corpus(self) -> Manifest:
        from emocli.data.manifest import Manifest

        return Manifest.read(self.manifest or Path(), self.root)

    def _twin(self, experiment: str, out: Path, tree: Tree) -> Twin:
        from emocli.experiments.synthetic.twin import Twin

        return Twin.of(experiment, tree, out, quick=self.quick, from_clips=self.from_clips)


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """What is trained, and how often."""

    feature: Annotated[tuple[str, ...], declared(options.FeatureOptions)["feature"].option] = ()
    folds: Annotated[
        int | None,
        Option(
            "Number of folds; 0: the manifest's own splits.",
            least=0,
            most=MOST_FOLDS,
        ),
    ] = None
    seeds: Annotated[
        int | None,
        Option("Seeds of each network on each fold.  [default: 5]", least=1, most=MOST_SEEDS),
    ] = None
    preset: Annotated[str | None, Option("literal, paper or plus.  [default: paper]")] = None
    row: Annotated[
        tuple[str, ...],
        Option("Run only this row, e.g. gca-gating; repeat for more.  [default: all]"),
    ] = ()

    def chosen(self) -> Tree:
        """Return those that are given, as settings."""
        named = {"folds": self.folds, "seeds": self.seeds, "preset": self.preset}
        listed = {"features": list(self.feature), "only": list(self.row)}
        return {k: v for k, v in named.items() if v is not None} | {
            k: v for k, v in listed.items() if v
        }


@options.example("train.epochs=20")
@options.grouped
def command(
    *,
    context: typer.Context,
    experiment: Annotated[str, typer.Argument(help="Experiment; `emocli info` lists them.")],
    out: Annotated[Path, typer.Option(help="Folder of all results.")],
    sources: SourceOptions,
    training: TrainingOptions,
    workers: options.Workers = 1,
    settings: options.SettingOptions,
    style: options.Style = "screen",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Train rows again whose settings have changed.")
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

    With --from-clips the features are made first: encoders are trained on the train split, those
    of M2FNet with settings extractors.audio.KEY (face, scene, text) and extractors.features.KEY.

    With --synthetic no corpus is needed: one is drawn from a seed, with the task, the modalities
    and the dialogues of the table, settings synthetic.KEY; recordings, where encoders are trained,
    demo.KEY. It shows that every row runs, and nothing about people.
    """
    from emocli.experiments import runner
    from emocli.models.commands import record

    experiment = experiment.replace("_", "-")  # that of its file is taken, too
    tree = sources.tree(experiment, settings, training.chosen())
    sources.require()
    if dry_run:
        show.plan(sources.plan(experiment, out, tree), json)
        return
    say = show.stopwatch()
    inputs = sources.make(experiment, out, tree, workers, overwrite, say)
    outcome = runner.reproduce(
        experiment,
        inputs.corpus,
        inputs.store,
        out,
        settings=inputs.settings,
        workers=workers,
        overwrite=overwrite,
        synthetic=sources.synthetic,
        style=style,
        say=say,
    )
    record(out, context.obj)
    if json:
        show.as_json(outcome.data)
    else:
        _print(outcome)
    if inputs.failed:
        message = number_of(inputs.failed, "extractions failed and are listed")
        show.warn(f"{message} in {inputs.store / 'failures.jsonl'}")
        raise typer.Exit(PARTLY_DONE)


def _of_other_commands(config: Path | None) -> Tree:
    """Return what a file says to the commands whose work is done; encoders are trained here."""
    from emocli.cli import sections
    from emocli.config import subsection
    from emocli.plugin.encoder import PICTURE_KINDS

    encoder = sections.table("fit-encoder", config)
    features = sections.settings("extract", config, None)
    return {
        **dict.fromkeys(PICTURE_KINDS, encoder),
        "text": sections.table("fit-text", config),
        "features": {
            name: {k: v for k, v in subsection(features, name).items() if k != "encoder"}
            for name in features
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
