"""The watching of a folder on the command line: what it prints, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from emocli.cli import show, streams
from emocli.display import number_of
from emocli.plugin.command import PARTLY_DONE

if TYPE_CHECKING:
    from emocli.prediction.predict import PredictOptions
    from emocli.prediction.progress import Stages
    from emocli.prediction.watch import WatchedFile


def watch(run: Path, folder: Path, out: Path, options: PredictOptions, *, as_json: bool) -> None:
    """Predict recordings as they arrive, a line for each, until Ctrl-C or a SIGTERM.

    Between two recordings that is the end as it should be, exit code 0, or 3 if some could not be
    used; in the middle of one it is an interruption as of every command.
    """
    from emocli.prediction.predict import Predictor
    from emocli.prediction.watch import InterruptedFile, Watch, failed
    from emocli.prediction.writers.formats import require_formats

    require_formats(options.formats)
    with progress() as stages:
        watched = Watch(Predictor.open(run, options), folder, out, progress=stages)
        with ended_between(InterruptedFile):
            for file in watched.files():
                _tell(file, out / file.folder, as_json=as_json)
        if failed(watched.report()):
            raise typer.Exit(PARTLY_DONE)


@contextmanager
def progress() -> Iterator[Stages]:
    """Show how far a prediction is, a bar for each of its stages."""
    from emocli.prediction.progress import Stages

    named = ("cutting", "s"), ("finding people", "s"), ("predicting", "segments")
    with show.stages(*named) as callbacks:
        yield Stages(*callbacks)


def _tell(file: WatchedFile, result: Path, *, as_json: bool) -> None:
    if as_json:
        folder = str(result) if file.folder else ""
        streams.out(json.dumps({**file.data(), "folder": folder}) + "\n")
    elif file.message:
        show.warn(file.message)
    else:
        lost = f", {number_of(file.failures, 'failures')}" if file.failures else ""
        show.line(f"{file.file}: {number_of(file.segments, 'segments')}{lost}, {result}")


@contextmanager
def ended_between(within: type[KeyboardInterrupt]) -> Iterator[None]:
    """Let an interruption end the body well, unless it says that it was in the middle of a file."""
    try:
        yield
    except within:
        raise
    except KeyboardInterrupt:
        pass
