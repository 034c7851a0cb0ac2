"""Types of arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
"""Real numbers, as statistics and linear algebra are computed with."""
