"""The report of the analysis of examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from emocli.plugin.analysis import Record, RunReport, Split


@dataclass(frozen=True, kw_only=True)
class ExampleClip(Record):
    """A clip, and its prediction.

    Attributes
    ----------
    right : bool
        Whether the class that is predicted is the one that is shown.
    shown, predicted : str
        The classes.
    confidence : float
        Probability or intensity of the predicted one, mean over the seeds.
    clip, speaker, dialogue, turn, text, start, end, media, labels
        The clip.
    values : mapping
        Class to its probability or intensity.
    """

    right: bool
    shown: str
    predicted: str
    confidence: float
    clip: str
    speaker: str
    dialogue: str
    turn: int
    text: str
    start: float | None
    end: float | None
    media: Mapping[str, str]
    labels: Mapping[str, float]
    values: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class ExamplesReport(RunReport):
    """The most confident right answers and errors, and how many there are of all ``n`` clips."""

    task: str
    classes: tuple[str, ...]
    split: Split
    n: int
    right: int
    wrong: int
    repair: str
    corruption_seed: int
    corruption: tuple[str, ...]
    mistaken: str | None
    examples: tuple[ExampleClip, ...]
