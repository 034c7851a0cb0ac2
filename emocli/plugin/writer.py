r"""Writers of predictions: what `emocli predict --format NAME` writes of each recording.

A module of kind ``writers`` offers

``SUFFIX``
    the end of its files' names;
``write(segments, folder) -> str``
    the text of the file of one recording, of its segments by time; ``folder`` is where the file
    will be, for what it refers to.

>>> def write(segments, folder):
...     return "".join(f"{each.start:.1f}\t{each.label}\n" for each in segments)
>>> joy = SegmentPrediction(
...     file="a.mp4", clip="a", segment=0, start=0.0, end=2.0, label="joy", confidence=0.9,
...     values={"joy": 0.9}, spread={}, modalities={},
... )
>>> write([joy], Path())
'0.0\tjoy\n'
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from emocli.data.json_io import OPTIONAL
from emocli.data.record import Bounds as Bounds
from emocli.data.record import Number as Number
from emocli.data.record import Record


@dataclass(frozen=True, kw_only=True)
class ModalityState(Record):
    """The worth of a modality of a segment.

    Attributes
    ----------
    missing : bool
        There is nothing of it: no face, no sound, no words.
    distrusted : bool
        It is there, and the modality check of most networks does not trust it.
    regenerated : bool
        A proxy, made from the other modalities, stands for it.
    anomaly : float
        Its anomaly score, how far it is by itself from what the check was fitted on: 0 like most
        clips, 1 at their edge, more beyond it. NaN without a check.
    """

    missing: bool
    distrusted: bool
    regenerated: bool
    anomaly: Number

    @property
    def used(self) -> bool:
        """Whether the networks were given it as it is."""
        return not (self.missing or self.distrusted or self.regenerated)


@dataclass(frozen=True, kw_only=True)
class SpokenWord(Record):
    """A word and its times in seconds of the recording."""

    text: str
    start: Number
    end: Number


@dataclass(frozen=True, kw_only=True)
class FaceBox(Record):
    """The clearest face of a segment.

    Attributes
    ----------
    time : float
        Seconds of the recording.
    box : four floats
        x, y, width and height in pixels of the upright picture.
    """

    time: Number
    box: tuple[Number, Number, Number, Number]


@dataclass(frozen=True, kw_only=True)
class SegmentPrediction(Record):
    """The prediction for one segment.

    Attributes
    ----------
    file : str
        The recording.
    clip : str
        Id of the clip that stands for the segment; that of the manifest, if there was one.
    segment : int
        Number of the segment in its recording.
    start, end : float
        Seconds of the recording.
    person, speaker : str
        Whose face and voice it is; empty where unknown. People are numbered by recording.
    person_score : float
        How sure it is, from 0 to 1, that the face is that person's, and with ``main`` and
        ``largest``, that it is theirs rather than another's; NaN where it is not known, or the
        person is not in the segment.
    text : str
        What is said.
    label : str
        The class of highest value, of a multi-label task all that are predicted, joined by a plus;
        empty where all modalities are missing, or no class is predicted.
    confidence : float
        The probability of the label, or of the most probable one; NaN for intensities.
    values, spread : mapping
        Class to its probability or intensity, the mean over the networks; to its standard
        deviation over them.
    interval : mapping, optional
        Class to the bounds in which 9 of 10 validation clips had their intensity.
    modalities : mapping
        Modality to its state.
    words : tuple of SpokenWord
        Those with times.
    face : FaceBox, optional
        The face of the highest detector confidence, where faces were detected.
    """

    file: str
    clip: str
    segment: int
    start: Number
    end: Number
    person: str = ""
    person_score: Number = float("nan")
    speaker: str = ""
    text: str = ""
    label: str
    confidence: Number
    values: Mapping[str, Number]
    spread: Mapping[str, Number]
    interval: Mapping[str, Bounds] | None = field(default=None, metadata=OPTIONAL)
    modalities: Mapping[str, ModalityState]
    words: tuple[SpokenWord, ...] = ()
    face: FaceBox | None = field(default=None, metadata=OPTIONAL)

    @property
    def graded(self) -> bool:
        """Whether the label has an intensity instead of a probability."""
        return math.isnan(self.confidence)

    @property
    def degree(self) -> float:
        """The intensity of the label, or its probability; NaN without a label."""
        return self.values.get(self.label, math.nan) if self.graded else self.confidence


class Writer(Protocol):
    """The module of a format, as a type."""

    __name__: str
    SUFFIX: str

    def write(self, segments: Sequence[SegmentPrediction], folder: Path) -> str:
        """Return the text of the file of one recording."""
        ...
