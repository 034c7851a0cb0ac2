"""A folder of recordings to one manifest of segments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emocli.data.pool import Progress
from emocli.data.sidecar import require_spared
from emocli.errors import EmocliError, MediaError
from emocli.paths import StrPath, StrPaths, listed
from emocli.prediction.progress import RecordingClock, no_progress
from emocli.prediction.segmentation.journal import Journal
from emocli.prediction.segmentation.manifest import write_manifest
from emocli.prediction.segmentation.recordings import recordings
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


def plan(inputs: StrPath | StrPaths, options: SegmentOptions | None = None) -> list[SegmentPlan]:
    """Say how recordings will be cut; parameters and errors as of `segment`."""
    paths = recordings([Path(each) for each in listed(inputs)])
    segmenter = Segmenter(paths, options or SegmentOptions())
    return [segmenter.plan(path) for path in paths]


def segment(
    inputs: StrPath | StrPaths,
    out: StrPath,
    *,
    options: SegmentOptions | None = None,
    progress: Progress = no_progress,
) -> Segmentation:
    """Cut recordings, and write the manifest of their segments.

    One that cannot be cut is a failure in the result, unless it is the only one. What a killed
    command had cut is not cut again.

    Parameters
    ----------
    inputs : str or Path, or a list
        Recordings, or folders of them.
    out : str or Path
        The manifest to write (CSV).
    options : SegmentOptions, optional
        How they are cut.
    progress : callable
        Told seconds of recordings done, and all seconds.

    Raises
    ------
    EmocliError
        If an input is absent, the options are wrong, no recording can be cut, or the manifest
        cannot be written or would replace an input.
    """
    paths, output = recordings([Path(each) for each in listed(inputs)]), Path(out)
    chosen = options or SegmentOptions()
    segmenter = Segmenter(paths, chosen)
    read = [*map(segmenter.subtitles_of, paths), chosen.speakers]
    require_spared(output, [*paths, *filter(None, read)])
    done: list[SegmentedRecording] = []
    failed: list[UncutRecording] = []
    clock, journal = RecordingClock(paths, progress), Journal(output, chosen, segmenter)
    for recording in paths:
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
