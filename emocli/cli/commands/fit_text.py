"""`emocli fit-text`: fine-tuning of a text encoder on utterances of dialogues."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emocli.cli import options, show
from emocli.plugin.command import Command


def command(
    manifest: options.ManifestFile,
    run: Annotated[Path, typer.Option(help="Folder of the text encoder to write.")],
    preset: options.EncoderPreset = "paper",
    settings: options.Settings = None,
    config: options.Config = None,
    root: options.Root = None,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
) -> None:
    """Fine-tune a text encoder.

    Learns from the train split, stops and chooses on the valid split. Settings are text.KEY and
    train.KEY, e.g. --set text.backbone=roberta-base --set train.crossfit=5. Repeat the
    command to resume.
    """
    from emocli.cli import sections
    from emocli.data.manifest import Manifest
    from emocli.training.fit_text import fit_text

    corpus = Manifest.read(manifest, root)
    with show.progress("fine-tuning a text encoder", "epochs") as progress:
        summary = fit_text(
            corpus,
            run,
            preset=preset,
            settings=sections.settings("fit-text", config, settings),
            overwrite=overwrite,
            progress=progress,
        )
    if json:
        show.as_json(summary)
        return
    show.line(
        f"text encoder, {summary.parameters:,} parameters, {summary.state}: {summary.train:,} "
        f"utterances, {summary.valid:,} to choose, {summary.tokens:.0f} tokens each"
    )
    metrics = ", ".join(f"{name} {value:.3f}" for name, value in summary.metrics.items())
    epochs = f"epoch {summary.best_epoch[0]} of {summary.epochs[0]}"
    show.line(f"{summary.run}: {metrics} on the valid split ({epochs})")
    for note in summary.notes:
        show.warn(note)


COMMAND = Command("fit-text", 90, command, sections=lambda: ("text", "train"))
