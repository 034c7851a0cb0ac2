"""The runner of experiments: every row trained with all folds and seeds, tested, and compared.

All that is computed is kept under the output folder, so that the same command goes on after an
interruption: ``runs/<row>/fold-K/seed-S`` and ``evaluations/<row>/fold-K/<condition>.npz``. The
report is written anew after every row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from emocli.config import Tree
from emocli.data.durable import locked, used_folder
from emocli.data.manifest import Manifest
from emocli.data.pool import Say, open_pool
from emocli.errors import RunError
from emocli.experiments import experiment as settled
from emocli.experiments.checks import fit_checks
from emocli.experiments.config import read_table
from emocli.experiments.experiment import Experiment
from emocli.experiments.plan import ExperimentPlan
from emocli.experiments.results import Reproduction, Results, write
from emocli.experiments.row_analyses import carry_out
from emocli.experiments.rows import RowContext, Tested, Trained
from emocli.experiments.seconds import training_seconds
from emocli.experiments.synthetic.report import marked, with_expectations
from emocli.report.canvas import STYLES, StyleName


def sections(name: str) -> tuple[str, ...]:
    """Name the sections of settings that an experiment takes.

    Raises
    ------
    ConfigError
        If there is no such experiment.
    """
    return settled.sections(read_table(name, {}))


def plan(name: str, manifest: Manifest, store: Path, settings: Tree) -> ExperimentPlan:
    """Check everything and return what would be run; writes nothing."""
    table = read_table(name, settings, manifest.dataset, manifest.task)
    experiment = Experiment.of(name, table, manifest, store, settings)
    experiment.prepare(checked=False)
    return experiment.plan()


def reproduce(
    name: str,
    manifest: Manifest,
    store: Path,
    out: Path,
    *,
    settings: Tree | None = None,
    workers: int = 1,
    overwrite: bool = False,
    synthetic: bool = False,
    style: StyleName = "screen",
    say: Say = lambda step: None,
) -> Reproduction:
    """Run an experiment, or what is left of it.

    Parameters
    ----------
    name : str
        The experiment: ``rrnn-t2``.
    manifest : Manifest
        The corpus.
    store : Path
        Folder of its features.
    out : Path
        Folder for everything that comes out.
    settings : mapping, optional
        ``reproduce``: `ReproduceConfig`; ``experiment``: the experiment's own; ``network``,
        ``train``: of every network that has them, where the table does not set them row by row;
        ``check``: of the modality check; ``encoder``, ``train``, ``loss``, ``augment``: of
        encoders; ``rows``: row to sections of its own.
    workers : int
        Processes that compute; encoders are trained one after the other.
    overwrite : bool
        Train rows again whose settings or inputs have changed.
    synthetic : bool
        Whether the corpus is that of a `Twin`, which the report has to say.
    style : {'screen', 'paper'}
        The figures' look.
    say : callable
        Told what happens.

    Raises
    ------
    EmocliError
        If something is absent or does not fit.
    """
    tree = dict(settings or {})
    table = read_table(name, tree, manifest.dataset, manifest.task)
    table = marked(table) if synthetic else table
    experiment = Experiment.of(name, table, manifest, store, tree)
    experiment.prepare(checked=False)
    with used_folder(out), locked(out / ".lock"), open_pool(workers) as pool:
        metric = experiment.table.metrics[0]
        context = RowContext(experiment.inputs, out, metric, pool, overwrite, say, STYLES[style])
        outcome = Runner(experiment, context).run()
        if not synthetic:
            return outcome
        return write(out, with_expectations(outcome.report, table), context.style)


@dataclass(frozen=True)
class Runner:
    """Runs an experiment in a folder."""

    experiment: Experiment
    context: RowContext

    def run(self) -> Reproduction:
        """Run row after row; the report is written after each.

        Raises
        ------
        EmocliError
            If a row cannot be trained or tested, or none can be run.
        """
        experiment, context = self.experiment, self.context
        for line in experiment.remarks:
            context.say(f"warning: {line}")
        if experiment.checked:
            experiment = fit_checks(experiment, context.say)
        # Rows that cannot be trained are found out before hours have been spent on others.
        experiment.prepare(checked=True)
        trained: dict[str, Trained] = {}
        tested: dict[str, Tested] = {}
        report = None
        for system in experiment.due:
            if system.lacking:
                context.say(f"{system.row.name}: cannot be run, {system.lacking}")
                continue
            if system.is_trainable:
                trained[system.slug] = system.train(context)
            tested[system.slug] = system.evaluate(context)
            results = Results(experiment, trained, tested, training_seconds(context.out))
            report = write(context.out, results.report(), context.style)
            context.say(f"{system.row.name}: {context.metric} {results.shown(system)}")
        if report is None:
            raise RunError("no row can be run", where=context.out)
        done = [system for system in experiment.systems if system.slug in tested]
        analyses = carry_out(experiment.table.analyses, done, context)
        if not analyses:
            return report
        return write(context.out, replace(report.report, analyses=analyses), context.style)
