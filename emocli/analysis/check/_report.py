"""The report of the analysis of the modality check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from emocli.data.json_io import key
from emocli.parsing import Tree
from emocli.plugin.analysis import Number, PlaceReport, Record


@dataclass(frozen=True, kw_only=True)
class Rates(Record):
    """True and false positive rate: shares of clips in which a modality is not trusted.

    Attributes
    ----------
    tpr : float
        Of the modality that is corrupted; the key of the file is ``detected``.
    fpr : float
        Of the other modalities, their mean; the key of the file is ``blamed``.
    """

    tpr: Number = field(metadata=key("detected"))
    fpr: Number = field(metadata=key("blamed"))


@dataclass(frozen=True, kw_only=True)
class Roc(Record):
    """The ROC curve over the limits of the check, and the area under it; keys as of `Rates`.

    Both rates are of one modality: where it is corrupted, and of the same clips where it is clean.
    """

    fpr: tuple[float, ...] = field(metadata=key("blamed"))
    tpr: tuple[float, ...] = field(metadata=key("detected"))
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
        Settings and modality to the share of clean clips in which it is not trusted.
    points : tuple of Point
        Each modality at each level.
    protocol : str
        How clips are corrupted for the confusion.
    confusion : mapping
        Settings, corrupted modality and not trusted one to the number of clips.
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
