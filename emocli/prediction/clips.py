"""Segments of recordings as clips, which is what features are computed of."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from emocli.data.clip import Clip, by_dialogue
from emocli.data.manifest import Manifest
from emocli.data.media.length import length_of
from emocli.data.words import Word, read_words
from emocli.errors import MediaError
from emocli.models.run_config import RunConfig
from emocli.prediction.segmentation.manifest import write_manifest
from emocli.prediction.segmentation.segmenter import SegmentedRecording
from emocli.prediction.segmentation.segments import Segment

UNIT = 64
"""Segments of short recordings that are done together."""

WORDS = "words"
"""The medium that holds words and their times."""


@dataclass(frozen=True)
class Piece:
    """A segment and the clip that stands for it.

    ``language`` is the one spoken, ``person`` whose face the clip shows, both empty where that is
    not known; ``person_score`` is how sure that is.
    """

    segment: Segment
    clip: Clip
    language: str = ""
    person: str = ""
    person_score: float = float("nan")


def pieces_of(recordings: Sequence[SegmentedRecording], path: Path) -> tuple[Piece, ...]:
    """Make a clip of every segment; their manifest is written, and their words beside it.

    Raises
    ------
    ManifestError, StoreError
        If it cannot be written.
    """
    segments = [(segment, cut.language) for cut in recordings for segment in cut.segments]
    clips = write_manifest(recordings, path).clips
    return tuple(
        Piece(segment, clip, language)
        for (segment, language), clip in zip(segments, clips, strict=True)
    )


def pieces_in(corpus: Manifest) -> tuple[Piece, ...]:
    """Take the clips of a manifest as they are; those of a dialogue follow each other."""
    return tuple(
        Piece(_segment(clip, index), clip)
        for dialogue in by_dialogue(corpus.clips).values()
        for index, clip in enumerate(dialogue)
    )


def _segment(clip: Clip, index: int) -> Segment:
    recording = clip.media.get("video") or clip.media.get("audio") or Path(clip.id)
    start = clip.start or 0.0
    end = clip.end if clip.end is not None else _end(clip, start)
    words = _words_of(clip, start, end)
    text = clip.text or " ".join(word.text for word in words)
    return Segment(recording, index, start, end, text, words, clip.speaker)


def _end(clip: Clip, start: float) -> float:
    """Return where a clip without a stated end has it: where its file ends."""
    for kind in ("video", "audio"):
        if kind in clip.media:
            try:
                return max(start, length_of(clip.media[kind]).seconds)
            except MediaError:  # told when its features are computed
                continue
    return start


def _words_of(clip: Clip, start: float, end: float) -> tuple[Word, ...]:
    if WORDS not in clip.media:
        return ()
    try:
        words = read_words(clip.media[WORDS])
    except MediaError:  # told when its features are computed
        return ()
    return tuple(word for word in words if start <= (word.start + word.end) / 2 < end)


def units(pieces: Sequence[Piece]) -> Iterator[tuple[Piece, ...]]:
    """Put recordings together until there are enough segments; none is taken apart."""
    unit: list[Piece] = []
    for index, piece in enumerate(pieces):
        own = piece.clip.dialogue or piece.clip.id
        before = pieces[index - 1].clip if index else None
        if len(unit) >= UNIT and before and (before.dialogue or before.id) != own:
            yield tuple(unit)
            unit = []
        unit.append(piece)
    if unit:
        yield tuple(unit)


def manifest_of(clips: Sequence[Clip], config: RunConfig) -> Manifest:
    """Put clips of a run's task together; they need no labels."""
    media = [str(path.parent) for clip in clips for path in clip.media.values()]
    root = Path(os.path.commonpath(media)) if media else Path.cwd()
    return Manifest(
        clips=tuple(clips),
        classes=config.classes,
        task=config.task,
        dataset="recordings",
        root=root,
        overlap=True,
    )


def with_speakers(manifest: Manifest) -> Manifest:
    """Return a manifest in which all clips of a dialogue that name no speaker are of one."""
    named = [replace(c, speaker=c.speaker or f"{c.dialogue or c.id}:") for c in manifest.clips]
    return replace(manifest, clips=tuple(named))
