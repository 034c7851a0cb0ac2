"""The result of a prediction: emotion over time, and how far each modality was trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from emocli.data.json_io import OPTIONAL
from emocli.data.manifest import Task
from emocli.data.record import Bounds, Number, Record, Report


@dataclass(frozen=True, kw_only=True)
class ModalityState(Record):
    """What a modality of a segment is worth.

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
        empty where all modalities are missing.
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
        The face that was surest to be one, where faces were looked for.
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


@dataclass(frozen=True, kw_only=True)
class FailedInput(Record):
    """Something that could not be used: a recording, or one feature of a segment."""

    file: str
    clip: str = ""
    feature: str = ""
    message: str


@dataclass(frozen=True, kw_only=True)
class UnitReport(Report):
    """The predictions of some recordings, as they are kept until all are done."""

    FORMAT: ClassVar[int] = 2

    segments: tuple[SegmentPrediction, ...]
    failures: tuple[FailedInput, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PredictionReport(Report):
    """The predictions of all recordings, and what they were made with.

    Attributes
    ----------
    emocli, run, fusion : str
        Version, run and network.
    networks : int
        Whose values are averaged: seeds, and folds of a cross-validation.
    task : {'single', 'multi', 'intensity'}
        What the values are.
    classes : tuple of str
        In the order of the network.
    features : mapping
        Modality to its feature.
    repair : str
        What is done about modalities that are not trusted; empty for nothing.
    face : str
        Whose face was predicted: ``main``, ``largest``, ``each`` or a number; empty where features
        of faces were computed as of the clips of a corpus, or there are none.
    calibrated : bool
        Whether the probabilities are calibrated on the validation clips of the training.
    versions : mapping
        Libraries the networks were trained with to their versions.
    segments : tuple of SegmentPrediction
        By recording and time.
    failures : tuple of FailedInput
        What is missing from them.
    remarks : tuple of str
        What a reader should know.
    """

    FORMAT: ClassVar[int] = 2

    emocli: str
    run: str
    fusion: str
    networks: int
    task: Task
    classes: tuple[str, ...]
    features: Mapping[str, str]
    repair: str
    face: str = ""
    calibrated: bool
    versions: Mapping[str, str]
    segments: tuple[SegmentPrediction, ...]
    failures: tuple[FailedInput, ...]
    remarks: tuple[str, ...] = ()
