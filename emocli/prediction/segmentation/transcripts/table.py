"""Tables of lines or words (.csv): start, end, text or word, and where it has it, speaker.

Times are seconds or ``h:mm:ss.fff``. Beside a recording only ``<name>.words.csv`` and
``<name>.subtitles.csv`` are taken: ``<name>.csv`` may be its manifest.

Source: the layout of emocli's own media.words files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from emocli.data.table import read_table
from emocli.data.words import Word
from emocli.display import csv_text
from emocli.errors import MediaError
from emocli.plugin.transcript import Line, Transcript, by_start, joined
from emocli.prediction.segmentation.timecodes import seconds

SUFFIXES = (".csv", ".tsv")
BESIDE = (".words.csv", ".subtitles.csv")
HAS_TIERS = False

COLUMNS = ("start", "end", "text", "word", "speaker")


def read(text: str, path: Path, tiers: Sequence[str] = ()) -> Transcript:
    """Read a table; words are joined to lines, which end at a pause or with the speaker."""
    table = read_table(path, MediaError).renamed(COLUMNS)  # it judges separators by the file
    text_columns = [name for name in ("text", "word") if name in table.header]
    if len(text_columns) != 1 or not {"start", "end"} <= set(table.header):
        what = f"has the columns {', '.join(table.header[:12])}"
        raise MediaError(what, where=path, hint="start, end and either text or word are needed")
    lines = [
        _line(row, text_columns[0], f"{path}, row {number}")
        for number, row in zip(table.lines, table.records(), strict=True)
    ]
    if text_columns == ["text"]:
        return Transcript(by_start(lines))
    speakers = dict.fromkeys(line.speaker for line in lines)
    return Transcript(by_start(each for name in speakers for each in _lines_of(lines, name)))


def _line(row: Mapping[str, str], column: str, place: str) -> Line:
    try:
        start, end = seconds(row["start"]), seconds(row["end"])
    except ValueError as fault:
        raise MediaError(str(fault), where=place) from None
    text = " ".join(csv_text(row[column]).split())
    if column == "word" and not text:
        raise MediaError("has no word", where=place)
    if end < start:
        raise MediaError(f"ends at {end:g} s, before its start, {start:g} s", where=place)
    return Line(start, end, text, csv_text(row.get("speaker", "")).strip(), place=place)


def _lines_of(words: Sequence[Line], speaker: str) -> list[Line]:
    own = [Word(line.text, line.start, line.end) for line in words if line.speaker == speaker]
    place = next(line.place for line in words if line.speaker == speaker)
    return joined(own, speaker, place)
