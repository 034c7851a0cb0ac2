"""Inputs of a prediction: recordings, which are cut into segments, or manifests of clips."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from emocli.data.durable import write_text
from emocli.data.json_io import as_json, plain
from emocli.data.media.length import Length
from emocli.data.pool import Progress
from emocli.data.record import Number, Record, Report
from emocli.data.words import Word
from emocli.errors import MediaError, ReportError
from emocli.plugin.writer import SpokenWord
from emocli.prediction.clips import Piece, pieces_in, pieces_of
from emocli.prediction.recordings import recordings
from emocli.prediction.segment import SegmentedRecording, Segmenter, SegmentOptions
from emocli.prediction.segments import Segment
from emocli.prediction.timeline import FailedInput
from emocli.prediction.unlabelled import read_unlabelled

MANIFEST = ".csv"


@dataclass(frozen=True, kw_only=True)
class _Cut(Record):
    """A segment as it is kept."""

    index: int
    start: Number
    end: Number
    text: str
    words: tuple[SpokenWord, ...]
    speaker: str


@dataclass(frozen=True, kw_only=True)
class _CutRecording(Report):
    """The segments of a recording, kept so that nothing is recognised twice."""

    sound: Number | None
    pictures: Number | None
    way: str
    language: str
    segments: tuple[_Cut, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Pieces:
    """The segments of all inputs, the recordings that cannot be used, and remarks on the others.

    ``cut`` if they were cut from recordings; else they are clips of manifests, which have to be
    predicted as they are evaluated.
    """

    pieces: tuple[Piece, ...]
    cut: bool
    failures: tuple[FailedInput, ...] = ()
    notes: tuple[str, ...] = ()


def pieces_for(
    inputs: Sequence[Path],
    classes: Sequence[str],
    options: SegmentOptions,
    work: Path,
    progress: Progress = lambda done, total: None,
) -> Pieces:
    """Cut recordings, or take the clips of manifests; what was cut is kept in ``work``.

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
        corpora = [read_unlabelled(path, classes) for path in listed]
        return Pieces(tuple(piece for corpus in corpora for piece in pieces_in(corpus)), cut=False)
    return _cut(recordings(inputs), options, work, progress)


def _cut(paths: Sequence[Path], options: SegmentOptions, work: Path, progress: Progress) -> Pieces:
    segmenter = Segmenter(paths, options)
    done: list[SegmentedRecording] = []
    errors: list[MediaError] = []
    failures: list[FailedInput] = []
    for index, path in enumerate(paths):
        progress(index, len(paths))
        try:
            done.append(_kept(path, segmenter, options, work))
        except MediaError as error:
            errors.append(error)
            failures.append(FailedInput(file=str(path), message=str(error)))
    if not done:
        first, others = errors[0], len(errors) - 1
        more = f" (and {others} others cannot be used either)" if others else ""
        raise MediaError(f"{first.what}{more}", where=first.where, hint=first.hint)
    notes = tuple(f"{each.recording.name}: {note}" for each in done for note in each.notes)
    pieces = pieces_of(done, work / "segments.csv")
    return Pieces(pieces, True, tuple(failures), notes)


def _kept(
    path: Path, segmenter: Segmenter, options: SegmentOptions, work: Path
) -> SegmentedRecording:
    """Cut a recording, or return what an interrupted prediction has cut of the same file."""
    kept = work / f"cut-{_key(path, options)}.json"
    try:
        return _restored(path, _CutRecording.read(kept))
    except ReportError:  # not cut yet, or by another version
        cut = segmenter.segment(path)
        write_text(kept, as_json(_record(cut)))
        return cut


def _key(path: Path, options: SegmentOptions) -> str:
    facts = [str(path), *_stamp(path), plain(asdict(options))]
    facts += [_stamp(each) for each in (options.subtitles, options.speakers) if each]
    beside = sorted(path.parent.glob(f"{_escaped(path.stem)}.*"))
    facts += [(each.name, *_stamp(each)) for each in beside]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _escaped(stem: str) -> str:
    import glob

    return glob.escape(stem)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        file = path.stat()
    except OSError:
        return 0, 0
    return file.st_size, file.st_mtime_ns


def _record(cut: SegmentedRecording) -> _CutRecording:
    return _CutRecording(
        format=_CutRecording.FORMAT,
        sound=cut.length.sound,
        pictures=cut.length.pictures,
        way=cut.way,
        language=cut.language,
        segments=tuple(
            _Cut(
                index=s.index,
                start=s.start,
                end=s.end,
                text=s.text,
                words=tuple(SpokenWord(text=w.text, start=w.start, end=w.end) for w in s.words),
                speaker=s.speaker,
            )
            for s in cut.segments
        ),
        notes=cut.notes,
    )


def _restored(path: Path, kept: _CutRecording) -> SegmentedRecording:
    segments = tuple(
        Segment(
            path,
            s.index,
            s.start,
            s.end,
            s.text,
            tuple(Word(w.text, w.start, w.end) for w in s.words),
            s.speaker,
        )
        for s in kept.segments
    )
    length = Length(kept.sound, kept.pictures)
    return SegmentedRecording(path, length, kept.way, None, kept.language, segments, kept.notes)
