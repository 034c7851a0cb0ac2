"""`emocli manifest`: the manifest of a corpus on disk."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from emocli import plugins
from emocli.cli import options, show
from emocli.display import number_of
from emocli.plugin.command import Command

MOST_NAMES = 12
LABELS = {"single": "classes", "multi": "classes at once", "intensity": "numbers"}


@options.example("ravdess.split=clip of ravdess")
@options.grouped
def command(
    name: Annotated[str, typer.Argument(help="Dataset; `emocli info` lists them.")],
    root: Annotated[Path, typer.Argument(help="Folder of the corpus.")],
    out: Annotated[Path, typer.Option("-o", "--out", "--output", help="Manifest to write (CSV).")],
    settings: options.SettingOptions,
    json: options.Json = False,
) -> None:
    """Write the manifest of a corpus.

    It lists the clips with their splits, labels and media.

    Your own recordings are the dataset `table`: a folder with labels.csv, which has a column id and
    one of labels (label). Others are optional: split (train, valid, test), dialogue, turn, speaker,
    start, end (seconds), text, fold, media.audio, media.video, media.words (paths below the
    folder). Without media columns, files called <id>.wav, <id>.mp4 and so on are found.
    """
    from emocli.pipeline.manifest import make_manifest

    plugins.load("datasets", name)
    settings.spare(out)
    summary = make_manifest(name, root, out, settings.read_settings("manifest", takes=(name,)))
    if json:
        show.as_json(summary)
        return
    counts = ", ".join(f"{n} {split}" for split, n in summary.splits.items())
    kinds = summary.media | ({"text": summary.text} if summary.text else {})
    media = ", ".join(f"{n} with {kind}" for kind, n in kinds.items()) or "no media"
    show.line(f"{summary.path}: {number_of(summary.clips, 'clips')} ({counts}); {media}")
    names = show.some(summary.classes, MOST_NAMES)
    show.line(
        f"labels: {summary.task}, {number_of(len(summary.classes), LABELS[summary.task])}: {names}"
    )
    for note in summary.notes:
        show.warn(note)
    if summary.features:
        aligned = ["--align-to", str(summary.words)] if summary.words else []
        files = map(str, summary.features)
        show.line(
            f"next: {shlex.join(['emocli', 'import', *files, *aligned, '--manifest', str(out)])}"
        )


COMMAND = Command("manifest", 10, command, sections=lambda: plugins.names("datasets"))
