"""The report of the analysis of the modality check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from emocli.analysis._conditions import PlaceReport
from emocli.data.record import Number, Record
from emocli.parsing import Tree


@dataclass(frozen=True, kw_only=True)
class Rates(Record):
    """Share of the corrupted that is flagged, and of the innocent."""

    detected: Number
    blamed: Number


@dataclass(frozen=True, kw_only=True)
class Roc(Record):
    """The same shares as the limits are moved, and the area under them."""

    blamed: tuple[float, ...]
    detected: tuple[float, ...]
    area: Number


@dataclass(frozen=True, kw_only=True)
class Point(Record):
    """The outcome for one modality corrupted at one level; ``rates`` by settings of the check."""

    modality: str
    level: str
    snr_db: float | None
    rates: Mapping[str, Rates]
    roc: Roc

    @property
    def label(self) -> str:
        """The corruption, as tables and figures show it."""
        return "another clip's" if self.snr_db is None else f"{self.snr_db:g} dB"


@dataclass(frozen=True, kw_only=True)
class CheckReport(PlaceReport):
    """The outcome of the check over the level of noise.

    Attributes
    ----------
    n, corruption_seed, modalities
        The clips, the noise, and what is corrupted.
    settings : mapping
        Name of the settings of a check (``fitted``, ``literal``, ``paper``) to the settings.
    clean : mapping
        Settings and modality to the share of clean clips that is flagged.
    points : tuple of Point
        Each modality at each level.
    protocol : str
        How clips are corrupted for the confusion.
    confusion : mapping
        Settings, corrupted modality and flagged one to the number of clips.
    """

    RENAMED: ClassVar[Mapping[str, str] | None] = {
        "points.*.rates.*.found": "detected",
        "points.*.rates.*.false": "blamed",
        "points.*.roc.found": "detected",
        "points.*.roc.false": "blamed",
    }

    n: int
    corruption_seed: int
    modalities: tuple[str, ...]
    settings: Mapping[str, Tree]
    clean: Mapping[str, Mapping[str, Number]]
    points: tuple[Point, ...]
    protocol: str
    confusion: Mapping[str, Mapping[str, Mapping[str, int]]]
