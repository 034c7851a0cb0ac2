"""Turns of speakers: who speaks when, from RTTM files of speaker diarization."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from emocli.data.encoding import read_text
from emocli.errors import MediaError
from emocli.plugin.segmentation import Turn
from emocli.plugin.transcript import Line, Transcript

MOST = 64 * 2**20
"""Bytes of a file."""

FIELDS = 8
"""Of a row: SPEAKER, file, channel, start, duration, two that are empty, and the name."""

LEAST = 0.25
"""Seconds of a speaker's part in a stretch of speech from which it is a stretch of its own."""

SHOWN = 6


def read_rttm(path: Path) -> dict[str, tuple[Turn, ...]]:
    """Read the turns of each file that an RTTM file names (NIST RT-09 evaluation plan, appendix A).

    Raises
    ------
    MediaError
        If it is absent, too large or no RTTM.
    """
    text = read_text(path, MediaError, MOST)
    turns: dict[str, list[Turn]] = {}
    for number, row in enumerate(text.splitlines(), 1):
        if row.strip() and not row.startswith(";;") and row.split()[0] == "SPEAKER":
            name, turn = _turn(row.split(), f"{path}, row {number}")
            turns.setdefault(name, []).append(turn)
    if not turns:
        hint = "rows look like: SPEAKER interview 1 6.69 0.43 <NA> <NA> anna <NA> <NA>"
        raise MediaError("holds no turn of a speaker", where=path, hint=hint)
    return {name: tuple(sorted(own, key=_order)) for name, own in turns.items()}


def turns_of(
    recording: Path, turns: dict[str, tuple[Turn, ...]], path: Path, *, only_recording: bool
) -> tuple[Turn, ...]:
    """Return the turns of a recording, by its name without suffix.

    The only file of an RTTM is taken for the only recording, whatever it is called.

    Raises
    ------
    MediaError
        If there are none.
    """
    if recording.stem in turns:
        return turns[recording.stem]
    if only_recording and len(turns) == 1:
        return next(iter(turns.values()))
    names = ", ".join(list(turns)[:SHOWN]) + (", ..." if len(turns) > SHOWN else "")
    raise MediaError(f"has no turns of '{recording.stem}'", where=path, hint=f"it has: {names}")


def fitted(turns: Sequence[Turn], seconds: float, path: Path) -> tuple[Turn, ...]:
    """Require that turns are inside their recording; the last may be rounded by a second."""
    for turn in turns:
        if turn.start >= seconds or turn.end > seconds + 1:
            what = f"{turn.speaker} speaks from {turn.start:g} s to {turn.end:g} s"
            hint = "are these the speakers of another recording?"
            raise MediaError(f"{what}, but it lasts {seconds:.3f} s", where=path, hint=hint)
    return tuple(replace(turn, end=min(turn.end, seconds)) for turn in turns)


def speaker_in(start: float, end: float, turns: Iterable[Turn]) -> str:
    """Return who speaks longest between two times; of equals the first; empty if nobody does."""
    seconds: dict[str, float] = {}
    for turn in turns:
        shared = min(end, turn.end) - max(start, turn.start)
        if shared > 0:
            seconds[turn.speaker] = seconds.get(turn.speaker, 0.0) + shared
    return max(seconds, key=lambda name: seconds[name], default="")


def labelled(transcript: Transcript, turns: Sequence[Turn]) -> Transcript:
    """Give every line without speaker the one who speaks longest in it."""
    lines = tuple(
        line if line.speaker else replace(line, speaker=speaker_in(line.start, line.end, turns))
        for line in transcript.lines
    )
    return replace(transcript, lines=lines)


def split(line: Line, turns: Sequence[Turn]) -> list[Line]:
    """Split a stretch of speech by the turns in it; who speaks at once has a part each.

    What is shorter than `LEAST` is no part, and a stretch without any stays whole.
    """
    parts = [
        Line(max(line.start, turn.start), min(line.end, turn.end), speaker=turn.speaker)
        for turn in turns
        if min(line.end, turn.end) - max(line.start, turn.start) >= LEAST
    ]
    return parts or [line]


def _turn(cells: Sequence[str], place: str) -> tuple[str, Turn]:
    if len(cells) < FIELDS:
        what = f"has {len(cells)} fields, where a row of RTTM has at least {FIELDS}"
        raise MediaError(what, where=place)
    try:
        start, length = float(cells[3]), float(cells[4])
    except ValueError:
        raise MediaError(f"'{cells[3]} {cells[4]}' are no times", where=place) from None
    if not (start >= 0 and length >= 0 and start + length < math.inf):
        what = f"{start:g} s and {length:g} s on is no stretch of time"
        raise MediaError(what, where=place)
    return cells[1], Turn(start, start + length, cells[7])


def _order(turn: Turn) -> tuple[float, float]:
    return turn.start, turn.end
