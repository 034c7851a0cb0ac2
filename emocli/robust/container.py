"""A file that holds a header of plain values, and arrays: the format of a check.

It is HDF5. The attributes ``format`` and ``version`` say what it is, ``header`` is JSON, and
``digest`` is a SHA-256 over all of it, so that a damaged file is recognised. No time and no machine
is recorded: the same fit gives the same file.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from emocli.config import Tree
from emocli.data.durable import write_bytes
from emocli.errors import StoreError
from emocli.parsing import parse_object

Arrays = Mapping[str, NDArray[Any]]

FORMAT = "emocli check"
VERSION = 2

AGAIN = "run emocli fit-cca again"


def write(path: Path, header: Tree, arrays: Arrays) -> None:
    """Replace ``path``; a name may contain slashes (groups), an array is of numbers or bytes."""
    text = json.dumps(header, allow_nan=False)
    image = io.BytesIO()
    with h5py.File(image, "w") as file:
        file.attrs.update(format=FORMAT, version=VERSION, header=text, digest=_digest(text, arrays))
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
    write_bytes(path, image.getvalue())


def read(path: Path) -> tuple[Tree, Arrays]:
    """Read the header and the arrays.

    Raises
    ------
    StoreError
        If there is no such file, or it is damaged, something else, or of another version.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:
            marks = {name: file.attrs.get(name) for name in ("format", "version", "digest")}
            if marks["format"] != FORMAT:
                raise StoreError("is not a modality check", where=path, mend=AGAIN)
            if marks["version"] != VERSION:
                what = f"is a modality check of version {marks['version']}, not {VERSION}"
                raise StoreError(what, where=path, mend=AGAIN)
            text, arrays = str(file.attrs["header"]), _arrays(file)
    except FileNotFoundError:
        mend = "run emocli fit-cca, for a cross-validation with --folds"
        raise StoreError("there is no such file", where=path, mend=mend) from None
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise StoreError(f"is damaged or not HDF5 ({error})", where=path, mend=AGAIN) from None
    if marks["digest"] != _digest(text, arrays):
        raise StoreError("is damaged: its content is not what was written", where=path, mend=AGAIN)
    try:
        return parse_object(text), arrays
    except ValueError as error:
        raise StoreError(f"is damaged ({error})", where=path, mend=AGAIN) from None


def _arrays(file: h5py.File) -> Arrays:
    arrays: dict[str, NDArray[Any]] = {}

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    file.visititems(visit)
    return arrays


def _digest(header: str, arrays: Arrays) -> str:
    digest = hashlib.sha256(header.encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"\0{name} {array.dtype.str} {array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
