"""`emocli fit-encoder`: a network that turns sound, faces or scenes into vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emocli.cli import options, show
from emocli.display import number_of
from emocli.plugin.command import Command
from emocli.plugin.encoder import PictureKind


@options.example("encoder.side=112")
@options.grouped
def command(
    *,
    kind: Annotated[
        PictureKind,
        typer.Argument(
            help="What it looks at: audio (feature mel), face (faces), scene (video frames), ..."
        ),
    ],
    source: Annotated[
        Path,
        typer.Argument(help="Manifest (CSV), or a folder that holds a folder of files per class."),
    ],
    run: Annotated[Path, typer.Option(help="Folder of the encoder to write.")],
    store: options.Store = Path("store"),
    preset: options.EncoderPreset = "paper",
    settings: options.SettingOptions,
    root: options.Root = None,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
) -> None:
    """Train an encoder of sound, faces or scenes.

    Learns from the train split, stops and chooses on the valid split. Settings are encoder.KEY,
    train.KEY, loss.KEY and augment.KEY, e.g. --set encoder.side=112. Repeat the command to resume.
    """
    from emocli.data.manifest import Manifest
    from emocli.training.encoders.fit_encoder import fit_encoder

    pictures = source if source.is_dir() else Manifest.read(source, root)
    with show.progress(f"training an encoder of kind {kind}", "epochs") as progress:
        summary = fit_encoder(
            kind,
            pictures,
            run,
            store=store,
            preset=preset,
            settings=settings.read_settings("fit-encoder"),
            overwrite=overwrite,
            progress=progress,
        )
    if json:
        show.as_json(summary)
        return
    show.line(
        f"{summary.kind} encoder, {summary.parameters:,} parameters, {summary.state}: "
        f"{summary.train:,} pictures of {len(summary.classes)} classes, {summary.valid:,} to choose"
    )
    show.line(
        f"{summary.run}: nearest neighbour {summary.accuracy:.3f} on the valid split "
        f"(epoch {summary.best_epoch} of {summary.epochs})"
    )
    for reason, count in summary.skipped.items():
        show.warn(number_of(count, f"clips {reason} were left out"))


COMMAND = Command(
    "fit-encoder", 80, command, sections=lambda: ("encoder", "loss", "train", "augment")
)
