"""The report of the demonstration: the dataclasses behind its JSON file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

from emocli.data.json_io import OPTIONAL
from emocli.data.record import Bounds, JsonPath, Number, Record, Report


@dataclass(frozen=True, kw_only=True)
class PredictedTalk(Record):
    """The prediction of the recording.

    Attributes
    ----------
    recording, page : Path
        The video, and the page to open.
    utterances, people, rows : int
        How many were said; how many faces are followed; predictions, one per utterance and person.
    missing, distrusted, regenerated : dict
        Modality to the rows in which it is so.
    """

    recording: JsonPath
    page: JsonPath
    utterances: int
    people: int
    rows: int
    missing: dict[str, int]
    distrusted: dict[str, int]
    regenerated: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Accuracy(Record):
    """The accuracy of one network: its mean and spread over seeds, and an interval over clips."""

    accuracy: Number
    std: Number
    ci: Bounds


@dataclass(frozen=True, kw_only=True)
class DemoSystem(Record):
    """The results of one network on the test split, over its seeds.

    Attributes
    ----------
    modalities : tuple of str
        What it was given.
    clean, corrupted : dict
        ``accuracy``, its spread over the seeds (``std``) and its interval over the test clips
        (``ci``, two bounds); for ``corrupted`` by corrupted modality.
    tested : int
        Test clips.
    interval : str
        What ``ci`` is.
    """

    fusion: str
    modalities: tuple[str, ...]
    clean: Accuracy
    corrupted: dict[str, Accuracy]
    run: JsonPath
    tested: int
    interval: str


@dataclass(frozen=True, kw_only=True)
class DemoReport(Report):
    """The report of the demonstration: where everything is, and the results of every network.

    ``corruption`` is what was done to one modality at a time; ``report`` is the JSON file; ``talk``
    is what was predicted of a new recording, and ``emocli`` the version that wrote it.
    """

    RENAMED: ClassVar[Mapping[str, str] | None] = MappingProxyType({})

    folder: JsonPath
    manifest: JsonPath
    store: JsonPath
    report: JsonPath
    clips: int
    seeds: int
    corruption: str
    systems: tuple[DemoSystem, ...]
    talk: PredictedTalk
    emocli: str | None = field(default=None, metadata=OPTIONAL)
