"""The page of a nested search: the choice of each fold, their similarity, and the cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from emocli.metrics.metrics import ERRORS
from emocli.report.canvas import Style, render
from emocli.report.document import Block, Grid, Heading, Paragraph
from emocli.training.tuning.study_page import (
    importance_bars,
    normalisation,
    parallel,
    pictures,
)
from emocli.training.tuning.study_summary import (
    Budget,
    NestedSummary,
    SearchSummary,
    value_text,
)

CAPTIONS = {
    "chosen": "What the folds chose, a line each, and its validation; the darker the better, the "
    "best one thick. Scales are each setting's own.",
    "importances": "Share of the variance of the validation over trials that each setting explains "
    "(fANOVA): mean over the folds' searches.",
}


def blocks(summary: NestedSummary, files: Mapping[str, bytes]) -> list[Block]:
    """Return the page's parts; ``files`` are the drawings there are."""
    folds = summary.folds
    return [
        Heading(f"{folds[0].fusion}: a search for each of {len(folds)} folds", 1),
        Paragraph(
            "Each search saw the clips of its fold that train and validate, and none that the fold "
            f"tests. `emocli evaluate {summary.study.name}/{summary.run.name}` tests what they "
            "chose: every clip is predicted by settings chosen without it. The validation metrics "
            "here flatter where the best trial was chosen."
        ),
        *normalisation(folds),
        Paragraph(f"{summary.budget}. Drawn by {folds[0].sampler}."),
        _by_rule(summary),
        _searches(summary),
        _choices(folds),
        Paragraph("What the folds do not agree on, and what explains little, is mostly noise."),
        *pictures(CAPTIONS, files),
    ]


def _by_rule(summary: NestedSummary) -> Grid:
    """Return what each fold chose by the rule, and what the best trial is ahead by."""
    ahead, valid = "ahead of the default by", f"valid {summary.monitor} of it"
    columns = ("page", "best trial", ahead, "standard error", "chosen trial", valid)
    rows = [(_page(fold), *_choice(fold)) for fold in summary.folds]
    return Grid(columns, rows, title="The choices")


def _searches(summary: NestedSummary) -> Grid:
    """Return how each fold's search went."""
    columns = ("page", "complete", "pruned", "failed", "epochs", "s")
    rows = [(_page(fold), *_spent(fold.budget)) for fold in summary.folds]
    return Grid(columns, rows, title="The searches")


def _page(fold: SearchSummary) -> str:
    return f"{fold.study.name}/study.html"


def _choice(fold: SearchSummary) -> tuple[str, ...]:
    """Return what a fold chose, and how its best trial compares with the default."""
    choice, trial = fold.choice, fold.chosen_trial
    compared = (choice.ahead, choice.standard_error) if choice else (None, None)
    ahead, error = ("-" if each is None else f"{each:.4f}" for each in compared)
    return str(fold.best.number), ahead, error, str(trial.number), f"{trial.valid or 0:.4f}"


def _spent(budget: Budget) -> tuple[str, ...]:
    counts = (budget.complete, budget.pruned, budget.failed, budget.epochs, round(budget.seconds))
    return tuple(map(str, counts))


def _choices(folds: Sequence[SearchSummary]) -> Grid:
    """Return what the folds chose, side by side, and how much each setting explains."""
    shares = _shares(folds)
    rows = [
        (
            name,
            text,
            *(value_text(fold.chosen.get(name)) for fold in folds),
            f"{fmean(shares[name]):.2f}" if name in shares else "-",
            f"{min(shares[name]):.2f} to {max(shares[name]):.2f}" if name in shares else "-",
        )
        for name, text in folds[0].space.items()
    ]
    names = (fold.study.name for fold in folds)
    columns = ("setting", "range", *names, "importance", "least to greatest")
    return Grid(columns, rows, left=(0, 1), title="What each fold chose")


def _shares(folds: Sequence[SearchSummary]) -> dict[str, list[float]]:
    """Return the importances of each setting, in the folds that have any."""
    importances = [fold.importances for fold in folds if fold.importances]
    names = dict.fromkeys(name for each in importances for name in each)
    return {name: [each[name] for each in importances if name in each] for name in names}


def drawings(summary: NestedSummary, style: Style) -> dict[str, bytes]:
    """Return the drawings and captions as files."""
    chosen = [fold.chosen_trial for fold in summary.folds]
    shares = {name: fmean(each) for name, each in _shares(summary.folds).items()}
    lower = summary.monitor in ERRORS
    with style.active():
        figures = {"chosen": parallel(chosen, summary.monitor, lower, style, CAPTIONS["chosen"])}
        if shares:
            figures["importances"] = importance_bars(shares, style, CAPTIONS["importances"])
        return render(figures, style)
