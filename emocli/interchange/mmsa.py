"""MMSA pickles: the padded arrays that many papers on CMU-MOSI, CMU-MOSEI and CH-SIMS share.

A dict of splits, ``train``, ``valid`` (or ``dev`` and the like), ``test``, each a dict of ``text``,
``audio``, ``vision`` (N, T, D) or (N, D), ``id`` (N), ``raw_text``, ``regression_labels``, ... and,
where sequences are padded, ``audio_lengths``, ``vision_lengths`` (and ``text_bert``, whose second
row marks words).

Unpickling can run any code. Here nothing of the file is ever called
(:mod:`emocli.interchange.pickles`).

Source: Mao et al. 2022, M-SENA (the layout, not the code).
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.align import Timed
from emocli.data.clip import SPLIT_NAMES, SPLITS, Split, split_named
from emocli.data.durable import replacing
from emocli.data.encoding import word_of
from emocli.errors import StoreError
from emocli.interchange.pickles import load

SUFFIXES = frozenset({".pkl", ".pickle"})

ARRAYS = {"text": "text", "audio": "audio", "visual": "vision"}
"""Modality to the array that holds it."""

PickleColumn = NDArray[Any] | list[Any]
Arrays = Mapping[str, PickleColumn]
"""Whatever a split holds: by name, an array or a list with a row per clip."""

PADDING = "_lengths"
BERT = "text_bert"
CLIP = re.compile(r"(.+?)\$_\$\[?(\w+)\]?")
"""``video$_$3``, as MMSA names what is ``video[3]`` elsewhere."""


@dataclass(frozen=True)
class PickleSplit:
    """One split of a pickle: its clips, each once, and all that has a row per clip.

    Ids are ``video[3]`` for what MMSA writes ``video$_$3``; ``times`` are start and end in the
    video, in seconds, of clips whose ids say them.
    """

    ids: tuple[str, ...]
    arrays: Arrays
    times: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Mmsa:
    """An MMSA pickle: its splits, each with its clips."""

    path: Path
    parts: Mapping[Split, PickleSplit]

    @property
    def modalities(self) -> tuple[str, ...]:
        """Modalities it has an array of."""
        return tuple(m for m, name in ARRAYS.items() if self._has(name))

    @cached_property
    def places(self) -> Mapping[str, tuple[Split, int]]:
        """Clip to its split and row."""
        return {
            clip_id: (split, row)
            for split, part in self.parts.items()
            for row, clip_id in enumerate(part.ids)
        }

    def rows(self, clip_id: str, name: str) -> Timed:
        """Return one clip's rows of an array, without padding.

        Where the file has no lengths, padding is what is all zero at either end, in all sequences
        of that length.

        Raises
        ------
        StoreError
            If the array is absent, or not one of sequences or vectors.
        """
        split, row = self.places[clip_id]
        arrays = self.parts[split].arrays
        array = arrays.get(name)
        where = f"{self.path}, split '{split}'"
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
            inside = ", ".join(sorted(k for k, v in arrays.items() if isinstance(v, np.ndarray)))
            hint = f"there are: {inside or 'none'}"
            raise StoreError(f"has no array of numbers '{name}'", where=where, hint=hint)
        if array.ndim not in (2, 3):
            raise StoreError(f"'{name}' has shape {array.shape}, not (N, T, D)", where=where)
        with np.errstate(over="ignore"):
            values = np.atleast_2d(array[row]).astype(np.float32)
        return Timed(values[_inside(values, arrays, name, row)] if array.ndim == 3 else values)

    def _has(self, name: str) -> bool:
        return all(name in part.arrays for part in self.parts.values())


def read_mmsa(path: Path) -> Mmsa:
    """Read an MMSA pickle, without executing anything of it.

    Raises
    ------
    StoreError
        If the file is absent or damaged, holds anything but arrays, numbers, texts, lists, tuples
        and dicts, or is not of that layout.
    """
    content = load(path)
    names = _splits(content, path)
    parts = {split: _part(content[names[split]], path, names[split]) for split in names}
    mmsa = Mmsa(path, parts)
    if len(mmsa.places) != sum(len(part.ids) for part in parts.values()):
        raise StoreError("has the same clip in two splits", where=path)
    return mmsa


def write_mmsa(path: Path, splits: Mapping[Split, Arrays]) -> None:
    """Write an MMSA pickle: plain dicts of arrays and lists; it is whole or not there.

    Raises
    ------
    StoreError
        If the disk is full or the folder cannot be written.
    """
    with replacing(path) as descriptor, open(descriptor, "wb", closefd=False) as file:
        pickle.dump({split: dict(arrays) for split, arrays in splits.items()}, file, protocol=4)


def mmsa_id(clip_id: str) -> str:
    """Name a clip as MMSA does: ``video$_$3`` for ``video[3]``."""
    match = re.fullmatch(r"(.+)\[(\w+)\]", clip_id)
    return f"{match[1]}$_${match[2]}" if match else clip_id


# -- the layout


def _splits(content: Any, path: Path) -> dict[Split, str]:
    """Return what each split is called in the file."""
    names: dict[Split, str] = {}
    known = f"a dict of the splits {', '.join(SPLITS)} is expected (also {', '.join(SPLIT_NAMES)})"
    for name, inside in content.items() if isinstance(content, dict) else ():
        split = split_named(name) if isinstance(name, str) else None
        if split is not None and split in names:
            what = f"has the split '{split}' twice, as '{names[split]}' and as '{name}'"
            raise StoreError(what, where=path, hint="leave one of them out")
        if split is not None:
            names[split] = name
        elif isinstance(inside, dict) and "id" in inside:
            raise StoreError(f"there is no split '{name}'", where=path, hint=known)
    if not names:
        raise StoreError("is no MMSA pickle", where=path, hint=known)
    return {split: names[split] for split in SPLITS if split in names}


def _part(content: Any, path: Path, split: str) -> PickleSplit:
    where = f"{path}, split '{split}'"
    if not isinstance(content, dict) or "id" not in content:
        raise StoreError("has no 'id'", where=where, hint="an MMSA pickle names its clips")
    try:
        ids = tuple(_ids(content["id"]))
    except (ValueError, TypeError) as error:
        raise StoreError(f"'id' is no list of clips ({error})", where=where) from None
    if len(set(ids)) != len(ids):
        raise StoreError("has the same clip twice", where=where)
    arrays = {key: value for key, value in content.items() if isinstance(value, np.ndarray | list)}
    for key, value in arrays.items():
        if (isinstance(value, list) or value.ndim) and len(value) != len(ids):
            raise StoreError(f"'{key}' has {len(value)} rows for {len(ids)} ids", where=where)
        if key.endswith(PADDING) and not _are_lengths(value):
            raise StoreError(f"'{key}' does not hold a number of steps per clip", where=where)
    return PickleSplit(ids, arrays, _times(ids, content["id"]))


def _times(ids: Sequence[str], column: Any) -> dict[str, tuple[float, float]]:
    """Return the times of clips whose ids are rows of (video, start, end), if all have some."""
    times: dict[str, tuple[float, float]] = {}
    for clip_id, cell in zip(ids, _cells(column), strict=True):
        try:
            start, end = map(float, map(text_of_cell, cell[1:3])) if _is_row(cell) else (-1.0, -1.0)
        except ValueError:
            return {}
        if not 0 <= start <= end < np.inf:
            return {}
        times[clip_id] = start, end
    return times


def _is_row(cell: Any) -> bool:
    return isinstance(cell, list | tuple) and len(cell) >= 3


def _cells(column: Any) -> Any:
    return column.tolist() if isinstance(column, np.ndarray) else column


def _are_lengths(column: Any) -> bool:
    if isinstance(column, list) and not all(type(n) in (int, float) for n in column):
        return False
    lengths = np.asarray(column)
    if lengths.ndim != 1 or lengths.dtype.kind not in "iuf":
        return False
    return bool((np.isfinite(lengths) & (lengths >= 0)).all())


def _ids(column: Any) -> Iterator[str]:
    """Name the clips; rows of (video, start, end) are named by their start."""
    for cell in _cells(column):
        if isinstance(cell, list | tuple):
            video, start, *_ = map(text_of_cell, cell)
            yield f"{video}[{start}]" if start else video
            continue
        text = text_of_cell(cell)
        match = CLIP.fullmatch(text)
        yield f"{match[1]}[{match[2]}]" if match else text


def text_of_cell(cell: Any) -> str:
    """Return a text of a pickle; what Python 2 wrote as bytes was read as Latin-1 until here."""
    try:
        raw = cell if isinstance(cell, bytes) else str(cell).encode("latin-1")
        text = word_of(raw)[0] if isinstance(cell, bytes) else raw.decode()
    except (UnicodeEncodeError, UnicodeDecodeError):
        text = str(cell)
    return text.strip()


def _inside(values: NDArray[np.float32], arrays: Arrays, name: str, row: int) -> slice:
    """Return which rows are no padding; equally long sequences are aligned, so they share it."""
    lengths, bert = arrays.get(f"{name}{PADDING}"), arrays.get(BERT)
    if lengths is not None:
        return slice(0, int(lengths[row]))
    known = isinstance(bert, np.ndarray) and bert.dtype.kind in "biuf"
    marks = np.asarray(bert if known else ())  # (N, 3, T), whose second row marks words
    if marks.shape[1:] == (3, len(values)):
        return slice(0, int((marks[row, 1] > 0).sum()))
    shown = values.any(axis=1)
    for other in map(arrays.get, ARRAYS.values()):
        if isinstance(other, np.ndarray) and other.ndim == 3 and other.shape[1] == len(values):
            shown |= other[row].any(axis=1)
    filled = np.flatnonzero(shown)
    return slice(int(filled[0]), int(filled[-1]) + 1) if len(filled) else slice(0, 0)
