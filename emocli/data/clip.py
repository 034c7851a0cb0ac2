"""The clip: one utterance, the unit that is classified."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")

SPLIT_NAMES: Mapping[str, Split] = MappingProxyType(
    {
        **{split: split for split in SPLITS},
        "training": "train",
        "dev": "valid",
        "devel": "valid",
        "development": "valid",
        "val": "valid",
        "validate": "valid",
        "validation": "valid",
        "testing": "test",
    }
)
"""What people call the splits, in small letters; ``eval`` is either of two and not among them."""


@dataclass(frozen=True)
class Clip:
    """One utterance of a corpus.

    Attributes
    ----------
    id : str
        Unique within the manifest.
    split : str
        ``train``, ``valid`` or ``test``.
    speaker, dialogue : str
        Who speaks, and in which dialogue; empty where unknown.
    turn : int
        Position inside the dialogue.
    start, end : float or None
        The clip's part of its media, in seconds; None is the beginning, or the end, of the file.
    text : str
        What is said; empty where unknown.
    media : mapping
        ``audio``, ``video``, ``words``, ... to absolute paths.
    label : str or None
        The class of a single-label task.
    labels : mapping
        Class to intensity, or to 0/1 in a multi-label task.
    fold : int or None
        The part of the corpus it is in, where that is published with folds for cross-validation.
    groups : mapping
        What else is known of it or its speaker by which metrics may be told apart: ``gender``,
        ``age``, ``intensity``, ... to a name.
    """

    id: str
    split: Split = "train"
    speaker: str = ""
    dialogue: str = ""
    turn: int = 0
    start: float | None = None
    end: float | None = None
    text: str = ""
    media: Mapping[str, Path] = field(default_factory=dict)
    label: str | None = None
    labels: Mapping[str, float] = field(default_factory=dict)
    fold: int | None = None
    groups: Mapping[str, str] = field(default_factory=dict)


def split_named(name: str) -> Split | None:
    """Return the split of a name, in any case and of any corpus; None if it is none."""
    return SPLIT_NAMES.get(name.strip().lower())


def by_dialogue(clips: Iterable[Clip]) -> dict[str, tuple[Clip, ...]]:
    """Group clips by dialogue, each group by turn; a clip without dialogue is one by itself."""
    groups: dict[str, list[Clip]] = {}
    for clip in clips:
        groups.setdefault(clip.dialogue or clip.id, []).append(clip)
    return {k: tuple(sorted(group, key=lambda clip: clip.turn)) for k, group in groups.items()}
