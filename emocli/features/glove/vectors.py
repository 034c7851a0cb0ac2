"""Word vectors of a corpus, read line by line from a file of any size."""

from __future__ import annotations

import gzip
import io
import re
import unicodedata
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.durable import write_bytes
from emocli.data.encoding import MARK, WINDOWS, utf8_lines, warn_of_encoding, word_of
from emocli.data.npz import read_arrays
from emocli.errors import ConfigError, StoreError
from emocli.plugin.feature import UnknownWordsError

LONGEST_LINE = 1 << 18
"""Bytes; a longer line means that the file is no table of vectors."""

COUNTS = re.compile(rb"\s*\d+\s+(\d+)")
"""First line of a word2vec or fastText file: how many words, how many numbers each."""

MEAN = "mean"
"""The array of an .npz that says the mean of all vectors of the file it was taken from."""

BLANKS = re.compile(rb"[ \t]+")


@dataclass(frozen=True)
class Vectors:
    """Word vectors: a word's row of ``values``, shape (words, D).

    ``mean``, shape (D,), is that of all vectors of the file if it was asked for, else zeros.
    """

    rows: dict[str, int]
    values: NDArray[np.float32]
    mean: NDArray[np.float32]


def read_vectors(path: Path, wanted: set[str], *, mean: bool = False, words: int = 0) -> Vectors:
    """Read the vectors of some words.

    A text file (``word v1 ... vD`` on each line, between blanks or tabs, as GloVe, fastText and
    word2vec write it; a first line of two counts says D; ``.gz`` is unpacked on the way) is
    streamed: memory holds the wanted vectors and one line. Words are composed (Unicode's NFC), and
    what is no UTF-8 is read as `emocli.data.encoding` says. Words with blanks in them, of which
    GloVe's 840B file has some, are no token and are skipped; of a word that comes twice the first
    vector counts. An ``.npz`` file (``words``, ``vectors``; `write_vectors`) is read as a whole.

    Parameters
    ----------
    wanted : set of str
        The words, composed.
    mean : bool
        Whether to compute the mean of the whole file, for which every line has to be parsed.
    words : int
        How many words ``wanted`` holds the spellings of; by default each is one.

    Raises
    ------
    ConfigError
        If there is no such file.
    StoreError
        If it is empty, of another form or damaged.
    UnknownWordsError
        If it holds none of the wanted words.
    """
    if not path.is_file():
        raise ConfigError("there is no such file", where=path, hint="set glove.vectors=FILE")
    read = _read_npz if path.suffix == ".npz" else _read_text
    vectors = read(path, wanted, mean)
    if wanted and not vectors.rows:
        what = f"holds none of the {words or len(wanted)} words of the text"
        hint = "are these vectors of its language, and is glove.case right?"
        raise UnknownWordsError(what, where=path, hint=hint)
    return vectors


def _read_text(path: Path, wanted: set[str], mean: bool) -> Vectors:
    vectors: dict[str, NDArray[np.float32]] = {}
    total, count, dim = np.zeros(1), 0, 0
    for where, word, line, dim in _entries(path):
        new = word in wanted and word not in vectors
        if new or mean:
            row = _numbers(line, dim, where)
            total, count = total + row, count + 1
            if new:
                vectors[word] = row
    if not dim:
        raise StoreError("is empty", where=path)
    values = np.array(list(vectors.values()), np.float32).reshape(len(vectors), dim)
    average = total / max(count, 1) if mean else np.zeros(dim)
    rows = {word: row for row, word in enumerate(vectors)}
    return Vectors(rows, values, average.astype(np.float32))


def _entries(path: Path) -> Iterator[tuple[str, str, bytes, int]]:
    """Iterate over (place, word, line, D); one blank between numbers; a word with blanks is ''."""
    dim, strange, first = 0, 0, 0
    for number, line in _lines(path):
        if number == 1 and (counts := COUNTS.fullmatch(line)):
            dim = int(counts[1])
            continue
        width = line.count(b" ")
        if not dim or width != dim:
            line = BLANKS.sub(b" ", line)
            width = line.count(b" ")
            dim = dim or width
        where = f"{path}, line {number}"
        if width != dim or not dim:
            _check_width(line, dim, where)
            yield where, "", line, dim
            continue
        word, known = _word(line[: line.index(b" ")])
        strange, first = strange + (not known), first if known or first else number
        yield where, word, line, dim
    if strange:
        warn_of_encoding(
            path, f"{strange} words, first on line {first}, are not UTF-8, read as {WINDOWS}"
        )


