"""The JSON text of results: dataclasses, arrays and paths as plain values."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from emocli.display import exact_json

OPTIONAL = MappingProxyType({"optional": True})
"""Metadata of a dataclass's field that is left out while it is None."""

EXTRA = MappingProxyType({"extra": True})
"""Metadata of a field, a mapping, whose own keys stand among those of its dataclass."""


@runtime_checkable
class Array(Protocol):
    """An array or scalar of NumPy or PyTorch, neither of which is loaded to write a result."""

    def tolist(self) -> Any:
        """Return its values as numbers, or lists of them."""
        ...


def key(name: str) -> Mapping[str, str]:
    """Metadata of a field that has another name in the JSON."""
    return {"alias": name}


def json_name(each: Field[Any]) -> str:
    """Name of a field in the JSON."""
    name: str = each.metadata.get("alias", each.name)
    return name


def plain_values(value: Any) -> Any:
    """Turn dataclasses, arrays, paths and tuples into what JSON knows, and NaN into None."""
    if is_dataclass(value) and not isinstance(value, type):
        value = _fields(value)
    if isinstance(value, Mapping):
        return {str(name): plain_values(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_values(inner) for inner in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Array):
        return plain_values(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value + 0.0 if isinstance(value, float) else value  # -0.0 is written as 0.0


def _fields(record: Any) -> dict[str, Any]:
    """Return the fields of a dataclass by their names, as its marks say."""
    values: dict[str, Any] = {}
    for each in fields(record):
        value = getattr(record, each.name)
        if "extra" in each.metadata:
            values |= value
        elif value is not None or "optional" not in each.metadata:
            values[json_name(each)] = value
    return values


def as_json(value: object, *, ascii_only: bool = False) -> str:
    """Write a result as the text of a JSON file; its values are exact, hidden characters escaped.

    With ``ascii_only`` all characters are escaped that are not ASCII.
    """
    text = json.dumps(plain_values(value), indent=2, ensure_ascii=ascii_only, allow_nan=False)
    return exact_json(text) + "\n"
