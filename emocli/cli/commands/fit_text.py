"""`emocli fit-text`: fine-tuning of a text encoder on utterances of dialogues."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emocli.cli import options, show
from emocli.plugin.command import Command


@options.example("text.backbone=roberta-base")
@options.grouped
def command(
    *,
    run: Annotated[Path, typer.Option(help="Folder of the text encoder to write.")],
    preset: options.EncoderPreset = "paper",
    settings: options.SettingOptions,
    corpus: options.CorpusOptions,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
) -> None:
    """Fine-tune a text encoder.

    Learns from the train split, stops and chooses on the valid split. Settings are text.KEY and
    train.KEY, e.g. --set text.backbone=roberta-base --set train.crossfit=5. Repeat the
    command to resume.
    """
    from emocli.training.encoders.fit_text import fit_text

    manifest, tree = corpus.read_manifest(), settings.read_settings("fit-text")
    with show.progress("fine-tuning a text encoder", "epochs") as progress:
        summary = fit_text(
            manifest, run, preset=preset, settings=tree, overwrite=overwrite, progress=progress
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
