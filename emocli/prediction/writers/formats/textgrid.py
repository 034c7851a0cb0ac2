"""TextGrids of Praat, with tiers of labels, confidence, words and trust.

Source: P. Boersma and D. Weenink, Praat: doing phonetics by computer, manual page "TextGrid file
formats".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from emocli.plugin.writer import SegmentPrediction
from emocli.prediction.writers.tiers import Interval, tiers

SUFFIX = ".TextGrid"


def write(segments: Sequence[SegmentPrediction], folder: Path) -> str:
    """Return the text of the TextGrid of one recording."""
    length = max(segment.end for segment in segments)
    by_name = tiers(segments)
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0"]
    lines += [f"xmax = {length:.6f}", "tiers? <exists>", f"size = {len(by_name)}", "item []:"]
    for number, (name, intervals) in enumerate(by_name.items(), start=1):
        filled = list(_without_gaps(intervals, length))
        lines += [f"    item [{number}]:", '        class = "IntervalTier"']
        lines += [f'        name = "{name}"', "        xmin = 0", f"        xmax = {length:.6f}"]
        lines.append(f"        intervals: size = {len(filled)}")
        for index, (start, end, text) in enumerate(filled, start=1):
            quoted = " ".join(text.replace('"', '""').split())
            lines += [f"        intervals [{index}]:", f"            xmin = {start:.6f}"]
            lines += [f"            xmax = {end:.6f}", f'            text = "{quoted}"']
    return "\n".join(lines) + "\n"


def _without_gaps(intervals: Sequence[Interval], length: float) -> Iterator[Interval]:
    """Fill a tier up: in Praat its intervals cover all of the recording."""
    last = 0.0
    for start, end, text in intervals:
        if start > last:
            yield last, start, ""
        yield start, end, text
        last = end
    if last < length:
        yield last, length, ""
