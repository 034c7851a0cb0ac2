"""The limit on the size of decompressed data."""

from __future__ import annotations

SMALL = 16 << 20
"""Bytes that may come of however few: constants pack into next to nothing."""

LARGE = 64 << 20
"""Bytes up to which they may be packed as densely as deflate can (`DENSEST`); above, `DENSE`."""

DENSEST, DENSE = 1100, 100
"""Bytes for one in the file; features pack by 2 to 20."""


def room(packed: int) -> int:
    """Return how many bytes may come of so many packed ones, before it is taken for an attack."""
    return max(SMALL, min(DENSEST * packed, LARGE), DENSE * packed)
