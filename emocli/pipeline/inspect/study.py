"""The inspection of a study of `emocli tune`: its trials, what was chosen, and how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from emocli.config import Tree
from emocli.errors import ReportError
from emocli.models.commands import read_log
from emocli.pipeline.inspect.sections import Inspection, InspectionTable, table_of
from emocli.training.tuning.journal import read_trials
from emocli.training.tuning.study_summary import (
    Budget,
    NestedSummary,
    SearchReport,
    SearchSummary,
    Trial,
    TuneSummary,
    best_of,
    settings_text,
)


def inspect_search(data: Tree, file: Path) -> Inspection:
    """Look into the report of a search."""
    report, folder = SearchReport.parsed(data, file), file.parent
    facts: Tree = {
        "fusion": report.fusion,
        "monitor": report.monitor,
        "sampler": report.sampler,
        **_trials(report.trials),
        **_chosen(report),
        "settings": str(folder / report.config.name),
        "test": _evaluate(folder / report.run.name),
        "go_on": f"{_command(folder)} (with more --trials)",
    }
    shown = table_of("study", {**facts, "chosen": settings_text(report.chosen)})
    return Inspection("study", file, facts, (shown,), ())


def inspect_nested(data: Tree, file: Path) -> Inspection:
    """Look into the report of a search for every fold."""
    report, folder = NestedSummary.parsed(data, file), file.parent
    folds = {fold.study.name: {**_trials(fold.trials), **_chosen(fold)} for fold in report.folds}
    facts: Tree = {
        "monitor": report.monitor,
        **_trials([trial for fold in report.folds for trial in fold.trials]),
        "test": _evaluate(folder / report.run.name),
        "go_on": f"{_command(folder)} (with more --trials)",
    }
    columns = ("trials", "best_trial", "chosen_trial", "valid")
    rows = tuple(
        (fold.study.name, *(folds[fold.study.name][c] for c in columns), settings_text(fold.chosen))
        for fold in report.folds
    )
    table = InspectionTable("folds", ("fold", *columns, "chosen"), rows)
    sections = (table_of("study", facts), table)
    return Inspection("study", file, {**facts, "folds": folds}, sections, ())


def inspect_greedy(data: Tree, file: Path) -> Inspection:
    """Look into the report of a greedy tuning."""
    report, folder = TuneSummary.parsed(data, file), file.parent
    facts: Tree = {
        "fusion": report.fusion,
        "monitor": report.monitor,
        "trials": len(report.trials),
        "valid": report.valid,
        "chosen": dict(report.chosen),
        "test": _evaluate(folder / Path(report.run).name),
        "go_on": f"{_command(folder)} (with more --try)",
    }
    return Inspection("study", file, facts, (table_of("study", facts),), ())


def inspect_unfinished(path: Path) -> Inspection:
    """Look into a search that has not come to its end; it needs Optuna, which wrote the journal."""
    trials, lower = read_trials(path)
    facts = _trials(trials)
    if any(trial.valid is not None for trial in trials):
        best = best_of(trials, lower)
        own = {"best_trial": best.number, "valid": best.valid, "best_settings": best.settings}
        facts |= own
    problem = "its search has not ended; repeat the emocli tune command to resume"
    return Inspection("study", path, facts, (table_of("study", facts),), (problem,))


def _trials(trials: Sequence[Trial]) -> Tree:
    budget = Budget.of(trials)
    return {"trials": len(trials), **budget.data()}


def _chosen(report: SearchSummary) -> Tree:
    trial = report.chosen_trial
    return {
        "best_trial": report.best.number,
        "chosen_trial": trial.number,
        "valid": trial.valid,
        "chosen": dict(report.chosen),
    }


def _evaluate(run: Path) -> str:
    return shlex.join(["emocli", "evaluate", str(run)])


def _command(folder: Path) -> str:
    """Return the last command of a study; how it begins where it was not kept."""
    with suppress(ReportError):  # it is begun anew, and nothing depends on it
        if log := read_log(folder):
            return log[-1].line
    return "emocli tune ..."
