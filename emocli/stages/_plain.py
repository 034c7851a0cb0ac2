"""Reports in values that JSON knows."""

from __future__ import annotations

import math
from typing import Any


def plain(value: Any) -> Any:
    """Turn what is not defined into None, and tuples into lists."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
