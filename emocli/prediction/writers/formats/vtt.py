"""WebVTT subtitles: each line shows the label, how sure it is, and the text.

Source: W3C 2019, WebVTT: The Web Video Text Tracks Format.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emocli.plugin.writer import SegmentPrediction
from emocli.prediction.writers.subtitles import clock, cues

SUFFIX = ".vtt"


def write(segments: Sequence[SegmentPrediction], folder: Path) -> str:
    """Return the text of the WebVTT file of one recording."""
    blocks = (
        f"{clock(start, '.')} --> {clock(end, '.')}\n{_escaped(text)}\n"
        for start, end, text in cues(segments)
    )
    return "\n".join(["WEBVTT\n", *blocks])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
