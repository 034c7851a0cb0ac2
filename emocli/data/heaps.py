"""The global heaps of an HDF5 file, where texts of varying length lie.

HDF5 reads a damaged one for ever, or beyond its end, so each is walked through before HDF5 is asked
for a text of it.

Source: The HDF Group, HDF5 File Format Specification 3.0, section III.E.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

SIGNATURE = b"GCOL\x01\0\0\0"
HEADER = 16
"""Bytes before the first object of a heap, and of each object before its content."""

SEARCHED = 256 << 20
"""Bytes of the largest file that is searched for heaps."""

BLOCK = 4 << 20


def require_heaps(descriptor: int, size: int, base: int, addresses: Iterable[int]) -> None:
    """Refuse a file of ``size`` bytes if a heap at one of the addresses is damaged.

    Addresses count from byte ``base``. A `ValueError` says if one is not whole, or an object of it
    does not lie in it.
    """
    for address in addresses:
        start = base + int(address)
        head = os.pread(descriptor, HEADER, start) if start < size else b""
        length = int.from_bytes(head[8:], "little")
        if head[:8] != SIGNATURE or not HEADER <= length <= size - start:
            raise ValueError("its texts lie in a heap that is damaged")
        _walk(os.pread(descriptor, length, start))


def find_heaps(descriptor: int, size: int) -> list[int]:
    """Return where the heaps of a file begin; they are aligned to 8 bytes."""
    places = []
    for start in range(0, size, BLOCK):
        block = os.pread(descriptor, BLOCK + len(SIGNATURE), start)
        place = block.find(SIGNATURE)
        while 0 <= place < BLOCK:
            if (start + place) % 8 == 0:
                places.append(start + place)
            place = block.find(SIGNATURE, place + 1)
    return places


def _walk(heap: bytes) -> None:
    """Go from object to object to the end; number 0 is what is free."""
    position = HEADER
    while len(heap) - position >= HEADER:
        number = int.from_bytes(heap[position : position + 2], "little")
        length = int.from_bytes(heap[position + 8 : position + HEADER], "little")
        step = HEADER + (length + 7) // 8 * 8 if number else length
        if not HEADER <= step <= len(heap) - position:
            raise ValueError("its texts lie in a heap that is damaged")
        position += step
