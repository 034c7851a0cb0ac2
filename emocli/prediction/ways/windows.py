"""Windows of equal length, a fixed step apart."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from emocli.config import Settings
from emocli.prediction.source import Source
from emocli.prediction.transcript import Line, Transcript

ROUNDED = 0.01
"""Seconds at the end of a recording for which there is no window more."""


class Config(Settings):
    """The windows.

    Attributes
    ----------
    window : float
        Length of a window, in seconds.
    hop : float
        Seconds from one window to the next, at most the length of one.
    """

    window: Annotated[float, Field(ge=0.1, le=3600)] = 4.0
    hop: Annotated[float, Field(ge=0.05, le=3600)] = 2.0

    @model_validator(mode="after")
    def _without_gaps(self) -> Self:
        if self.hop > self.window:
            raise ValueError(f"A hop of {self.hop:g} s would leave gaps between the windows")
        return self


def cut(source: Source, config: Config) -> Transcript:
    """Cut a recording; the last window ends where it does, and begins so much earlier.

    A recording that is shorter than a window is one.
    """
    seconds = source.length.seconds
    if seconds <= config.window:
        return Transcript((Line(0.0, seconds),))
    after = max(0.0, seconds - config.window - ROUNDED)  # where no window more can begin
    starts = [k * config.hop for k in range(int(after / config.hop) + 1)]
    last = seconds - config.window
    if last - starts[-1] > ROUNDED:
        starts.append(last)
    return Transcript(tuple(Line(start, start + config.window) for start in starts))
