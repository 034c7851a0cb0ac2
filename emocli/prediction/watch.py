"""Prediction of recordings as they arrive in a folder: one process that looks again and again.

A file is taken when it has not grown or changed between two looks; programs that copy slowly should
write under another name, or elsewhere, and rename. Each recording has a folder of its own in that
of the results. What was done is written down after every file: after a restart only what is new or
has changed since is predicted, and what an interrupted file had is gone on with.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from emocli.data.durable import locked, used_folder, write_text
from emocli.data.filenames import named
from emocli.data.json_io import as_json, plain_values
from emocli.data.manifest_rules import absolute
from emocli.data.media.content import AUDIO, VIDEO
from emocli.data.record import Record, Report
from emocli.errors import ConfigError, MediaError, ReportError
from emocli.plugin.dataset import Folder
from emocli.prediction.predict import Predictor, predict_into
from emocli.prediction.progress import SILENT, Stages
from emocli.prediction.timeline import FailedInput
from emocli.prediction.writers import FAILURES, write_failures
from emocli.version import version

STATE = "watched.json"
"""The file that says what was done."""

PAUSE = 1.0
"""Seconds between two looks."""

Stamp = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds."""


@dataclass(frozen=True, kw_only=True)
class WatchedFile(Record):
    """A recording that has arrived and what became of it.

    Attributes
    ----------
    file : str
        Its path below the watched folder.
    size, modified : int
        Bytes, and nanoseconds since 1970, when it was taken.
    key : str
        Digest of networks, options and version that predicted it.
    folder : str
        That of its result, below the folder of all results; empty if there is none.
    segments, failures : int
        How many there are in it.
    message : str
        Why nothing of it could be predicted; else empty.
    """

    file: str
    size: int
    modified: int
    key: str
    folder: str
    segments: int = 0
    failures: int = 0
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class WatchReport(Report):
    """All recordings that were taken, in the order in which they were."""

    files: tuple[WatchedFile, ...] = ()


class InterruptedFile(KeyboardInterrupt):
    """A watch was interrupted in the middle of a recording."""


@dataclass(frozen=True)
class Watch:
    """A folder that is watched.

    Attributes
    ----------
    predictor : Predictor
        A run that is ready.
    folder : Path
        Where recordings arrive, folders in it included.
    out : Path
        Where results go.
    rest : callable
        Waits between two looks; KeyboardInterrupt in it ends the watch.
    progress : Stages
        Who is told how far the current recording is.
    """

    predictor: Predictor
    folder: Path
    out: Path
    rest: Callable[[], None] = lambda: time.sleep(PAUSE)
    progress: Stages = SILENT

    def files(self) -> Iterator[WatchedFile]:
        """Predict what arrives, and yield it, until it is interrupted while it waits.

        A recording that cannot be used is listed in ``failures.jsonl`` and does not end the watch.

        Raises
        ------
        EmocliError
            If the folder is not there, or a disk or setting does not allow to go on.
        InterruptedFile
            If it is interrupted while it predicts.
        """
        self._require_usable()
        with used_folder(self.out), locked(self.out / ".lock"):
            seen: dict[Path, Stamp] = {}
            while True:
                now, done = dict(self._stamps()), self._done()
                for path, stamp in now.items():
                    if seen.get(path) == stamp and (self._name(path), *stamp) not in done:
                        yield self._take(path, stamp)
                seen = now
                try:
                    self.rest()
                except KeyboardInterrupt:
                    return

    def _require_usable(self) -> None:
        """Refuse a folder that is not there, and options that name a file of one recording."""
        if not self.folder.is_dir():
            raise MediaError("there is no such folder to watch", where=self.folder)
        cut = self.predictor.options.segments
        if cut.speakers is not None:
            what = "it says who speaks in recordings that are there, not in those that will come"
            raise ConfigError(what, where=cut.speakers, hint="leave --speakers out")
        if cut.subtitles is not None and not cut.subtitles.is_dir():
            hint = "name a folder with the subtitles of each"
            raise ConfigError("one file of subtitles for all that comes", hint=hint)

    def report(self) -> WatchReport:
        """Return what was done so far, in this process and before."""
        try:
            return WatchReport.read(self.out / STATE)
        except ReportError:  # nothing yet, or by another version
            return WatchReport(format=WatchReport.FORMAT)

    def _stamps(self) -> Iterator[tuple[Path, Stamp]]:
        results = absolute(self.out)
        for path in Folder.scan(self.folder).with_suffix(AUDIO | VIDEO):
            if path.name.startswith(".") or path.is_relative_to(results):
                continue
            try:
                file = path.stat()
            except OSError:  # gone again, or a link to nothing
                continue
            if file.st_size:
                yield path, (file.st_size, file.st_mtime_ns)

    def _done(self) -> set[tuple[str, int, int]]:
        """Return name, size and time of the files that were taken with the same networks."""
        files = self.report().files
        return {(each.file, each.size, each.modified) for each in files if each.key == self._key}

    def _take(self, path: Path, stamp: Stamp) -> WatchedFile:
        own = self._name(path)
        size, modified = stamp
        taken = WatchedFile(
            file=own, size=size, modified=modified, key=self._key, folder=_folder(own)
        )
        done = self._predicted(path, taken)
        self._write_down(done)
        return done

    def _predicted(self, path: Path, taken: WatchedFile) -> WatchedFile:
        facts = taken.data()
        try:
            report = predict_into(self.predictor, [path], self.out / taken.folder, self.progress)
        except MediaError as error:
            return WatchedFile.from_data(facts | {"message": str(error), "folder": ""})
        except KeyboardInterrupt:
            raise InterruptedFile from None
        counts = {"segments": len(report.segments), "failures": len(report.failures)}
        return WatchedFile.from_data(facts | counts)

    def _write_down(self, done: WatchedFile) -> None:
        others = [each for each in self.report().files if each.file != done.file]
        report = WatchReport(format=WatchReport.FORMAT, files=(*others, done))
        write_failures([*_failures(report, self.folder)], self.out / FAILURES)
        write_text(self.out / STATE, as_json(report))

    def _name(self, path: Path) -> str:
        return path.relative_to(absolute(self.folder)).as_posix()

    @cached_property
    def _key(self) -> str:
        options = plain_values(asdict(self.predictor.options))
        facts = json.dumps([self.predictor.ensemble.fingerprint, options, version()])
        return hashlib.sha256(facts.encode()).hexdigest()[:32]


def failed(report: WatchReport) -> list[WatchedFile]:
    """Return the recordings of which something could not be predicted."""
    return [each for each in report.files if each.message or each.failures]


def _failures(report: WatchReport, folder: Path) -> Iterator[FailedInput]:
    for each in failed(report):
        listed = f"{each.failures} failures, listed in {each.folder}/{FAILURES}"
        yield FailedInput(file=str(folder / each.file), message=each.message or listed)


def _folder(name: str) -> str:
    """Return a folder's name for a file; that of another file is another."""
    plain_name = named(name)
    if plain_name == name:
        return name
    return f"{plain_name}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
