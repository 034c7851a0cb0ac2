"""Stretches of speech in a sound, by the network Silero VAD.

Speech begins where its probability reaches a threshold, and ends where it stays a little below it
for the length of a pause.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from emocli.config import Settings
from emocli.plugin.transcript import Line
from emocli.prediction.segmentation import silero

BELOW = 0.15
"""How far the probability has to fall below the threshold for speech to end."""


class VoiceSettings(Settings):
    """Settings of what counts as a stretch of speech; times in seconds.

    Attributes
    ----------
    threshold : float
        Probability of speech from which it begins.
    pause : float
        Silence that ends it.
    shortest : float
        What is shorter is none.
    longest : float
        What is longer is split where speech is least probable.
    margin : float
        What is added before and after, as far as there is silence.
    """

    threshold: Annotated[float, Field(ge=0.05, le=0.99)] = 0.5
    pause: Annotated[float, Field(ge=0.05, le=60)] = 0.5
    shortest: Annotated[float, Field(ge=0, le=60)] = 0.25
    longest: Annotated[float, Field(ge=1, le=3600)] = 15.0
    margin: Annotated[float, Field(ge=0, le=5)] = 0.1


def voice(sound: Iterable[NDArray[np.float32]], settings: VoiceSettings) -> list[Line]:
    """Return the stretches of speech in a sound at 16 kHz that comes in blocks, by their start.

    Raises
    ------
    ConfigError
        If the extra ``speech`` is not installed.
    """
    probabilities = np.concatenate([*silero.probabilities(sound)])
    stretches = [*_stretches(probabilities, settings)]
    return _with_margins(stretches, settings.margin, len(probabilities) * silero.STEP)


def _stretches(
    probabilities: NDArray[np.float32], settings: VoiceSettings
) -> Iterator[tuple[int, int]]:
    """Find speech: first step and the one after the last, of `silero.STEP` seconds each."""
    pause = max(1, round(settings.pause / silero.STEP))
    shortest, longest = settings.shortest / silero.STEP, int(settings.longest / silero.STEP)
    for first, last in _runs(probabilities, settings.threshold, pause):
        if last - first >= shortest:
            yield from _split(probabilities, first, last, longest)


def _runs(p: NDArray[np.float32], threshold: float, pause: int) -> Iterator[tuple[int, int]]:
    first: int | None = None
    last = 0
    for step, value in enumerate(p):
        if value >= threshold and first is None:
            first = step
        if value >= threshold - BELOW:
            last = step + 1
        elif first is not None and step + 1 - last >= pause:
            yield first, last
            first = None
    if first is not None:
        yield first, last


def _split(
    p: NDArray[np.float32], first: int, last: int, longest: int
) -> Iterator[tuple[int, int]]:
    """Split a stretch that is too long where speech is least probable, in the later half."""
    while last - first > longest:
        middle, limit = first + longest // 2, min(first + longest, last - 1)
        at = middle + int(np.argmin(p[middle : limit + 1]))
        yield first, at
        first = at
    yield first, last


def _with_margins(stretches: list[tuple[int, int]], margin: float, seconds: float) -> list[Line]:
    """Return stretches in seconds, each widened by at most half the silence to its neighbour."""
    times = [(first * silero.STEP, last * silero.STEP) for first, last in stretches]
    lines = []
    for k, (start, end) in enumerate(times):
        before = times[k - 1][1] if k else -start
        after = times[k + 1][0] if k + 1 < len(times) else 2 * seconds - end
        first = max(start - margin, (before + start) / 2)
        lines.append(Line(first, min(end + margin, (end + after) / 2, seconds)))
    return lines
