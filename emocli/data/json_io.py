"""The JSON text of results: dataclasses, arrays and paths as plain values."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from emocli.display import exact_json


def plain(value: Any) -> Any:
    """Turn dataclasses, arrays, paths and tuples into what JSON knows, and NaN into None."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def as_json(value: object, *, ascii_only: bool = False) -> str:
    """Write a result as the text of a JSON file; its values are exact, hidden characters escaped.

    With ``ascii_only`` all characters are escaped that are not ASCII.
    """
    text = json.dumps(plain(value), indent=2, ensure_ascii=ascii_only, allow_nan=False)
    return exact_json(text) + "\n"
