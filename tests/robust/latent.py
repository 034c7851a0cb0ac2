"""Clips whose modalities show one common hidden state, each in its own way."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from emocli import plugins
from emocli.data.batch import Padded

Rows = Mapping[str, list[NDArray[np.float32]]]

DIMS = {"text": 40, "audio": 30, "visual": 20}


def clips(
    n: int,
    seed: int,
    dims: Mapping[str, int] = DIMS,
    *,
    steps: int = 8,
    shared: float = 1.0,
    aligned: bool = True,
) -> Rows:
    """Draw n clips; with ``shared=0`` the modalities have nothing in common but their length."""
    maps, rng = np.random.default_rng(1), np.random.default_rng(seed)
    state = rng.normal(size=(n, 16))
    lengths = {m: rng.integers(3, steps + 1, n) for m in dims}
    if aligned:
        lengths = dict.fromkeys(dims, lengths[next(iter(dims))])
    drawn = {}
    for modality, width in dims.items():
        common = state @ maps.normal(size=(16, width)) / 4
        own = rng.normal(size=(n, 8)) @ maps.normal(size=(8, width)) / 3
        shown = shared * common + own
        drawn[modality] = [
            (shown[k] + 0.5 * rng.normal(size=(length, width))).astype(np.float32)
            for k, length in enumerate(lengths[modality])
        ]
    return drawn


def padded(rows: Rows) -> dict[str, Padded]:
    return {modality: Padded.from_rows(arrays) for modality, arrays in rows.items()}


def corrupted(rows: Rows, modality: str, name: str = "gaussian", **settings: object) -> Rows:
    """Corrupt one modality of all clips; the default is noise of a hundred times the power."""
    if name == "gaussian":
        settings = {"snr": 0.01, **settings}
    config = plugins.load("corruptions", name).Config(**settings)
    rng = np.random.default_rng(5)
    return {**rows, modality: [config(array, rng, ()) for array in rows[modality]]}
