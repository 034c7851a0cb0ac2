"""Label tracks of Audacity: start, end and label, a segment per line.

Source: this example.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emocli.plugin.writer import SegmentPrediction

SUFFIX = ".labels.txt"


def write(segments: Sequence[SegmentPrediction], folder: Path) -> str:
    """Return the text of the file of one recording."""
    return "".join(f"{each.start:.3f}\t{each.end:.3f}\t{each.label}\n" for each in segments)
