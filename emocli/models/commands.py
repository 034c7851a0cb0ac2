"""The command lines that made what a folder holds, kept in it: `RUN/reports/commands.json`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from emocli.data.durable import write_lock, write_text
from emocli.data.json_io import as_json
from emocli.data.record import Record, Report
from emocli.errors import ReportError
from emocli.version import version

FILE = "commands.json"


@dataclass(frozen=True, kw_only=True)
class RecordedCommand(Record):
    """A command that came to its end.

    Attributes
    ----------
    time : str
        When, the last time (ISO 8601, UTC).
    emocli : str
        The version.
    arguments : tuple of str
        What was typed after `emocli`, word by word.
    """

    time: str
    emocli: str
    arguments: tuple[str, ...]

    @property
    def line(self) -> str:
        """The command as a shell takes it."""
        return shlex.join(["emocli", *self.arguments])


@dataclass(frozen=True, kw_only=True)
class CommandLog(Report):
    """The commands, in the order in which they were last given."""

    commands: tuple[RecordedCommand, ...]


def record(folder: Path, arguments: Sequence[str]) -> None:
    """Note a command in the log of a folder; one that was repeated stands there once.

    A log that cannot be read is begun anew: it says nothing that anything depends on.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    path, new = folder / FILE, tuple(arguments)
    with write_lock(path, wait=True):
        before: tuple[RecordedCommand, ...] = ()
        with suppress(ReportError):
            before = read_log(folder)
        kept = (each for each in before if each.arguments != new)
        last = RecordedCommand(time=now, emocli=version(), arguments=new)
        log = CommandLog(format=CommandLog.FORMAT, commands=(*kept, last))
        write_text(path, as_json(log))


def read_log(folder: Path) -> tuple[RecordedCommand, ...]:
    """Return the commands of a folder; none if it has no log.

    Raises
    ------
    ReportError
        If the log is damaged.
    """
    path = folder / FILE
    return CommandLog.read(path).commands if path.is_file() else ()
