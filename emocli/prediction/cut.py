"""Windows of recordings."""

from __future__ import annotations

from collections.abc import Iterator

from emocli.prediction.inputs import Recording
from emocli.prediction.segments import Segment

SHORTEST = 0.5
"""Share of a window from which what is left at the end of a recording is one of its own."""


def windows(recording: Recording, window: float, hop: float) -> Iterator[Segment]:
    """Cut a recording into windows of ``window`` seconds, one every ``hop`` seconds.

    The last one ends with the recording, and may be shorter.
    """
    start, index = 0.0, 0
    while index == 0 or recording.seconds - start >= SHORTEST * window:
        end = min(start + window, recording.seconds)
        yield Segment(recording.path, index, round(start, 6), end)
        if end >= recording.seconds:
            return
        start, index = start + hop, index + 1
