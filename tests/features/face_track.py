"""A clip's faces, as the detector finds them."""

from __future__ import annotations

import numpy as np

from emocli.data.track import Track


def faces(side: int) -> Track:
    """Five crops of a side, three of main faces, one of them uncertain."""
    extra = {
        "main": np.array([True, False, True, False, True]),
        "confidence": np.array([0.99, 0.99, 0.5, 0.0, 0.95]),
        "frame": np.array([0, 0, 1, 2, 3]),
    }
    crops = np.random.default_rng(0).integers(0, 256, (5, side, side, 3)).astype(np.uint8)
    return Track(crops, np.array([0, 0, 0.1, 0.2, 0.3]), extra)
