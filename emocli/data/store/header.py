"""The header of a store file: its attributes, the kinds of its arrays, and its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from emocli.data.track import Array
from emocli.errors import StoreError
from emocli.parsing import Tree, parse_object

FORMAT = 1
"""Version of the file format."""

AGAIN = "extract or import it again with --overwrite"
"""How a file that cannot be used is mended."""

JSON_ATTRIBUTES = ("settings", "upstream", "versions", "notes")
"""Attributes that hold JSON text."""

REQUIRED = (
    *("feature", "modality", "manifest", "recipe", "non_finite", "digest"),
    *JSON_ATTRIBUTES,
)
"""Attributes every store has."""

TEXTS = ("feature", "modality", "manifest", "recipe", "method", "digest")
"""Attributes that hold other text."""

TIMES = "times"
"""The array that says when each row is."""

EXTRA = "extra/"
"""Prefix of the arrays beside ``values`` and ``times``."""


@dataclass(frozen=True)
class Column:
    """One array of a store: the type of an element, the shape of a row, and where it lies.

    ``offset`` is the position of the first row in the file; None where HDF5 stores chunks.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int | None = None


@dataclass(frozen=True)
class Header:
    """The header of a store: the attributes of its file, which say how its values were made.

    Attributes
    ----------
    feature, modality : str
        What it holds, and what that describes.
    rate : float or None
        Rows per second; None where irregular.
    settings : mapping
        Settings the feature was computed with: open-ended, each feature has its own.
    manifest : str
        Fingerprint of the manifest the clips come from.
    recipe : str
        Fingerprint of how the feature was made: settings, manifest and upstream features.
    method : str
        Fingerprint of how each clip's arrays were made, whatever other clips there are.
    non_finite : int
        NaN and infinite numbers in ``values``, counted when written; 0 when read.
    versions : mapping
        Libraries the feature was computed with to their versions.
    digest : str
        Of the content: ids, offsets and every array.
    attributes : mapping
        All attributes, these among them, JSON read.
    """

    feature: str
    modality: str
    rate: float | None
    settings: Tree
    manifest: str
    recipe: str
    method: str
    non_finite: int
    versions: Mapping[str, str]
    digest: str
    attributes: Tree

    @classmethod
    def of(cls, attributes: Tree, path: Path) -> Header:
        """Read the attributes of a file.

        Raises
        ------
        StoreError
            If the file has another format.
        TypeError, ValueError
            If one is missing, or is not what it has to be.
        """
        checked = _checked(attributes, path)
        rate = checked.get("rate")
        plain = (field.name for field in fields(cls) if field.name in REQUIRED)
        return cls(
            **{name: checked[name] for name in plain},
            rate=None if rate is None else float(rate),
            # A file of before there were methods is bound to its manifest.
            method=checked["method"] if "method" in checked else checked["recipe"],
            attributes=checked,
        )

    @property
    def link(self) -> dict[str, str]:
        """The digests a feature that is computed from this one records of it."""
        return {"recipe": self.recipe, "method": self.method, "digest": self.digest}


class Digest:
    """Sha256 over ids, offsets and arrays; arrays may be fed in turns, each in its own order."""

    def __init__(self, ids: Sequence[str], offsets: Sequence[int]) -> None:
        self._head = json.dumps([list(ids), list(offsets)], ensure_ascii=True)
        self._arrays: dict[str, Any] = {}

    def add(self, name: str, block: Array) -> None:
        """Feed the next rows of an array."""
        if name not in self._arrays:
            self._arrays[name] = hashlib.sha256(f"{block.dtype.str}{block.shape[1:]}".encode())
        self._arrays[name].update(np.ascontiguousarray(block).reshape(-1).view(np.uint8))

    def hexdigest(self) -> str:
        """Return the digest of everything fed so far."""
        parts = {name: array.hexdigest() for name, array in sorted(self._arrays.items())}
        return hashlib.sha256((self._head + json.dumps(parts)).encode()).hexdigest()


def _checked(attributes: Tree, path: Path) -> Tree:
    """Return the attributes of a file, JSON read, once they are known to be what they have to."""
    if attributes.get("format") != FORMAT:
        actual = attributes.get("format", "none")
        raise StoreError(f"has format {actual}, not {FORMAT}", where=path, hint=AGAIN)
    for key in REQUIRED:
        if key not in attributes:
            raise ValueError(f"it has no attribute '{key}'")
    for key in (*TEXTS, *JSON_ATTRIBUTES):
        if not isinstance(attributes.get(key, ""), str):
            raise TypeError(f"its attribute '{key}' is no text")
    count, rate = attributes["non_finite"], attributes.get("rate", 1.0)
    if type(count) is not int or count < 0:
        raise ValueError("its attribute 'non_finite' is no number of values")
    if type(rate) not in (int, float) or not 0 < rate < np.inf:
        raise ValueError("its attribute 'rate' is no number of rows per second")
    return {**attributes} | {key: _json(attributes[key], key) for key in JSON_ATTRIBUTES}


def _json(text: str, key: str) -> Tree:
    value = parse_object(text)
    if key == "notes":
        return numbers_by_name(value)
    if key == "versions" and not all(isinstance(text, str) for text in value.values()):
        raise TypeError("its attribute 'versions' does not hold texts")
    return value


def numbers_by_name(value: Tree) -> Tree:
    """Make sure that a JSON object holds numbers, as notes do."""
    if not all(type(v) in (int, float) for v in value.values()):
        raise TypeError("its notes are not numbers by name")
    return value
