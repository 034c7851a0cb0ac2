"""`emocli demo`: the whole pipeline on a generated corpus."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emocli.cli import options, show
from emocli.display import number_of
from emocli.limits import MOST_SEEDS
from emocli.plugin.command import Command

if TYPE_CHECKING:
    from emocli.pipeline.demo_report import Accuracy, PredictedTalk


@options.example("train.epochs=20")
@options.grouped
def command(
    folder: Annotated[Path, typer.Option("--dir", help="Folder of all results.")] = Path("demo"),
    workers: options.Workers = 2,
    seeds: Annotated[int, typer.Option(min=1, max=MOST_SEEDS, help="Seeds of each network.")] = 3,
    settings: options.Settings = None,
    json: options.Json = False,
) -> None:
    """Run everything on a generated corpus.

    Generates clips, extracts, fits, trains every network and corrupts each modality, and predicts a
    new recording: some three minutes on two cores. The corpus is drawn and synthesised here: it
    proves that the pipeline works, not that a network is good. Repeat the command to resume.
    """
    from emocli import config
    from emocli.pipeline.demo import demo

    tree = config.parse_sets(settings or [])
    say = show.stopwatch()
    report = demo(folder, settings=tree, workers=workers, seeds=seeds, say=say)
    if json:
        show.as_json(report)
        return
    modalities = list(dict.fromkeys(m for s in report.systems for m in s.modalities))
    rows = [
        (
            system.run.name,
            _accuracy(system.clean),
            *(_accuracy(system.corrupted[m]) if m in system.corrupted else "-" for m in modalities),
        )
        for system in report.systems
    ]
    some = report.systems[0]
    title = (
        f"accuracy on {some.tested} generated test clips: mean ± spread of "
        f"{number_of(report.seeds, 'seeds')} [{some.interval}]"
    )
    show.table(("network", "clean", *(f"{m} corrupted" for m in modalities)), rows, title)
    show.line(f"corrupted: {report.corruption} on the standardised features, at test only")
    show.line(f"manifest:  {report.manifest}")
    show.line(f"features:  {report.store}")
    show.line(f"networks:  {report.folder / 'runs'} (each with reports/)")
    show.line(f"report:    {report.report}")
    talk = report.talk
    show.line(
        f"talk:      {talk.utterances} utterances, {talk.people} people, {talk.rows} predictions; "
        f"{_states(talk)}"
    )
    show.line(f"open it:   {talk.page}")


def _states(talk: PredictedTalk) -> str:
    """Say which modalities were missing, not trusted and regenerated, and how often."""
    states = {
        "missing": talk.missing,
        "not trusted": talk.distrusted,
        "regenerated": talk.regenerated,
    }
    return "; ".join(
        f"{name}: {', '.join(f'{m} {count}' for m, count in counts.items()) or 'none'}"
        for name, counts in states.items()
    )


def _accuracy(result: Accuracy) -> str:
    """Show two digits, for more do not repeat on another processor."""
    low, high = (float("nan") if bound is None else bound for bound in result.ci)
    interval = "" if math.isnan(low) else f" [{low:.2f}, {high:.2f}]"
    return f"{result.accuracy:.2f} ± {result.std:.2f}{interval}"


COMMAND = Command("demo", 160, command)
