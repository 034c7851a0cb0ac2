"""Types of arrays, and the conversion of what is said to be one."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from emocli.errors import ConfigError

Float = TypeVar("Float", bound=np.floating[Any])

Reals = NDArray[np.float64]
"""Real numbers, as statistics and linear algebra are computed with."""


def as_numbers(values: object, kind: type[Float], where: str) -> NDArray[Float]:
    """Return an array of numbers; `ConfigError`, which says ``where``, of what is none."""
    try:
        return np.asarray(values, kind)
    except (TypeError, ValueError):
        what = f"is no array of numbers ({type(values).__name__})"
        raise ConfigError(what, where=where, hint="give an array (T, D)") from None
