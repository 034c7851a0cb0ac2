"""Segments of recordings as clips, which is what features are computed of."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emocli.data.clip import Clip, by_dialogue
from emocli.data.durable import make_folder, write_text
from emocli.data.manifest import Manifest
from emocli.data.words import HEADER, Word, read_words
from emocli.errors import MediaError
from emocli.models.run_config import RunConfig
from emocli.prediction.inputs import Recording
from emocli.prediction.segments import Segment

WORDS = "words"
"""The medium that holds words and their times."""


@dataclass(frozen=True)
class Piece:
    """A segment and the clip that stands for it."""

    segment: Segment
    clip: Clip


def pieces_of(
    segments: Sequence[Segment], recordings: Mapping[Path, Recording], folder: Path
) -> tuple[Piece, ...]:
    """Make a clip of every segment; the words of a recording go into a file in ``folder``.

    Clips of one recording are a dialogue, in the order of time.
    """
    numbers = {path: number for number, path in enumerate(recordings)}
    files = _word_files(segments, numbers, folder)
    pieces = []
    for segment in segments:
        recording = recordings[segment.recording]
        number = numbers[segment.recording]
        media = {
            **({"audio": recording.path} if recording.sound else {}),
            **({"video": recording.path} if recording.picture else {}),
            **({WORDS: files[segment.recording]} if segment.recording in files else {}),
        }
        start, end = _times(segment, recording)
        clip = Clip(
            id=f"{number:05d}-{segment.index:06d}",
            split="test",
            speaker=segment.speaker,
            dialogue=f"{number:05d}",
            turn=segment.index,
            start=start,
            end=end,
            text=segment.text,
            media=media,
        )
        pieces.append(Piece(segment, clip))
    return tuple(pieces)


def _times(segment: Segment, recording: Recording) -> tuple[float | None, float | None]:
    """Return the times of a clip: none for a whole recording, which is then read as it is."""
    begins = segment.start <= 0
    ends = segment.end >= recording.seconds - 1e-6
    return None if begins and ends else segment.start, None if ends else segment.end


def _word_files(
    segments: Iterable[Segment], numbers: Mapping[Path, int], folder: Path
) -> dict[Path, Path]:
    """Write the words of each recording that has any."""
    words: dict[Path, set[Word]] = {}
    for segment in segments:
        if segment.words:
            words.setdefault(segment.recording, set()).update(segment.words)
    files = {}
    for recording, spoken in words.items():
        make_folder(folder)
        files[recording] = folder / f"{numbers[recording]:05d}.csv"
        write_text(files[recording], _table(spoken))
    return files


def _table(words: Iterable[Word]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    rows = sorted((word.start, word.end, word.text) for word in words)
    writer.writerows(rows)
    return text.getvalue()


def pieces_in(corpus: Manifest) -> tuple[Piece, ...]:
    """Take the clips of a manifest as they are; those of a dialogue follow each other.

    Raises
    ------
    MediaError
        If a file of words cannot be read.
    """
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
                return Recording.probe(clip.media[kind]).seconds
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
