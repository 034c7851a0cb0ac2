"""`emocli tune`: a search for settings of a network, on the validation split alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from emocli.cli import options, show
from emocli.limits import MOST_FOLDS, MOST_SEED, MOST_SEEDS
from emocli.plugin.command import Command
from emocli.report.canvas import StyleName

if TYPE_CHECKING:
    from emocli.training.train import TrainRequest
    from emocli.training.tuning.greedy import Study
    from emocli.training.tuning.search import Search
    from emocli.training.tuning.study_summary import SearchSummary

MOST_TRIALS = 100_000

DRAWING = (
    "space",
    "folds",
    "scheduler",
    "trials",
    "sampler",
    "sampler_seed",
    "no_prune",
    "chosen_seeds",
    "choose",
    "style",
)
"""Options that a greedy search has not."""


@options.example("train.lr=3e-4")
@options.grouped
def command(
    context: typer.Context,
    *,
    fusion: options.Fusion,
    study: Annotated[Path, typer.Option(help="Folder for the trainings and the report.")],
    trials: Annotated[
        int,
        typer.Option(min=1, max=MOST_TRIALS, help="Total number of trials, with finished ones."),
    ] = 30,
    space: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=RANGE",
            help="LOW..HIGH, LOW..HIGH:log or VALUE,VALUE,...: extends the declared search space.",
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            min=3,
            max=MOST_FOLDS,
            help="Nested cross-validation: a search for each fold, without its test clips.",
        ),
    ] = None,
    sampler: Annotated[Literal["tpe", "random"], typer.Option(help="Sampler of settings.")] = "tpe",
    sampler_seed: Annotated[
        int, typer.Option(min=0, max=MOST_SEED, help="Seed of the sampler.")
    ] = 0,
    no_prune: Annotated[bool, typer.Option("--no-prune", help="Do not prune trials.")] = False,
    candidates: Annotated[
        list[str] | None,
        typer.Option(
            "--try",
            metavar="KEY=VALUE,...",
            help="Greedy instead: a setting and the values to try; repeat: one after the other.",
        ),
    ] = None,
    corpus: options.FeatureOptions,
    seeds: Annotated[
        int,
        typer.Option(min=1, max=MOST_SEEDS, help="Seeds of each value; their mean is compared."),
    ] = 1,
    chosen_seeds: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_SEEDS,
            help="Seeds of the training with what was chosen. Default: those of the trials.",
        ),
    ] = None,
    choose: Annotated[
        Literal["one-se", "best"],
        typer.Option(
            help="one-se: the default, unless the best trial is ahead by more than one standard "
            "error; best: the best trial."
        ),
    ] = "one-se",
    workers: options.Workers = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler to compute on instead.")
    ] = None,
    style: options.Style = "screen",
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Search for settings on the validation split.

    The test split stays sealed. The first trial is the default, as far as ranges of --space hold
    it; the others draw what the network and the training declare, and --space adds or changes;
    what --set fixes is not searched. The default is chosen unless the best trial is ahead of it by
    more than one standard error (--choose best: the best trial). What is chosen goes to
    STUDY/best.toml, for --config of emocli train, and a page to STUDY/study.html. Needs pip install
    'emocli[tune]'. Repeat the command to resume, with more --trials to go on.

    With --folds the choice is made anew inside each fold's training part, so that every clip is
    predicted by settings chosen without it: emocli evaluate STUDY/chosen.

    With --try, greedily: every value of the first is trained, and the best kept; then those of the
    next; the report is STUDY/tune.json. M2FNet's depths, as its paper tunes them: --try
    network.layers.text=1,2,3 --try network.layers.audio=1,2,3 --try network.layers.visual=1,2,3.
    """
    from emocli.models.commands import record
    from emocli.training.tuning.greedy import Candidates, Study

    if candidates:
        _refuse_of_drawing(context)
    base = corpus.training("tune", fusion, study, seeds, workers)
    if candidates:
        _greedy(Study(base, [Candidates.parse(text) for text in candidates]), seeds, dry_run, json)
    else:
        search = _search(base, space or (), trials, sampler, sampler_seed, not no_prune, style)
        search = replace(search, chosen_seeds=chosen_seeds, choose=choose)
        _searched(search, folds, workers, scheduler, dry_run, json)
    if not dry_run:
        record(study, context.obj)


