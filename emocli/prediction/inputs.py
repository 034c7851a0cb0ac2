"""Inputs of a prediction: recordings, which are cut into segments, or manifests of clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from emocli.data.pool import Progress
from emocli.errors import ConfigError, MediaError
from emocli.prediction.clips import Piece, pieces_in, pieces_of
from emocli.prediction.progress import RecordingClock, no_progress
from emocli.prediction.segmentation.journal import Journal
from emocli.prediction.segmentation.recordings import recordings
from emocli.prediction.segmentation.segmenter import (
    SUBTITLES,
    SegmentedRecording,
    Segmenter,
    SegmentOptions,
)
from emocli.prediction.timeline import CutRecording, Cutting, FailedInput
from emocli.prediction.unlabelled import read_unlabelled

MANIFEST = ".csv"


@dataclass(frozen=True)
class Pieces:
    """The segments of all inputs, the recordings that cannot be used, and remarks on the others.

    ``cutting`` says how they were cut from recordings; without it they are clips of manifests,
    which have to be predicted as they are evaluated.
    """

    pieces: tuple[Piece, ...]
    cutting: Cutting | None = None
    failures: tuple[FailedInput, ...] = ()
    notes: tuple[str, ...] = ()


def pieces_for(
    inputs: Sequence[Path],
    classes: Sequence[str],
    options: SegmentOptions,
    work: Path,
    progress: Progress = no_progress,
) -> Pieces:
    """Cut recordings, or take the clips of manifests; what was cut is kept in ``work``.

    ``progress`` is told seconds of recordings.

    Raises
    ------
    EmocliError
        If an input is not there, an option is wrong, or no recording can be used.
    """
    listed = [path for path in inputs if path.suffix.lower() == MANIFEST]
    if listed and len(listed) < len(inputs):
        what = "is a manifest, and there are recordings beside it"
        raise MediaError(what, where=listed[0], hint="predict them in two commands")
    if listed:
        _require_uncut(options, listed[0])
        corpora = [read_unlabelled(path, classes) for path in listed]
        return Pieces(tuple(piece for corpus in corpora for piece in pieces_in(corpus)))
    return _cut(recordings(inputs), options, work, progress)


def _require_uncut(options: SegmentOptions, manifest: Path) -> None:
    """Refuse options of cutting, which clips of a manifest have no use for."""
    default = SegmentOptions()
    names = [
        f.name for f in fields(options) if getattr(options, f.name) != getattr(default, f.name)
    ]
    names += [f"settings of '{name}'" for name in options.settings]
    if given := [name for name in names if name != "settings"]:
        what = f"its clips are not cut: only recordings take {', '.join(given)}"
        raise ConfigError(what, where=manifest, hint="leave out what is for recordings")


def _cut(paths: Sequence[Path], options: SegmentOptions, work: Path, progress: Progress) -> Pieces:
    segmenter, manifest = Segmenter(paths, options), work / "segments.csv"
    clock, journal = RecordingClock(paths, progress), Journal(manifest, options, segmenter)
    done: list[SegmentedRecording] = []
    errors: list[MediaError] = []
    failures: list[FailedInput] = []
    for path in paths:
        try:
            done.append(journal.cut(path, clock.heard))
        except MediaError as error:
            errors.append(error)
            failures.append(FailedInput(file=str(path), message=str(error)))
        clock.finish(path)
    if not done:
        first, others = errors[0], len(errors) - 1
        more = f" (and {others} others cannot be used either)" if others else ""
        raise MediaError(f"{first.what}{more}", where=first.where, hint=first.hint)
    notes = tuple(f"{each.recording.name}: {note}" for each in done for note in each.notes)
    cutting = _cutting(done, segmenter, options)
    return Pieces(pieces_of(done, manifest), cutting, tuple(failures), notes)


def _cutting(
    done: Sequence[SegmentedRecording], segmenter: Segmenter, options: SegmentOptions
) -> Cutting:
    """Say how recordings were cut."""
    used = {each.way for each in done} | {SUBTITLES for each in done if each.subtitles}
    return Cutting(
        recordings=tuple(
            CutRecording(
                file=str(each.recording),
                way=each.way,
                subtitles=str(each.subtitles or ""),
                language=each.language,
            )
            for each in done
        ),
        settings={way: segmenter.settings_of(way) for way in sorted(used)},
        speakers=str(options.speakers or ""),
        recogniser=options.transcribe,
    )
