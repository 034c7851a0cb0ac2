"""Windows of equal length, a fixed step apart."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from emocli.config import Settings
from emocli.plugin.segmentation import Recording
from emocli.plugin.transcript import Line, Transcript

EPSILON = 1e-9
"""For lengths that are whole numbers of hops, but for their last binary digit."""


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


def cut(source: Recording, config: Config) -> Transcript:
    """Cut a recording; the last window ends where it does, and begins so much earlier.

    Less than half a hop that is left belongs to the window before. A recording that is shorter
    than a window is one.
    """
    seconds, window, hop = source.length.seconds, config.window, config.hop
    last = max(0.0, seconds - window)
    starts = [k * hop for k in range(int(last / hop + EPSILON) + 1)]
    ends = [start + window for start in starts]
    if last - starts[-1] < hop / 2:
        ends[-1] = seconds
    else:
        starts, ends = [*starts, last], [*ends, seconds]
    return Transcript(tuple(Line(*times) for times in zip(starts, ends, strict=True)))
