"""Words without a word vector: a sign that what is said is in another language than the vectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from emocli.data.manifest import Manifest
from emocli.data.store import features_in, open_feature
from emocli.extraction.results import UNKNOWN_WORDS, WORDS, mostly_unknown
from emocli.prediction.clips import Piece

Counts = Mapping[str, Mapping[str, float]]
"""Clip to what was noted about its words."""


def counted_words(folder: Path, manifest: Manifest) -> dict[str, dict[str, float]]:
    """Return how many words the clips of a store have, and how many no feature knows."""
    counts: dict[str, dict[str, float]] = {}
    for name in features_in(folder):
        with open_feature(folder, name, manifest) as store:
            notes = {clip_id: store.notes(clip_id) for clip_id in store.ids}
        counts |= {clip_id: each for clip_id, each in notes.items() if WORDS in each}
    return counts


def unknown_words(pieces: Sequence[Piece], counts: Counts) -> Iterator[str]:
    """Say in which recordings most words have no vector, and what language was heard there."""
    recordings: dict[Path, Counter[str]] = {}
    languages = {piece.segment.recording: piece.language for piece in pieces}
    for piece in pieces:
        own = recordings.setdefault(piece.segment.recording, Counter())
        own.update(counts.get(piece.clip.id, {}))
    for path, sums in recordings.items():
        if mostly_unknown(sums):
            share, language = sums[UNKNOWN_WORDS] / sums[WORDS], languages[path]
            spoken = f" ('{language}')" if language else ""
            yield (
                f"{path.name}: {share:.0%} of the words have no vector: are the vectors made for "
                f"the language that is spoken{spoken}?"
            )