def _refuse_of_drawing(context: typer.Context) -> None:
    """Refuse those options of a command line that only a search by drawing has."""
    from emocli.errors import ConfigError

    sources = {name: context.get_parameter_source(name) for name in DRAWING}
    typed = [name for name, source in sources.items() if source and source.name == "COMMANDLINE"]
    if typed:
        others = ", ".join(f"--{name.replace('_', '-')}" for name in typed)
        what = f"--try searches greedily and has no {others}"
        raise ConfigError(what, hint=f"leave out --try or {others}")


def _greedy(task: Study, seeds: int, dry_run: bool, json: bool) -> None:
    if dry_run:
        show.plan({"trainings": task.check() * seeds, "try": task.candidates}, json)
        return
    summary = task.tune(show.stopwatch())
    if json:
        show.as_json(summary)
        return
    rows = [
        (t.setting, t.value, t.parameters, f"{t.valid:.3f}", "chosen" if t.chosen else "")
        for t in summary.trials
    ]
    show.table(("setting", "value", "parameters", f"valid {summary.monitor}", ""), rows)
    chosen = " ".join(f"--set {setting}={value}" for setting, value in summary.chosen.items())
    show.line(f"chosen: {chosen}")
    show.line(f"{summary.run}: validation {summary.monitor} {summary.valid:.3f}, by which it was")
    show.line("chosen, so it flatters; emocli evaluate tests it")
    if summary.normalised:
        show.line(summary.normalised)


def _search(
    base: TrainRequest,
    space: Iterable[str],
    trials: int,
    sampler: Literal["tpe", "random"],
    seed: int,
    prune: bool,
    style: StyleName,
) -> Search:
    from emocli.space import parse
    from emocli.training.tuning.ranges import declared
    from emocli.training.tuning.search import Search

    own = dict(map(parse, space))
    ranges = declared(base.fusion, base.settings, own)
    return Search(base, ranges, trials, sampler, seed, prune, style)


def _searched(
    search: Search,
    folds: int | None,
    workers: int,
    scheduler: str | None,
    dry_run: bool,
    json: bool,
) -> None:
    from emocli.training.tuning.study import PAGE, carry_out, carry_out_nested, folded
    from emocli.training.tuning.study_summary import SearchReport

    if dry_run:
        if folds:
            folded(search, folds)
        else:
            search.check()
        base = search.base
        plan = {
            "fusion": base.fusion,
            "preset": base.preset,
            "features": list(base.features or ()) or "all",
            "settings": base.settings,
            "trials": search.trials * (folds or 1),
            "seeds": base.seeds,
            "chosen_seeds": search.chosen_seeds or base.seeds,
            "space": {name: each.text() for name, each in search.ranges.items()},
        }
        show.plan(plan, json)
        return
    with show.progress("searching", "trials") as progress:
        if folds:
            crossed = carry_out_nested(search, folds, workers, progress, scheduler)
        else:
            tuned = carry_out(search, workers, progress, scheduler)
    if json:
        show.as_json(crossed if folds else SearchReport.of(tuned))
        return
    if folds:
        _print(crossed.folds)
        show.line(f"spent: {crossed.budget}")
        show.line(
            f"{crossed.run}: every clip is predicted by settings that were chosen without it;"
        )
        show.line(f"emocli evaluate {crossed.run} tests them")
        show.line(f"page: {crossed.study / PAGE}")
        return
    _print((tuned,))
    show.line(f"spent: {tuned.budget}")
    flatters = ", so its metric flatters" if tuned.flatters else ""
    show.line(f"settings: {tuned.config} (chosen by validation{flatters})")
    show.line(f"trained: {tuned.run}")
    show.line(f"page: {tuned.study / PAGE}")


def _print(summaries: Sequence[SearchSummary]) -> None:
    from emocli.training.tuning.study_summary import settings_text

    rows = [
        (
            summary.run.parent.name,
            summary.chosen_trial.number,
            f"{summary.chosen_trial.valid:.3f}",
            settings_text(summary.chosen),
        )
        for summary in summaries
    ]
    show.table(("study", "trial", f"valid {summaries[0].monitor}", "chosen"), rows)
    for each in summaries:
        if each.reason:
            show.line(f"{each.study.name}: {each.reason}")
    for line in dict.fromkeys(each.normalised for each in summaries if each.normalised):
        show.line(line)


COMMAND = Command("tune", 105, command, sections=lambda: ("network", "train", "robust"))
