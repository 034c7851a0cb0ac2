"""Computational sequences (.csd), the files of the CMU Multimodal SDK.

HDF5 with one group, named after the sequence: ``data/<entry>/features`` (n, D) numbers or texts,
``data/<entry>/intervals`` (n, 2) seconds in the video, and ``metadata/<key>``, JSON in a text. An
entry is a video, or one segment of it, ``video[3]``.

Source: Zadeh et al. 2018, CMU Multimodal SDK; the layout, not the code.
"""

from __future__ import annotations

import json
import math
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from emocli.data.align import Timed, by_start
from emocli.data.durable import replacing
from emocli.data.encoding import word_of
from emocli.data.hdf5 import Hdf5
from emocli.data.words import Word
from emocli.errors import StoreError
from emocli.parsing import Plain, Tree, parse_json

TEXT = "SO"
"""Kinds of arrays that hold texts: of fixed length, or each of its own."""

PAUSE = "sp"
"""What stands for silence among words."""

UNKNOWN = (
    "computational sequence version", "alignment compatible", "dataset version", "creator",
    "contact", "featureset bib citation", "dataset bib citation", "md5",
)  # fmt: skip
"""Metadata the SDK asks for, of which a store knows nothing."""


class Csd:
    """A computational sequence; a context manager. Entries are read one by one.

    ``entries`` are videos or segments; ``metadata`` are as written, and what is not JSON kept as
    text. A `StoreError` says if the file is absent, damaged, or not of that layout.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._file = path, Hdf5(path)
        try:
            self.name = _only_group(self._file)
            self.entries = self._file.names(self.name, "data")
            self.metadata = _metadata(self._file, self.name)
        except StoreError as error:
            self._file.close()
            place = error.where.removeprefix(f"{path}, ")
            what = f"is no computational sequence ({place} {error.what})"
            raise StoreError(what, where=path) from None

    def __enter__(self) -> Csd:
        return self

    def __exit__(self, *raised: object) -> None:
        self._file.close()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns; empty where the metadata have none."""
        names = self.metadata.get("dimension names")
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return tuple(name.encode("utf-8", "replace").decode("utf-8") for name in names)
        return ()

    @property
    def is_words(self) -> bool:
        """Whether the entries hold texts."""
        return bool(self.entries) and _holds_texts(self._dataset(self.entries[0], "features"))

    def rows(self, entry: str) -> Timed:
        """Return the numbers of an entry, by start; what starts before 0 starts at 0.

        Raises
        ------
        StoreError
            If they are texts, or break a rule of the layout.
        """
        features, intervals = self._numbers(entry, "align other files to it with --align-to")
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
            values = features.astype(np.float32)
        return by_start(values, intervals)

    def words(self, entry: str) -> list[Word]:
        """Return the texts of an entry by start, without the pauses.

        Raises
        ------
        StoreError
            If they are numbers, or break a rule of the layout.
        """
        features, intervals = self._pair(entry)
        if features.dtype.kind not in TEXT or features.size != len(features):
            raise StoreError("does not hold a word per row", where=self._where(entry))
        texts = [_text(cell) for cell in features.reshape(-1)]
        words = [
            Word(text, float(start), float(end))
            for text, (start, end) in zip(texts, intervals, strict=True)
            if text not in ("", PAUSE)
        ]
        return sorted(words, key=lambda word: word.start)

    def spans(self, entry: str) -> NDArray[np.float64]:
        """Return the intervals of an entry, shape (n, 2), by start; of words, without pauses."""
        if self.is_words:
            spans = [(word.start, word.end) for word in self.words(entry)]
            return np.array(spans, np.float64).reshape(-1, 2)
        _, intervals = self._pair(entry)
        return intervals[np.argsort(intervals[:, 0], kind="stable")]

    def table(self, entry: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return numbers (n, D) and intervals (n, 2) of an entry in the order of the file.

        Raises
        ------
        StoreError
            If they are texts, or break a rule of the layout.
        """
        features, intervals = self._numbers(entry)
        return features.astype(np.float64), intervals

    def _numbers(self, entry: str, hint: str = "") -> tuple[NDArray[Any], NDArray[np.float64]]:
        features, intervals = self._pair(entry)
        if features.dtype.kind in TEXT:
            raise StoreError("holds words, not numbers", where=self._where(entry), hint=hint)
        return features.reshape(len(features), math.prod(features.shape[1:])), intervals

    def _pair(self, entry: str) -> tuple[NDArray[Any], NDArray[np.float64]]:
        features, intervals = self._array(entry, "features"), self._array(entry, "intervals")
        if intervals.shape != (len(features), 2) or intervals.dtype.kind not in "fiu":
            what = f"has intervals of shape {intervals.shape} for {len(features)} rows"
            raise StoreError(what, where=self._where(entry))
        if not np.isfinite(intervals).all():
            raise StoreError("has an interval without end", where=self._where(entry))
        return features, np.maximum(intervals.astype(np.float64), 0)

    def _array(self, entry: str, name: str) -> NDArray[Any]:
        dataset = self._dataset(entry, name)
        if dataset.ndim == 0:
            raise StoreError(f"{name} is not a table", where=self._where(entry))
        with self._errors_named(entry, name):
            place = (self.name, "data", entry, name)
            return (self._file.texts if _holds_texts(dataset) else self._file.numbers)(*place)

    def _dataset(self, entry: str, name: str) -> h5py.Dataset:
        with self._errors_named(entry, name):
            return self._file.dataset(self.name, "data", entry, name)

    @contextmanager
    def _errors_named(self, entry: str, name: str) -> Iterator[None]:
        try:
            yield
        except StoreError as error:
            raise StoreError(f"{name} {error.what}", where=self._where(entry)) from None

    def _where(self, entry: str) -> str:
        return f"{self.path}, entry '{entry}'"


def write_csd(
    path: Path,
    name: str,
    entries: Iterable[tuple[str, Timed]],
    names: Sequence[str] = (),
    metadata: Mapping[str, Plain] | None = None,
) -> None:
    """Write a computational sequence, whole or not at all.

    ``entries`` have intervals, ``names`` are those of the columns; ``metadata`` that the SDK asks
    for and that are not passed are written as unknown. A `StoreError` says if the disk is full, the
    folder cannot be written, or an entry cannot be called so.
    """
    metadata = {
        **dict.fromkeys(UNKNOWN, ""),
        "root name": name,
        "computational sequence description": f"{name}, exported by emocli",
        "dataset name": "",
        "dimension names": list(names),
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, json.dumps([name, *names]))),
        **(metadata or {}),
    }
    with (
        replacing(path) as descriptor,
        os.fdopen(os.dup(descriptor), "r+b") as raw,
        h5py.File(raw, "w") as file,
    ):
        group = file.create_group(name)
        data = group.create_group("data")
        for entry, rows in entries:
            if entry in ("", ".") or "/" in entry:
                what = f"cannot hold an entry called '{entry}', which is a path in HDF5"
                raise StoreError(what, where=path, hint="write a .npz")
            place = data.create_group(entry)
            place["features"], place["intervals"] = rows.values, rows.intervals
        for key, value in metadata.items():
            group[f"metadata/{key}"] = np.array([json.dumps(value)], h5py.string_dtype())


def _only_group(file: Hdf5) -> str:
    names = file.names()
    if len(names) != 1:
        raise StoreError(f"holds {len(names)} groups, not one", where=file.path)
    return names[0]


def _metadata(file: Hdf5, name: str) -> Tree:
    if not file.has(name, "metadata"):
        return {}
    keys = file.names(name, "metadata")
    return {key: _json(_first(file, (name, "metadata", key))) for key in keys}


def _first(file: Hdf5, place: tuple[str, ...]) -> Any:
    """Return the first cell of a dataset; an empty text where there is none."""
    texts = _holds_texts(file.dataset(*place))
    cells = (file.texts if texts else file.numbers)(*place).reshape(-1)
    return cells[0] if len(cells) else ""


def _holds_texts(dataset: h5py.Dataset) -> bool:
    return dataset.dtype.kind in TEXT


def _json(cell: Any) -> Plain:
    text = _text(cell)
    try:
        return parse_json(text)
    except ValueError:
        return text


def _text(cell: Any) -> str:
    return (word_of(cell)[0] if isinstance(cell, bytes) else str(cell)).strip()
