"""The file format of a modality check: a header of plain values, and arrays.

It is HDF5. The attributes ``format`` and ``version`` say what it is, ``header`` is JSON, and
``digest`` is a SHA-256 over header and arrays, so that a damaged file is recognised.
``versions``, of emocli and the libraries that fitted it, is JSON outside the digest: a check stays
the same check if another version fits it alike. No time and no machine is recorded: the same fit
gives the same file.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from emocli.config import Tree
from emocli.data.decompression import LARGE
from emocli.data.durable import write_bytes
from emocli.data.hdf5 import Hdf5
from emocli.errors import StoreError, reason
from emocli.parsing import parse_object
from emocli.version import versions

Arrays = Mapping[str, NDArray[Any]]

FORMAT = "emocli check"
VERSION = 3
"""Since 2 a check may be fitted on corrupted clips, and says how."""

READABLE = frozenset({2, VERSION})
"""What a file of version 2 does not say is by default what it was."""

AGAIN = "run emocli fit-cca again"

LIBRARIES = ("numpy", "scipy")

MOST, DEEPEST = 10_000, 4
"""Arrays a file may have, and parts of the name of each."""


def write(path: Path, header: Tree, arrays: Arrays) -> None:
    """Replace ``path``; a name may contain slashes (groups), an array is of numbers or bytes."""
    text = json.dumps(header, allow_nan=False)
    image = io.BytesIO()
    with h5py.File(image, "w") as file:
        file.attrs.update(
            format=FORMAT,
            version=VERSION,
            versions=json.dumps(versions(LIBRARIES)),
            header=text,
            digest=content_digest(text, arrays),
        )
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
    write_bytes(path, image.getvalue())


def is_check(path: Path) -> bool:
    """Whether a file says of itself that it is a modality check."""
    try:
        with Hdf5(path) as file:
            return bool(file.attributes().get("format") == FORMAT)
    except StoreError:
        return False


def versions_in(path: Path) -> dict[str, str]:
    """Return the versions of what fitted a check; none of a file from before they were kept."""
    with Hdf5(path, AGAIN) as file:
        text = str(file.attributes().get("versions", "{}"))
    return {name: str(value) for name, value in _header(text, path).items()}


def read(path: Path) -> tuple[Tree, Arrays]:
    """Read the header and the arrays.

    Raises
    ------
    StoreError
        If there is no such file, or it is damaged, something else, or of another version.
    """
    if not path.exists():
        hint = "run emocli fit-cca, for a cross-validation with --folds"
        raise StoreError("there is no such file", where=path, hint=hint)
    with Hdf5(path, AGAIN) as file:
        marks = file.attributes()
        if marks.get("format") != FORMAT:
            raise StoreError("is not a modality check", where=path, hint=AGAIN)
        if marks.get("version") not in READABLE:
            what = f"is a modality check of version {marks.get('version')}, not {VERSION}"
            raise StoreError(what, where=path, hint=AGAIN)
        text, arrays = str(marks.get("header")), dict(_arrays(file))
    if marks.get("digest") != content_digest(text, arrays):
        raise StoreError("is damaged: its content is not what was written", where=path, hint=AGAIN)
    return _header(text, path), arrays


def _header(text: str, path: Path) -> Tree:
    try:
        return parse_object(text)
    except ValueError as error:
        raise StoreError(f"is damaged ({reason(error)})", where=path, hint=AGAIN) from None


def _arrays(file: Hdf5) -> Iterator[tuple[str, NDArray[Any]]]:
    """Read all arrays, by name; hard links could make few of them many."""
    count, total = 0, 0
    for place in _places(file, ()):
        dataset = file.dataset(*place)
        count, total = count + 1, total + dataset.nbytes
        if count > MOST or total > max(LARGE, 2 * file.size) or dataset.dtype.kind == "O":
            what = "holds more than the arrays of a modality check"
            raise StoreError(what, where=file.path, hint=AGAIN)
        read = file.texts if dataset.dtype.kind == "S" else file.numbers
        yield "/".join(place), read(*place)


def _places(file: Hdf5, group: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name in file.names(*group):
        place = (*group, name)
        if len(place) < DEEPEST and file.is_group(*place):
            yield from _places(file, place)
        else:
            yield place


def content_digest(header: str, arrays: Arrays) -> str:
    """Return the SHA-256 of a header and arrays: their names, kinds, shapes and numbers."""
    digest = hashlib.sha256(header.encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"\0{name} {array.dtype.str} {array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
