"""Reading the word vectors a corpus needs out of a file of any size, line by line."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emocli.data.npz import read_arrays
from emocli.errors import ConfigError, StoreError

LONGEST_LINE = 1 << 18
"""Bytes; a longer line means that the file is no table of vectors."""

COUNTS = re.compile(rb"\d+ \d+")
"""First line of a word2vec or fastText file: how many words, how many numbers each."""


@dataclass(frozen=True)
class Vectors:
    """Word vectors.

    Attributes
    ----------
    rows : dict
        Word to its row.
    values : ndarray of float32, shape (words, D)
        The vectors.
    mean : ndarray of float32, shape (D,)
        Mean of all vectors of the file if that was asked for, else zeros.
    """

    rows: dict[str, int]
    values: NDArray[np.float32]
    mean: NDArray[np.float32]


def read_vectors(path: Path, wanted: set[str], *, mean: bool = False) -> Vectors:
    """Read the vectors of some words.

    A text file (``word v1 ... vD`` on each line, as GloVe, fastText and word2vec write it; a first
    line of two counts is skipped; ``.gz`` is unpacked on the way) is streamed: memory holds the
    wanted vectors and one line. Words with blanks in them, of which GloVe's 840B file has some,
    are no token and are skipped; of a word that comes twice the first vector counts. An ``.npz``
    file (``words``, ``vectors``) is read as a whole.

    Parameters
    ----------
    path : Path
        The file.
    wanted : set of str
        The words.
    mean : bool
        Whether to compute the mean of the whole file, for which every line has to be parsed.

    Raises
    ------
    ConfigError
        If there is no such file.
    StoreError
        If it is empty, of another form or damaged, or holds none of the wanted words.
    """
    if not path.is_file():
        raise ConfigError("there is no such file", where=path, mend="set glove.vectors=FILE")
    read = _read_npz if path.suffix == ".npz" else _read_text
    vectors = read(path, wanted, mean)
    if wanted and not vectors.rows:
        what = f"holds none of the {len(wanted)} words of the corpus"
        mend = "are these vectors of its language, and is glove.case right?"
        raise StoreError(what, where=path, mend=mend)
    return vectors


def _read_text(path: Path, wanted: set[str], mean: bool) -> Vectors:
    keys = {word.encode() for word in wanted}
    found: dict[bytes, NDArray[np.float32]] = {}
    total, count, dim = np.zeros(1), 0, 0
    for number, line in _lines(path):
        blanks = line.count(b" ")
        dim = dim or blanks
        if blanks < dim or not dim:
            raise StoreError(
                f"{blanks} numbers after the word, {dim or 'some'} expected",
                where=f"{path}, line {number}",
                mend="lines of the form 'word number ... number', in plain text, can be read",
            )
        word = line[: line.index(b" ")]
        new = word in keys and blanks == dim and word not in found
        if new or mean:
            row = _numbers(line.rsplit(b" ", dim)[1:], f"{path}, line {number}")
            total, count = total + row, count + 1
            if new:
                found[word] = row
    if not dim:
        raise StoreError("is empty", where=path)
    values = np.array(list(found.values()), np.float32).reshape(len(found), dim)
    average = total / max(count, 1) if mean else np.zeros(dim)
    rows = {word.decode(): row for row, word in enumerate(found)}
    return Vectors(rows, values, average.astype(np.float32))


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Iterate over (number, line) without line ends, blank lines and a first line of two counts."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(iter(partial(file.readline, LONGEST_LINE), b""), 1):
                if len(line) == LONGEST_LINE:
                    raise StoreError("is no text file of word vectors", where=path)
                line = line.rstrip()
                counts = number == 1 and COUNTS.fullmatch(line)
                if line and not counts:
                    yield number, line
    except (OSError, EOFError, zlib.error) as fault:
        raise StoreError(f"cannot be read ({fault})", where=path) from None


def _numbers(fields: list[bytes], where: str) -> NDArray[np.float32]:
    try:
        row = np.array(fields).astype(np.float32)
    except ValueError as fault:
        raise StoreError(str(fault), where=where) from None
    if not np.isfinite(row).all():
        raise StoreError("a number is not finite", where=where)
    return row


def _read_npz(path: Path, wanted: set[str], mean: bool) -> Vectors:
    try:
        arrays = read_arrays(path, ("words", "vectors"))
        words, values = arrays["words"].astype(str), arrays["vectors"]
    except (ValueError, TypeError, MemoryError, StoreError) as fault:
        told = fault.what if isinstance(fault, StoreError) else fault
        raise StoreError(
            f"cannot be read ({told})",
            where=path,
            mend="an npz with 'words' (N,) and 'vectors' (N, D) is expected",
        ) from None
    if values.dtype.kind not in "fiu":
        raise StoreError(f"its vectors are {values.dtype}, not numbers", where=path)
    if words.ndim != 1 or values.ndim != 2 or len(words) != len(values) or not values.size:
        shapes = f"words {words.shape} and vectors {values.shape}"
        raise StoreError(f"has {shapes}", where=path, mend="(N,) and (N, D) are expected")
    first = {word: row for row, word in reversed(list(enumerate(words.tolist()))) if word in wanted}
    chosen = values[list(first.values())].astype(np.float32)
    if not np.isfinite(chosen).all():
        raise StoreError("a number is not finite", where=path)
    average = values.mean(axis=0, dtype=np.float64) if mean else np.zeros(values.shape[1])
    rows = {word: row for row, word in enumerate(first)}
    return Vectors(rows, chosen, average.astype(np.float32))
