"""SubRip subtitles: each line shows the label, how sure it is, and the text.

Source: the format of the program SubRip.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emocli.plugin.writer import SegmentPrediction
from emocli.prediction.writers.subtitles import clock, cues

SUFFIX = ".srt"


def write(segments: Sequence[SegmentPrediction], folder: Path) -> str:
    """Return the text of the SRT file of one recording."""
    blocks = (
        f"{number}\n{clock(start, ',')} --> {clock(end, ',')}\n{text}\n"
        for number, (start, end, text) in enumerate(cues(segments), start=1)
    )
    return "\n".join(blocks)
