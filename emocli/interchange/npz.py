"""The ragged npz: features of many clips, end to end, in one NumPy archive.

``ids`` (N) text, ``offsets`` (N + 1) whole numbers, ``values`` (sum of T, D) numbers: clip k is
``values[offsets[k]:offsets[k + 1]]``. Optional: ``times`` (sum of T) seconds from the clip's start,
NaN where they are unknown; ``names`` (D) of the columns. Nothing in it is ever unpickled.
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.durable import write_bytes
from emocli.data.npz import read_arrays
from emocli.errors import StoreError

REQUIRED = ("ids", "offsets", "values")
OPTIONAL = ("times", "names")


@dataclass(frozen=True)
class Ragged:
    """The features of many clips, end to end.

    Attributes
    ----------
    ids : tuple of str
        The clips, each once.
    offsets : ndarray of int64, shape (N + 1,)
        Where each clip's rows begin, and where the last one's end.
    values : ndarray of float32, shape (offsets[-1], D)
        May hold NaN and infinite numbers.
    times : ndarray of float64, shape (offsets[-1],), optional
        Seconds from the start of the clip; NaN where they are unknown.
    names : tuple of str
        Names of the columns; empty where they have none.
    """

    ids: tuple[str, ...]
    offsets: NDArray[np.int64]
    values: NDArray[np.float32]
    times: NDArray[np.float64] | None = None
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_offsets(self.offsets, len(self.ids), len(self.values))
        clip_id, count = next(iter(Counter(self.ids).most_common(1)), ("", 0))
        if count > 1:
            raise ValueError(f"ids holds '{clip_id}' {count} times")
        if self.times is not None and self.times.shape != (len(self.values),):
            raise ValueError(f"times has shape {self.times.shape} for {len(self.values)} rows")
        if self.names and len(self.names) != self.values.shape[1]:
            raise ValueError(f"names has {len(self.names)} for {self.values.shape[1]} columns")

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, k: int) -> slice:
        """Return the rows of clip number ``k``."""
        return slice(int(self.offsets[k]), int(self.offsets[k + 1]))


def read_ragged(path: Path) -> Ragged:
    """Read a ragged npz.

    Raises
    ------
    StoreError
        If the file is absent, damaged, or breaks a rule of the layout; the message names the
        array.
    """
    try:
        arrays = read_arrays(path, REQUIRED, OPTIONAL)
        return Ragged(
            ids=_texts("ids", arrays["ids"]),
            offsets=_offsets(arrays["offsets"]),
            values=_values(arrays["values"]),
            times=_times(arrays["times"]) if "times" in arrays else None,
            names=_texts("names", arrays["names"]) if "names" in arrays else (),
        )
    except ValueError as error:
        raise StoreError(
            str(error), where=path, hint="emocli import --help names its arrays"
        ) from None


def write_ragged(path: Path, ragged: Ragged) -> None:
    """Write a ragged npz; it is whole or not there."""
    arrays: dict[str, NDArray[Any]] = {
        "ids": np.array(ragged.ids, dtype=np.str_),
        "offsets": ragged.offsets,
        "values": ragged.values,
    }
    if ragged.times is not None:
        arrays["times"] = ragged.times
    if ragged.names:
        arrays["names"] = np.array(ragged.names, dtype=np.str_)
    archive = io.BytesIO()
    np.savez(archive, allow_pickle=False, **arrays)
    write_bytes(path, archive.getbuffer())


def _texts(name: str, array: NDArray[Any]) -> tuple[str, ...]:
    if array.ndim != 1 or array.dtype.kind != "U":
        raise ValueError(f"{name} must be a list of texts, not {_kind(array)}")
    texts = tuple(array.tolist())
    try:
        "".join(texts).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(f"{name} holds what is no Unicode text") from None
    return texts


def _offsets(array: NDArray[Any]) -> NDArray[np.int64]:
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(f"offsets must be a list of whole numbers, not {_kind(array)}")
    return array.astype(np.int64)


def _values(array: NDArray[Any]) -> NDArray[np.float32]:
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        raise ValueError(f"values must be a table of numbers, not {_kind(array)}")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is counted
        return array.astype(np.float32, copy=False)


def _times(array: NDArray[Any]) -> NDArray[np.float64]:
    if array.dtype.kind not in "fiu":
        raise ValueError(f"times must be numbers, not {_kind(array)}")
    if np.isinf(array).any():
        raise ValueError("times holds infinite numbers")
    return array.astype(np.float64)


def _kind(array: NDArray[Any]) -> str:
    return f"{array.dtype} of shape {array.shape}"


def _check_offsets(offsets: NDArray[np.int64], clips: int, rows: int) -> None:
    if len(offsets) != clips + 1:
        raise ValueError(f"offsets has {len(offsets)} entries for {clips} ids; it needs one more")
    if offsets[0] != 0 or offsets[-1] != rows:
        raise ValueError(f"offsets goes from {offsets[0]} to {offsets[-1]}, not from 0 to {rows}")
    falls = np.flatnonzero(np.diff(offsets) < 0)
    if len(falls):
        raise ValueError(f"offsets falls after entry {falls[0]}")
