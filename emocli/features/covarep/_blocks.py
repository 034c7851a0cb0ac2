"""The blocks a long recording is analysed in, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

BLOCK_S = 60.0
"""Seconds of sound analysed at once."""

MARGIN_S = 3.0
"""Seconds analysed with a block on either side of it: longer than any filter remembers."""


@dataclass(frozen=True)
class SampleBlock:
    """Samples ``first`` to ``last`` of a recording; blocks follow each other without gaps.

    What is analysed for it goes from ``begin`` to ``stop``: with its margins, inside the recording.
    """

    first: int
    last: int
    begin: int
    stop: int


def blocks(
    size: int, fs: float, block_s: float = BLOCK_S, margin_s: float = MARGIN_S
) -> Iterator[SampleBlock]:
    """Divide a recording of ``size`` samples; one no longer than a block is a single one.

    The seconds of a block and of its margins are rounded to 10 ms, the hop of the frames, so that
    frames lie alike in any division.
    """
    hop = round(fs / 100)
    block, margin = (max(1, round(100 * seconds)) * hop for seconds in (block_s, margin_s))
    for first in range(0, max(size, 1), block):
        last = min(first + block, size)
        yield SampleBlock(first, last, max(first - margin, 0), min(last + margin, size))
