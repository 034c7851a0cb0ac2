"""The result of a prediction: emotion over time, and how far each modality was trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from emocli.data.json_io import OPTIONAL
from emocli.data.manifest import Task
from emocli.data.record import Record, Report
from emocli.parsing import Tree
from emocli.plugin.writer import SegmentPrediction


@dataclass(frozen=True, kw_only=True)
class FailedInput(Record):
    """Something that could not be used: a recording, or one feature of a segment."""

    file: str
    clip: str = ""
    feature: str = ""
    message: str

    @property
    def description(self) -> str:
        """The message, preceded by the file where it does not name it."""
        return self.message if self.file in self.message else f"{self.file}: {self.message}"


@dataclass(frozen=True, kw_only=True)
class UnitReport(Report):
    """The predictions of some recordings, as they are kept until all are done."""

    FORMAT: ClassVar[int] = 2

    segments: tuple[SegmentPrediction, ...]
    failures: tuple[FailedInput, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CutRecording(Record):
    """A recording's cutting into segments.

    Attributes
    ----------
    file : str
        The recording.
    way : str
        The way it was cut.
    subtitles : str
        The file of subtitles or annotations that was used; empty if there is none.
    language : str
        The one spoken; empty where that is not known.
    """

    file: str
    way: str
    subtitles: str
    language: str


@dataclass(frozen=True, kw_only=True)
class Cutting(Record):
    """The cutting of recordings into segments, and where their words and speakers are from.

    Attributes
    ----------
    recordings : tuple of CutRecording
        Those that were cut.
    settings : mapping
        Way to its settings, of the ways that were used, and of the reading of subtitles.
    speakers : str
        The RTTM file that says who speaks; empty if there is none.
    recogniser : str
        The Whisper model that recognised speech, by name or folder; empty if none did.
    """

    recordings: tuple[CutRecording, ...]
    settings: Mapping[str, Tree]
    speakers: str
    recogniser: str


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
    cutting : Cutting, optional
        How recordings were cut; None for clips of manifests.
    versions : mapping
        Libraries the networks were trained with to their versions.
    libraries : mapping
        Those that predicted, on this machine, to their versions.
    segments : tuple of SegmentPrediction
        By recording and time.
    failures : tuple of FailedInput
        What is missing from them.
    remarks : tuple of str
        What a reader should know.
    """

    FORMAT: ClassVar[int] = 3

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
    cutting: Cutting | None = field(default=None, metadata=OPTIONAL)
    versions: Mapping[str, str]
    libraries: Mapping[str, str]
    segments: tuple[SegmentPrediction, ...]
    failures: tuple[FailedInput, ...]
    remarks: tuple[str, ...] = ()