def _word(raw: bytes) -> tuple[str, bool]:
    """Decode a word, composed, and say whether it was UTF-8."""
    if raw.isascii():
        return raw.decode(), True
    word, known = word_of(raw)
    return unicodedata.normalize("NFC", word.lstrip(MARK)), known


def _check_width(line: bytes, dim: int, where: str) -> None:
    """Refuse a line of another width, unless it is a word with blanks in it."""
    width = line.count(b" ")
    if not dim or width < dim or (width > dim and all(map(_is_number, line.split(b" ")[1:]))):
        raise StoreError(
            f"{width} numbers after the word, {dim or 'some'} expected",
            where=where,
            hint="lines of the form 'word number ... number', in plain text, can be read",
        )


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Iterate over (number, line) without line ends and blank lines."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(utf8_lines(file, LONGEST_LINE, path), 1):
                if len(line) >= LONGEST_LINE:
                    raise StoreError("is no text file of word vectors", where=path)
                if line := line.rstrip():
                    yield number, line
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as fault:
        raise StoreError(f"cannot be read ({fault})", where=path) from None


def _numbers(line: bytes, dim: int, where: str) -> NDArray[np.float32]:
    if b"  " in line:
        line = BLANKS.sub(b" ", line)
        _check_width(line, dim, where)
    fields = line.rsplit(b" ", dim)[1:]
    try:
        row = np.array(fields).astype(np.float32)
    except ValueError:
        wrong = next(field for field in fields if not _is_number(field))
        what = f"'{wrong.decode(errors='replace')}' is not a number"
        raise StoreError(what, where=where) from None
    if not np.isfinite(row).all():
        raise StoreError("a number is not finite", where=where)
    return row


def _is_number(field: bytes) -> bool:
    try:
        np.array([field]).astype(np.float32)
    except ValueError:
        return False
    return True


def _read_npz(path: Path, wanted: set[str], mean: bool) -> Vectors:
    try:
        arrays = read_arrays(path, ("words", "vectors"), (MEAN,))
        words, values = arrays["words"].astype(str), arrays["vectors"]
    except (ValueError, TypeError, MemoryError, StoreError) as fault:
        cause = fault.what if isinstance(fault, StoreError) else fault
        raise StoreError(
            f"cannot be read ({cause})",
            where=path,
            hint="an npz with 'words' (N,) and 'vectors' (N, D) is expected",
        ) from None
    if values.dtype.kind not in "fiu":
        raise StoreError(f"its vectors are {values.dtype}, not numbers", where=path)
    if words.ndim != 1 or values.ndim != 2 or len(words) != len(values) or not values.size:
        shapes = f"words {words.shape} and vectors {values.shape}"
        raise StoreError(f"has {shapes}", where=path, hint="(N,) and (N, D) are expected")
    composed = [unicodedata.normalize("NFC", word.lstrip(MARK)) for word in words.tolist()]
    first = {word: row for row, word in reversed(list(enumerate(composed))) if word in wanted}
    chosen = values[list(first.values())].astype(np.float32)
    if not np.isfinite(chosen).all():
        raise StoreError("a number is not finite", where=path)
    average = _mean(path, arrays) if mean else np.zeros(values.shape[1])
    rows = {word: row for row, word in enumerate(first)}
    return Vectors(rows, chosen, average.astype(np.float32))


def _mean(path: Path, arrays: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Return the mean that an .npz states, of more words than it holds, or that of its words."""
    values, stated = arrays["vectors"], arrays.get(MEAN)
    if stated is None:
        return np.asarray(values.mean(axis=0, dtype=np.float64))
    fits = stated.dtype.kind == "f" and stated.shape == values.shape[1:]
    if not fits or not np.isfinite(stated).all():
        raise StoreError(f"its '{MEAN}' is not a vector of {values.shape[1]} numbers", where=path)
    return stated


def write_vectors(path: Path, vectors: Vectors, *, mean: bool) -> None:
    """Write an .npz of some vectors of a file, and of the mean of all of it if that is known.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    arrays = {"words": np.array(list(vectors.rows), np.str_), "vectors": vectors.values}
    arrays |= {MEAN: vectors.mean} if mean else {}
    image = io.BytesIO()
    np.savez(image, allow_pickle=False, **arrays)
    write_bytes(path, image.getvalue())
