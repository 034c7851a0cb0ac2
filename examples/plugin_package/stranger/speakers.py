"""`emocli speakers`: how many clips of a manifest are of whom.

Source: this example.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from emocli.cli import options, show
from emocli.plugin.command import Command


def command(
    manifest: options.ManifestFile,
    least: Annotated[int, typer.Option(min=1, help="Leave out who has fewer clips.")] = 1,
    json: options.Json = False,
) -> None:
    """Count the clips of each speaker."""
    from emocli.plugin.dataset import Manifest

    clips = Counter(clip.speaker for clip in Manifest.read(manifest).clips)
    counts = {name: count for name, count in sorted(clips.items()) if count >= least}
    if json:
        show.as_json(counts)
        return
    show.table(("speaker", "clips"), list(counts.items()))


COMMAND = Command("speakers", 200, command)
