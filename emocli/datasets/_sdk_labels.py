"""Labelled segments of videos, from a file of the CMU Multimodal SDK, an MMSA pickle or a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from emocli.data.clip import SPLIT_NAMES, Split, split_named
from emocli.data.columns import PARSERS
from emocli.data.table import read_table
from emocli.errors import ManifestError
from emocli.interchange.csd import Csd
from emocli.interchange.mmsa import SUFFIXES, Mmsa, read_mmsa, text_of_cell
from emocli.plugin.dataset import HEADER, require_columns

SENTIMENT = "sentiment"
EMOTIONS = ("happy", "sad", "anger", "surprise", "disgust", "fear")
"""In the order of the SDK."""

COLUMNS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {1: (SENTIMENT,), 7: (SENTIMENT, *EMOTIONS)}
)
"""What the columns of a file of labels are, by their number."""

TABLE = "labels.csv"
TIMES = ("start", "end")
TABLE_COLUMNS = (
    "id", "video", "index", "split", *TIMES, "text", SENTIMENT, *EMOTIONS
)  # fmt: skip


@dataclass(frozen=True)
class LabelledSegment:
    """A labelled part of a video; ``numbered`` if its turn is a number of its own."""

    id: str
    video: str
    turn: int
    scores: Mapping[str, float]
    start: float | None = None
    end: float | None = None
    text: str = ""
    split: Split | None = None
    numbered: bool = True


def read_segments(path: Path, first: int) -> Iterator[LabelledSegment]:
    """Read a file of labels; ``first`` is the number of a video's first segment in a ``.csd``.

    Raises
    ------
    ManifestError
        If its labels are not 1 or 7 scores of segments.
    StoreError
        If it is damaged.
    """
    if path.suffix in SUFFIXES:
        yield from _of_pickle(read_mmsa(path))
    elif path.suffix == ".csv":
        yield from of_table(path)
    else:
        with Csd(path) as file:
            for video in sorted(file.entries):
                yield from _of_sequence(file, video, first)


def _of_sequence(file: Csd, video: str, first: int) -> Iterator[LabelledSegment]:
    scores, intervals = file.table(video)
    names = COLUMNS.get(scores.shape[1])
    if names is None:
        what = f"has {scores.shape[1]} labels per segment"
        hint = "1 (sentiment) or 7 (sentiment and six emotions) are expected"
        raise ManifestError(what, where=f"{file.path}, entry '{video}'", hint=hint)
    for turn, (row, (start, end)) in enumerate(zip(scores, intervals, strict=True), first):
        graded = dict(zip(names, map(_exact, row), strict=True))
        yield LabelledSegment(f"{video}[{turn}]", video, turn, graded, _exact(start), _exact(end))


def _exact(value: float) -> float:
    """Return the number as it was written, before it became 32 bits wide."""
    return float(str(np.float32(value)))


def _of_pickle(pickle: Mmsa) -> Iterator[LabelledSegment]:
    for split, part in pickle.parts.items():
        key = next((key for key in ("regression_labels", "labels") if key in part.arrays), None)
        scores = np.asarray(part.arrays[key] if key else [])
        scores = scores.reshape(len(part.ids), -1) if len(part.ids) else np.zeros((0, 1))
        names = COLUMNS.get(scores.shape[1])
        if key is None or names is None or scores.dtype.kind not in "fiu":
            what = "has no regression_labels of 1 or 7 columns"
            raise ManifestError(what, where=f"{pickle.path}, split '{split}'")
        texts = part.arrays.get("raw_text")
        for k, clip_id in enumerate(part.ids):
            video, turn, numbered = _video_and_number(clip_id, k)
            graded = dict(zip(names, map(_exact, scores[k]), strict=True))
            text = "" if texts is None else text_of_cell(texts[k])
            start, end = part.times.get(clip_id, (None, None))
            numbered = numbered and start is None  # or it was a start in the id
            yield LabelledSegment(clip_id, video, turn, graded, start, end, text, split, numbered)


def of_table(path: Path) -> Iterator[LabelledSegment]:
    """Read a ``labels.csv``: ids, scores and whatever else it tells of each segment.

    Raises
    ------
    ManifestError
        If it has no ids, or a cell that makes no sense.
    """
    table = read_table(path, ManifestError).renamed(TABLE_COLUMNS)
    table = require_columns(table, path, ["id"], HEADER)
    names = [name for name in (SENTIMENT, *EMOTIONS) if name in table.header]
    seen: dict[str, int] = {}
    for line, row in zip(table.lines, table.records(), strict=True):
        first = seen.setdefault(row["id"], line)
        if first != line:
            what = f"id '{row['id']}' is already that of row {first}"
            raise ManifestError(what, where=f"{path}, row {line}")
        try:
            video, turn, numbered = _video_and_number(row["id"], line)
            start, end = (_number(row, name) if row.get(name) else None for name in TIMES)
            yield LabelledSegment(
                row["id"],
                row.get("video") or video,
                turn if not row.get("index") else PARSERS["turn"](row["index"]),
                {name: _number(row, name) for name in names},
                start,
                end,
                row.get("text", ""),
                _split(row.get("split", "")),
                numbered or bool(row.get("index")),
            )
        except ValueError as fault:
            raise ManifestError(str(fault), where=f"{path}, row {line}") from None


def _number(row: Mapping[str, str], column: str) -> float:
    try:
        value: float = PARSERS["start"](row[column])
    except ValueError as fault:
        raise ValueError(f"column '{column}': {fault}") from None
    return value


def _split(name: str) -> Split | None:
    split = split_named(name)
    if name and split is None:
        raise ValueError(f"there is no split '{name}'; splits are: {', '.join(SPLIT_NAMES)}")
    return split


def _video_and_number(clip_id: str, otherwise: int) -> tuple[str, int, bool]:
    """Tell video and number of ``video[3]``, and whether there was one."""
    video, _, number = clip_id.removesuffix("]").rpartition("[")
    numbered = number.isdecimal()
    return video or clip_id, int(number) if numbered else otherwise, numbered
