"""Praat: tables of pitch, formants, intensity and whatever else has a column of time.

Source: Boersma & Weenink 2024, Praat (its manual: "Table", "Formant: Down to Table", "Listing").

Tables that were saved as tab- or comma-separated files (``time(s)``, ``F1(Hz)``, ...), and listings
of the editor (``Time_s   F0_Hz``). ``--undefined--`` is no number: a row of nothing else is
missing, a single cell is read as 0 and counted.
"""

from __future__ import annotations

from typing import ClassVar

from emocli.plugin.format import FrameNumber, Layout, Patterns

MODALITY = "audio"


class Config(Layout):
    """As `Layout`; ``columns=F?(Hz)`` are the formants."""

    OWN: ClassVar[Patterns] = ("time", "time[_(]*", "tmin", "nformants", "*_hz", "*(hz)", "*(db)")

    time: Patterns = ("time*", "tmin")
    end: Patterns = ("tmax",)
    without: Patterns = ("row", "nformants")
    frame: Patterns = ("frame",)
    first: FrameNumber = 1
    suffixes: tuple[str, ...] = (".csv", ".tsv", ".txt")
    separators: str = ",\t"
    blanks: bool = True
