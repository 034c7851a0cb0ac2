"""A folder of recordings to one manifest of segments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emocli.data.pool import Progress
from emocli.errors import EmocliError, MediaError
from emocli.prediction.progress import RecordingClock, no_progress
from emocli.prediction.segmentation.journal import Journal
from emocli.prediction.segmentation.manifest import write_manifest
from emocli.prediction.segmentation.segmenter import (
    SegmentedRecording,
    Segmenter,
    SegmentOptions,
    SegmentPlan,
)


@dataclass(frozen=True)
class UncutRecording:
    """A recording that could not be cut, and why."""

    recording: Path
    message: str


@dataclass(frozen=True)
class Segmentation:
    """The summary of a segmentation.

    Attributes
    ----------
    path : Path
        The manifest.
    recordings, segments, words : int
        How many; words with times.
    seconds : float
        Length of all segments together.
    ways : mapping
        Way to the number of recordings it cut.
    speakers : tuple of str
        Who speaks, as the files name them.
    languages : mapping
        Language to the number of recordings it is spoken in, where that is known.
    notes : tuple of str
        What was left out.
    failures : tuple of UncutRecording
        The recordings that could not be cut.
    """

    path: Path
    recordings: int
    segments: int
    words: int
    seconds: float
    ways: Mapping[str, int]
    speakers: tuple[str, ...]
    languages: Mapping[str, int]
    notes: tuple[str, ...]
    failures: tuple[UncutRecording, ...]


def plan(recordings: Sequence[Path], options: SegmentOptions) -> list[SegmentPlan]:
    """Say how recordings will be cut; errors as of `segment_recordings`."""
    segmenter = Segmenter(recordings, options)
    return [segmenter.plan(recording) for recording in recordings]


def segment_recordings(
    recordings: Sequence[Path],
    output: Path,
    options: SegmentOptions,
    progress: Progress = no_progress,
) -> Segmentation:
    """Cut recordings, and write the manifest of their segments.

    One that cannot be cut is a failure in the result, unless it is the only one. What a killed
    command had cut is not cut again.

    Raises
    ------
    EmocliError
        If the options are wrong, no recording can be cut, or the manifest cannot be written.
    """
    segmenter = Segmenter(recordings, options)
    done: list[SegmentedRecording] = []
    failed: list[UncutRecording] = []
    clock, journal = RecordingClock(recordings, progress), Journal(output, options, segmenter)
    for recording in recordings:
        try:
            done.append(journal.cut(recording, clock.heard))
        except MediaError as error:
            last = error
            failed.append(UncutRecording(recording, str(error)))
        clock.finish(recording)
    if not done:
        raise _none_cut(last, len(failed))
    manifest = write_manifest(done, output)
    journal.close()
    return _summary(done, failed, manifest.path or output)


def _none_cut(last: MediaError, count: int) -> EmocliError:
    if count == 1:
        return last
    return MediaError(f"none of {count} recordings can be cut; the last one: {last}")


def _summary(
    done: Sequence[SegmentedRecording], failures: Sequence[UncutRecording], path: Path
) -> Segmentation:
    segments = [segment for each in done for segment in each.segments]
    return Segmentation(
        path=path,
        recordings=len(done),
        segments=len(segments),
        words=sum(len(segment.words) for segment in segments),
        seconds=round(sum(segment.end - segment.start for segment in segments), 3),
        ways=Counter(each.way for each in done),
        speakers=tuple(dict.fromkeys(s.speaker for s in segments if s.speaker)),
        languages=Counter(each.language for each in done if each.language),
        notes=tuple(f"{each.recording}: {note}" for each in done for note in each.notes),
        failures=tuple(failures),
    )
