"""Reading of transcripts in every format there is a plug-in for, and fitting to a recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

from emocli import plugins
from emocli.config import Settings
from emocli.data.encoding import read_text
from emocli.errors import MediaError
from emocli.plugin.transcript import Line, Reader, Transcript, by_start

ORDER = ("eaf", "textgrid", "whisper", "vtt", "srt", "table")
"""Formats of which one says more than the next, for a recording with several beside it; others
come after."""

MOST = 64 * 2**20
"""Bytes of a transcript; the words of a day are some ten million."""

CLIPPED = 1.0
"""Seconds a line may end after its recording does, and is cut off there: they are rounded."""

TRIMMED = 0.05
"""Seconds two lines of a speaker may overlap, and the first one is cut off: they are rounded."""


class SubtitleSettings(Settings):
    """Settings of the reading of a transcript.

    Attributes
    ----------
    overlap : {'refuse', 'keep'}
        Whether lines of one speaker may overlap; those of several always may.
    tiers : tuple of str
        Tiers to read of ELAN's files and of TextGrids; empty for all.
    """

    overlap: Literal["refuse", "keep"] = "refuse"
    tiers: tuple[str, ...] = ()


def read_transcript(path: Path, tiers: Sequence[str] = ()) -> Transcript:
    """Read a transcript in the format that its name ends in.

    Parameters
    ----------
    tiers : sequence of str
        Names of the tiers to read, if not all.

    Raises
    ------
    MediaError
        If it is absent, too large, in no known format or damaged, or has no such tiers.
    """
    suffix = path.suffix.lower()
    reader = next((r for r in _readers() if suffix in r.SUFFIXES), None)
    if reader is None and not path.is_file():
        raise MediaError("there is no such file", where=path)
    if reader is None:
        known = ", ".join(s for r in _readers() for s in r.SUFFIXES)
        raise MediaError("is in no known format of subtitles", where=path, hint=f"known: {known}")
    if tiers and not reader.HAS_TIERS:
        raise MediaError("has no tiers to choose", where=path, hint="leave subtitles.tiers out")
    transcript = reader.read(read_text(path, MediaError, MOST), path, tiers)
    plugins.require(transcript, Transcript, "the result of read", suffix, reader.__name__)
    return transcript


def transcript_path(recording: Path, folder: Path | None = None) -> Path | None:
    """Return the path of a recording's transcript, next to it or in a folder, if there is one."""
    endings = (ending for reader in _readers() for ending in reader.BESIDE)
    place = folder or recording.parent
    paths = (place / f"{recording.stem}{ending}" for ending in endings)
    return next((path for path in paths if path.is_file()), None)


def fitted(transcript: Transcript, seconds: float, path: Path, *, overlap: bool) -> Transcript:
    """Fit a transcript that was read to its recording.

    Lines without length are left out, and ends that are rounded are cut, which notes say.

    Parameters
    ----------
    seconds : float
        Length of the recording.
    path : Path
        The recording, for messages.
    overlap : bool
        Whether lines of a speaker may overlap.

    Raises
    ------
    MediaError
        If a line ends before it starts, lies outside the recording, or two overlap.
    """
    lines = [line for line in transcript.lines if line.end != line.start]
    for line in lines:
        _check(line, seconds, path)
    inside = [replace(line, end=min(line.end, seconds)) for line in lines]
    cut = sum(line.end > seconds for line in lines)
    separate, trimmed = (inside, 0) if overlap else _without_overlap(inside)
    counts = (
        (len(transcript.lines) - len(lines), "lines without length left out"),
        (cut, "lines cut off at the end of the recording"),
        (trimmed, f"lines cut off at the next one, which begins up to {TRIMMED:g} s earlier"),
    )
    notes = tuple(f"{count} {what}" for count, what in counts if count)
    return replace(transcript, lines=by_start(separate), notes=(*transcript.notes, *notes))


def _check(line: Line, seconds: float, path: Path) -> None:
    if line.end < line.start:
        what = f"ends at {line.end:g} s, before its start, {line.start:g} s"
        raise MediaError(what, where=line.place)
    if line.start >= seconds or line.end > seconds + CLIPPED:
        what = f"{line.start:g} s to {line.end:g} s is outside '{path.name}'"
        hint = "are these the subtitles of another recording?"
        raise MediaError(f"{what}, which lasts {seconds:.3f} s", where=line.place, hint=hint)


def _without_overlap(lines: Sequence[Line]) -> tuple[list[Line], int]:
    """Cut lines off where the next one of the speaker begins slightly earlier."""
    last: dict[str, int] = {}
    separate: list[Line] = []
    trimmed = 0
    for line in by_start(lines):
        before = last.get(line.speaker)
        if before is not None and separate[before].end > line.start:
            if separate[before].end > line.start + TRIMMED or separate[before].start >= line.start:
                raise _overlapping(separate[before], line)
            separate[before] = replace(separate[before], end=line.start)
            trimmed += 1
        last[line.speaker] = len(separate)
        separate.append(line)
    return separate, trimmed


def _overlapping(first: Line, second: Line) -> MediaError:
    speaker = f" of {first.speaker}" if first.speaker else ""
    what = f"begins at {second.start:g} s, before the line{speaker} ends that it follows"
    hint = "put it right, or keep both with --set subtitles.overlap=keep"
    return MediaError(f"{what}, at {first.end:g} s", where=second.place, hint=hint)


def _readers() -> Iterator[Reader]:
    readers = plugins.load_all("transcripts")
    for name in sorted(readers, key=lambda name: (*ORDER, name).index(name)):
        yield cast(Reader, readers[name])
