"""The manifest of segments, which every command takes that needs no labels."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from emocli.data.clip import Clip, Split
from emocli.data.durable import make_folder, write_text
from emocli.data.filenames import named as file_named
from emocli.data.manifest import Manifest
from emocli.data.manifest_rules import absolute
from emocli.data.words import HEADER, Word
from emocli.prediction.segmentation.recordings import common_folder, names
from emocli.prediction.segmentation.segmenter import SegmentedRecording
from emocli.prediction.segmentation.segments import Segment

SPLIT: Split = "test"
"""Of all segments: nothing is trained on them."""


def write_manifest(recordings: Sequence[SegmentedRecording], path: Path) -> Manifest:
    """Write the manifest of segments; their words go to files in ``<manifest>.words`` beside it.

    Each recording is a dialogue, and its segments are the turns. A speaker of several recordings
    is named with the recording: the same label in two files need not be the same person.

    Raises
    ------
    ManifestError, StoreError
        If it cannot be written.
    """
    path = absolute(path)
    named = names([each.recording for each in recordings])
    folder = path.with_suffix(".words")
    words = {
        each.recording: _write_words(each, f"{number:03d}-{named[each.recording]}", folder)
        for number, each in enumerate(recordings)
    }
    clips = tuple(
        _clip(segment, each, named[each.recording], words[each.recording], len(recordings) == 1)
        for each in recordings
        for segment in each.segments
    )
    files = {medium for clip in clips for medium in clip.media.values()}
    manifest = Manifest(
        clips=clips,
        classes=(),
        task="single",
        dataset=path.stem,
        root=common_folder(sorted(files)),
        path=path,
        splits="none: all segments are for prediction",
    )
    manifest.write(path)
    return manifest


def _clip(
    segment: Segment,
    recording: SegmentedRecording,
    name: str,
    words: Mapping[str, Path],
    only_recording: bool,
) -> Clip:
    media = {
        "audio": None if recording.length.sound is None else segment.recording,
        "video": None if recording.length.pictures is None else segment.recording,
        "words": words.get(segment.speaker),
    }
    return Clip(
        id=f"{name}_{segment.index:04d}",
        split=SPLIT,
        speaker=segment.speaker
        if only_recording or not segment.speaker
        else f"{name}:{segment.speaker}",
        dialogue=name,
        turn=segment.index,
        start=segment.start,
        end=segment.end,
        text=segment.text,
        media={kind: file for kind, file in media.items() if file is not None},
    )


def _write_words(recording: SegmentedRecording, name: str, folder: Path) -> dict[str, Path]:
    """Write the words of each speaker's segments, by start; a clip takes those in its times."""
    spoken: dict[str, dict[Word, None]] = {}
    for segment in recording.segments:
        if segment.words:
            spoken.setdefault(segment.speaker, {}).update(dict.fromkeys(segment.words))
    paths = {}
    for number, (speaker, words) in enumerate(spoken.items()):
        file = f"{name}.{number}-{speaker}" if speaker else name
        paths[speaker] = folder / f"{file_named(file)}.csv"
        make_folder(folder)
        write_text(paths[speaker], _table(sorted(words, key=lambda word: (word.start, word.end))))
    return paths


def _table(words: Sequence[Word]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows((f"{word.start:.3f}", f"{word.end:.3f}", word.text) for word in words)
    return text.getvalue()
