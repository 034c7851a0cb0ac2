"""The header of a store file: its attributes, the kinds of its arrays, and its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emocli.data.hdf5 import Attribute
from emocli.data.track import Array
from emocli.errors import StoreError
from emocli.parsing import Plain, Tree, numbers_by_name, parse_object

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
    upstream : mapping
        Feature it was computed from to that feature's digests, as `link` has them.
    notes : mapping
        What the extractor noted, summed over the clips.
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
    upstream: Mapping[str, Mapping[str, str]]
    notes: Mapping[str, float]
    digest: str
    attributes: Tree

    @classmethod
    def of(cls, attributes: Mapping[str, Attribute], path: Path) -> Header:
        """Read the attributes of a file.

        Raises
        ------
        StoreError
            If the file has another format.
        TypeError, ValueError
            If one is missing, or is not what it has to be.
        """
        if attributes.get("format") != FORMAT:
            actual = attributes.get("format", "none")
            raise StoreError(f"has format {actual}, not {FORMAT}", where=path, hint=AGAIN)
        for key in REQUIRED:
            if key not in attributes:
                raise ValueError(f"it has no attribute '{key}'")
        texts = {key: _text(attributes[key], key) for key in TEXTS if key in attributes}
        objects = {key: parse_object(_text(attributes[key], key)) for key in JSON_ATTRIBUTES}
        upstream = {name: _texts(link, "upstream") for name, link in objects["upstream"].items()}
        return cls(
            feature=texts["feature"],
            modality=texts["modality"],
            rate=_rate(attributes["rate"]) if "rate" in attributes else None,
            settings=objects["settings"],
            manifest=texts["manifest"],
            recipe=texts["recipe"],
            # A file of before there were methods is bound to its manifest.
            method=texts.get("method", texts["recipe"]),
            non_finite=_count(attributes["non_finite"]),
            versions=_texts(objects["versions"], "versions"),
            upstream=upstream,
            notes=numbers_by_name(objects["notes"]),
            digest=texts["digest"],
            attributes={**attributes, **objects},
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


def _text(value: Attribute, key: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"its attribute '{key}' is no text")
    return value


def _count(value: Attribute) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("its attribute 'non_finite' is no number of values")
    return value


def _rate(value: Attribute) -> float:
    if isinstance(value, bool | str) or not 0 < value < np.inf:
        raise ValueError("its attribute 'rate' is no number of rows per second")
    return float(value)


def _texts(value: Plain, key: str) -> dict[str, str]:
    """Make sure that a value is a JSON object that holds texts."""
    if isinstance(value, Mapping):
        texts = {name: text for name, text in value.items() if isinstance(text, str)}
        if len(texts) == len(value):
            return texts
    raise TypeError(f"its attribute '{key}' does not hold texts")
