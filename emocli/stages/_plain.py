"""Reports in values that JSON knows."""

from __future__ import annotations

import json
import math
from typing import Any


def plain(value: Any) -> Any:
    """Turn what is not defined into None, and tuples into lists."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_json(report: Any) -> str:
    """Write a report of plain values as the text of a JSON file."""
    return json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
