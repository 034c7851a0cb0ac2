"""`emocli segment`: recordings to a manifest of segments, with times, words and speakers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emocli import plugins
from emocli.cli import options, show
from emocli.display import number_of
from emocli.plugin.command import PARTLY_DONE, Command

if TYPE_CHECKING:
    from emocli.prediction.segmentation.segment_recordings import Segmentation

MOST_NAMES = 12


@options.example("windows.hop=1")
@options.grouped
def command(
    recordings: Annotated[
        list[Path], typer.Argument(help="Recordings, or folders of them.", metavar="INPUT")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", "--output", help="Manifest to write (CSV).")],
    cut: options.CutOptions,
    settings: options.SettingOptions,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Cut recordings into segments, and write their manifest.

    Ways: `subtitles` takes the lines of SRT, VTT, ELAN (.eaf), TextGrid, Whisper's JSON or CSV
    beside the recording; `speech` finds speech; `windows` have equal lengths; `whole` is one. By
    default subtitles where there are any, else speech with --transcribe, else windows.

    Exit code 3: some recordings could not be cut and are listed; the rest is complete.
    """
    from emocli.prediction.segmentation.segment_recordings import plan, segment

    chosen = cut.over(settings.read_settings("segment"), settings.typed_sections)
    settings.spare(out)
    if dry_run:
        plans = plan(recordings, chosen)
        if json:
            show.as_json(plans)
            return
        rows = [(str(p.recording), p.seconds, p.way, str(p.subtitles or "-")) for p in plans]
        show.table(("recording", "seconds", "way", "subtitles"), rows)
        return
    with show.progress("segmenting", "s") as progress:
        result = segment(recordings, out, options=chosen, progress=progress)
    if json:
        show.as_json(result)
    else:
        _print(result)
    for failure in result.failures:
        show.warn(failure.message)
    if result.failures:
        count = len(result.failures)
        show.warn(f"{count} of {count + result.recordings} recordings could not be cut")
        raise typer.Exit(PARTLY_DONE)


def _print(result: Segmentation) -> None:
    ways = ", ".join(f"{count} by {way}" for way, count in result.ways.items())
    show.line(
        f"{result.path}: {number_of(result.segments, 'segments')}, {result.seconds:.1f} s, of "
        f"{number_of(result.recordings, 'recordings')} ({ways})"
    )
    if result.words:
        show.line(f"words with times: {result.words}")
    if result.languages:
        show.line(f"languages: {show.some(list(result.languages), MOST_NAMES)}")
    if result.speakers:
        names = show.some(result.speakers, MOST_NAMES)
        show.line(f"speakers: {len(result.speakers)} ({names})")
    for note in result.notes:
        show.warn(note)


COMMAND = Command("segment", 5, command, sections=lambda: plugins.names("ways"))
