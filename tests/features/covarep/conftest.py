"""Outputs of the original program, where they are at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

Real = NDArray[np.float64]


@dataclass(frozen=True)
class Reference:
    """A recording, and what the original makes of it.

    ``x`` has its polarity already turned to the right side; ``gcis`` are closure instants.
    """

    name: str
    fs: int
    x: Real
    features: dict[str, Real]
    gcis: NDArray[np.int64]
    arrays: dict[str, Real]

    def on_grid(self, samples: Real, values: Real) -> Real:
        """Interpolate a track at the rows of the original's matrix, 0 outside of it."""
        first, hop = round(0.005 * self.fs), round(0.01 * self.fs)
        at = np.arange(first, len(self.x) + 1, hop)
        return np.nan_to_num(np.interp(at, samples, values, left=0, right=0))


@pytest.fixture(scope="session")
def references(shared_data: Path) -> list[Reference]:
    """All recordings at 16 kHz; tests are skipped where they are absent."""
    folder = shared_data.parent / "reference" / "covarep"
    result = [read(path) for path in sorted(folder.glob("*.npz"))]
    if not result:
        pytest.skip(f"no outputs of the original at {folder}")
    return [each for each in result if each.fs == 16000]


def read(path: Path) -> Reference:
    x, fs = soundfile.read(path.with_suffix(".wav"))
    with np.load(path) as stored:
        arrays = dict(stored)
    columns = dict(zip(arrays["names"].tolist(), arrays["features"].T, strict=True))
    gcis = arrays["gci_samples0"].astype(np.int64)
    return Reference(path.stem, fs, x * float(arrays["polarity"]), columns, gcis, arrays)
