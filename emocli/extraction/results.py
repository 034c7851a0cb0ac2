"""What an extraction would do, and what it has done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

WORDS, UNKNOWN_WORDS = "words", "words.out_of_vocabulary"
"""Notes of features of words: how many there are, and how many of them are not known to it."""


@dataclass(frozen=True)
class ExtractionPlan:
    """The plan of the extraction of one feature, in clips of the manifest.

    Those already in the store file; those known to have no such medium; those that would be
    computed; and those that would be kept although their media files were replaced since.
    ``former`` is that of an `Extraction`.
    """

    feature: str
    path: Path
    clips: int
    present: int
    absent: int
    remaining: int
    changed: int = 0
    former: str = ""


@dataclass(frozen=True)
class Extraction:
    """The report of an extraction of one feature into its store file.

    Attributes
    ----------
    done, resumed, absent, failed : int
        Clips computed now; clips that were there; clips without such a medium; clips that could
        not be extracted.
    notes : mapping
        Sums of the extractor's notes over all clips in the store.
    failures : Path, optional
        The file that lists the failures, if there are any.
    first_failure : str
        What is wrong with the first clip that failed; empty if none did.
    non_finite : int
        NaN and infinite numbers in the store; they are read as 0.
    damaged : int
        Parts of an earlier run that could not be read and were computed again.
    changed : int
        Clips that were kept although their media files were replaced since.
    former : str
        The feature's package in the versions that clips in the store were computed by, but for the
        one installed: ``toys 1.0``; empty of emocli's own features.
    """

    feature: str
    path: Path
    done: int
    resumed: int
    absent: int
    failed: int
    notes: Mapping[str, float] = field(default_factory=dict)
    failures: Path | None = None
    first_failure: str = ""
    seconds: float = 0.0
    non_finite: int = 0
    damaged: int = 0
    changed: int = 0
    former: str = ""


def mostly_unknown(notes: Mapping[str, float]) -> bool:
    """Whether a feature does not know most of the words, by the sums of its notes."""
    return notes.get(UNKNOWN_WORDS, 0) > notes.get(WORDS, 0) / 2
