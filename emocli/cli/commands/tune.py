"""`emocli tune`: settings of a network, chosen one after the other on the validation split."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emocli.cli import options, show
from emocli.limits import MOST_SEEDS
from emocli.plugin.command import Command


def command(
    manifest: options.ManifestFile,
    fusion: options.Fusion,
    study: Annotated[Path, typer.Option(help="Folder for the trainings and the report.")],
    candidates: Annotated[
        list[str],
        typer.Option(
            "--try",
            metavar="KEY=VALUE,...",
            help="A setting and the values to try; repeat: tuned one after the other, in order.",
        ),
    ],
    store: options.Store = Path("store"),
    feature: options.Features = None,
    preset: options.Preset = "paper",
    seeds: Annotated[
        int, typer.Option(min=1, max=MOST_SEEDS, help="Trainings of each value; their mean counts.")
    ] = 1,
    workers: options.Workers = 1,
    settings: options.Settings = None,
    config: options.Config = None,
    root: options.Root = None,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Choose settings greedily, on the validation split.

    Every value of the first --try is trained, and the best kept; then those of the next, and so on.
    The test split stays sealed: evaluate the last run on it once, at the end. M2FNet's depths, as
    its paper tunes them: --try network.layers.text=1,2,3 --try network.layers.audio=1,2,3 --try
    network.layers.visual=1,2,3. Repeat the command to resume.
    """
    from emocli.cli import sections
    from emocli.data.manifest import Manifest
    from emocli.training.train import TrainRequest
    from emocli.training.tune import Candidates, Study

    base = TrainRequest(
        manifest=Manifest.read(manifest, root),
        store=store,
        fusion=fusion,
        run=study,
        features=feature,
        preset=preset,
        settings=sections.settings("tune", config, settings),
        seeds=seeds,
        workers=workers,
    )
    task = Study(base, [Candidates.parse(text) for text in candidates])
    if dry_run:
        show.as_json({"trainings": task.check() * seeds, "try": task.candidates})
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


COMMAND = Command("tune", 105, command, sections=lambda: ("network", "train", "robust"))
