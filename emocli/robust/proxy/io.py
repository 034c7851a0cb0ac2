"""Saving and loading of the generator of proxies: its settings and its bank of training clips.

The file is safetensors: ``bank.0``, ``bank.1``, ... are the sequences of the training clips of the
modalities, in the order in which the header names them, and ``valid`` tells which of their steps
are not padding. The header, JSON, is the file's metadata. There are no ids of clips in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from safetensors import SafetensorError, safe_open

from emocli.config import Settings, build
from emocli.errors import ConfigError, StoreError, reason
from emocli.models.tensors import read_tensors, write_tensors
from emocli.parsing import parse_object
from emocli.quantities import Steps, Width
from emocli.robust.check.file import Arrays, content_digest
from emocli.robust.proxy.generator import ProxyGenerator
from emocli.robust.proxy.settings import ProxyConfig
from emocli.robust.representation import Representation

HEADER = "emocli"
"""The key of the metadata that holds the header."""

AGAIN = "pack the run again: emocli pack"


class _Modality(Settings):
    """A modality in the header."""

    name: str
    steps: Steps
    dim: Annotated[Width, Field(ge=1)]
    rate: Annotated[float, Field(gt=0, le=1e9)]


class _Header(Settings):
    """The header of the file, beside its arrays."""

    config: ProxyConfig
    padded: bool
    modalities: Annotated[tuple[_Modality, ...], Field(min_length=2)]


def save_generator(generator: ProxyGenerator, path: Path) -> None:
    """Write a generator to one file, by write-and-rename.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    header, arrays = _packed(generator)
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    # One key alone: the format keeps several in no order, and equal banks are to be equal files.
    write_tensors(path, tensors, {HEADER: header})


def generator_digest(generator: ProxyGenerator) -> str:
    """Return the SHA-256 of a generator, that of its file's content."""
    return content_digest(*_packed(generator))


def _packed(generator: ProxyGenerator) -> tuple[str, Arrays]:
    """Return the header, JSON, and the arrays of the file."""
    names = list(generator.bank)
    header = {
        "config": generator.config.model_dump(mode="json"),
        "padded": generator.representation.padded,
        "modalities": [
            {
                "name": name,
                "steps": generator.representation.steps[name],
                "dim": generator.dims[name],
                "rate": generator.rates[name],
            }
            for name in names
        ],
    }
    arrays = {f"bank.{k}": generator.bank[name] for k, name in enumerate(names)}
    return json.dumps(header), arrays | {"valid": generator.valid}


def load_generator(path: Path) -> ProxyGenerator:
    """Read a generator.

    Raises
    ------
    StoreError, RunError
        If there is none, or the file is damaged or something else.
    """
    if not path.is_file():
        raise StoreError("there is no such file", where=path, hint=AGAIN)
    arrays = {name: tensor.numpy() for name, tensor in read_tensors(path).items()}
    try:
        return _generator(_header(path), arrays)
    except (KeyError, ValueError, ConfigError) as error:
        why = error.what if isinstance(error, ConfigError) else reason(error)
        what = f"holds no proxies this version understands ({why})"
        raise StoreError(what, where=path, hint=AGAIN) from None


def _header(path: Path) -> _Header:
    try:
        with safe_open(path, "pt") as file:
            text = (file.metadata() or {})[HEADER]
    except (SafetensorError, OSError) as error:
        raise ValueError(reason(error)) from None
    return build(_Header, parse_object(text), "")


def _generator(header: _Header, arrays: Mapping[str, NDArray[Any]]) -> ProxyGenerator:
    steps = {m.name: m.steps for m in header.modalities}
    valid = _array(arrays, "valid", np.bool_, max(steps.values()))
    bank = {
        m.name: _array(arrays, f"bank.{k}", np.float32, m.steps * m.dim)
        for k, m in enumerate(header.modalities)
    }
    if len(bank) != len(header.modalities) or {len(rows) for rows in bank.values()} != {len(valid)}:
        raise ValueError("its arrays are not of the same clips")
    return ProxyGenerator(
        header.config,
        Representation("flatten", steps, header.padded),
        {m.name: m.rate for m in header.modalities},
        {m.name: m.dim for m in header.modalities},
        bank,
        valid,
    )


def _array(
    arrays: Mapping[str, NDArray[Any]], name: str, kind: type[np.generic], width: int
) -> NDArray[Any]:
    """Return an array of rows of a width; infinite numbers are none of it."""
    array = arrays[name]
    if array.dtype != kind or array.ndim != 2 or array.shape[1] != width:
        raise ValueError(f"'{name}' is {array.dtype} of shape {array.shape}")
    if array.dtype.kind == "f" and np.isinf(array).any():
        raise ValueError(f"'{name}' is not finite")
    return array
