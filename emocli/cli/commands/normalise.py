"""`emocli normalise`: features relative to their speaker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emocli.cli import options, show
from emocli.display import number_of
from emocli.plugin.command import Command

FEW = 10
"""Clips of a speaker below which the mean says little about the speaker."""


def command(
    manifest: options.ManifestFile,
    features: Annotated[
        list[str],
        typer.Option("-f", "--feature", help="Feature to normalise; repeat for more."),
    ],
    store: options.Store = Path("store"),
    overwrite: options.Overwrite = False,
    json: options.Json = False,
) -> None:
    """Make features of the same mean and spread for every speaker.

    mel becomes mel_by_speaker. No label is used, but all clips of each speaker are, whatever their
    split: say so with every metric.
    """
    from emocli.data.manifest import Manifest
    from emocli.extraction.normalise import normalise

    corpus = Manifest.read(manifest)
    results = [normalise(corpus, store, feature, overwrite=overwrite) for feature in features]
    if json:
        show.as_json(results)
        return
    for result in results:
        clips, speakers = number_of(result.clips, "clips"), number_of(result.speakers, "speakers")
        show.line(f"{result.path}: {clips} of {speakers}")
        if result.fewest < FEW:
            show.warn(f"a speaker of {result.feature} has only {number_of(result.fewest, 'clips')}")


COMMAND = Command("normalise", 60, command)
