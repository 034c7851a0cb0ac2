"""WebVTT subtitles (.vtt), whose voice tags (<v NAME>) name the speakers.

Source: W3C 2019, WebVTT: The Web Video Text Tracks Format.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from emocli.errors import MediaError
from emocli.plugin.transcript import Line, Transcript, by_start
from emocli.prediction.segmentation.transcripts.srt import ARROW, times

SUFFIXES = (".vtt",)
BESIDE = (".vtt",)
HAS_TIERS = False

VOICE = re.compile(r"<v(?:\.[^\s>]{0,200})?\s+([^>]{1,200})>")
TAG = re.compile(r"<[^<>]{0,200}>")


def read(text: str, path: Path, tiers: Sequence[str] = ()) -> Transcript:
    """Read subtitles; one of several voices becomes a line of each."""
    rows = text.splitlines()
    if not rows or not rows[0].startswith("WEBVTT"):
        raise MediaError("does not begin with WEBVTT", where=f"{path}, row 1")
    lines = [line for block in _blocks(rows) for line in _lines(block, path)]
    return Transcript(by_start(lines))


def _blocks(rows: Sequence[str]) -> Iterator[list[tuple[int, str]]]:
    """Cut the rows at blank ones; each row with its number."""
    block: list[tuple[int, str]] = []
    for number, row in enumerate([*rows, ""], 1):
        if row.strip():
            block.append((number, row))
        elif block:
            yield block
            block = []


def _lines(block: Sequence[tuple[int, str]], path: Path) -> Iterator[Line]:
    """Read the lines of a block; notes, styles and regions have no times, and are none."""
    timing = next((k for k, (_, row) in enumerate(block[:2]) if ARROW in row), None)
    if timing is None:
        return
    number, row = block[timing]
    place = f"{path}, row {number}"
    start, end = times(row, place)
    for speaker, text in _voices("\n".join(row for _, row in block[timing + 1 :])):
        yield Line(start, end, text, speaker, place=place)


def _voices(text: str) -> Iterator[tuple[str, str]]:
    first, *others = VOICE.split(text)
    spoken = {"": first}
    for speaker, part in zip(others[::2], others[1::2], strict=True):
        name = " ".join(html.unescape(speaker).split())
        spoken[name] = f"{spoken.get(name, '')} {part}"
    texts = {name: _text(part) for name, part in spoken.items()}
    filled = {name: part for name, part in texts.items() if part}
    yield from (filled or {"": ""}).items()


def _text(text: str) -> str:
    return " ".join(html.unescape(TAG.sub("", text)).split())
