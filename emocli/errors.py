"""Errors and warnings that a user can act on."""

from __future__ import annotations

import os
from collections.abc import Sequence

from emocli.paths import StrPath


class EmocliError(Exception):
    """A user's mistake or a broken input: one line, exit code 2, no traceback.

    Parameters
    ----------
    what : str
        What is wrong.
    where : str or path, optional
        The file, row, clip or setting concerned; printed first.
    hint : str, optional
        How to put it right; printed last.
    """

    def __init__(self, what: str, *, where: StrPath = "", hint: str = "") -> None:
        self.what = what
        self.where = os.fspath(where)
        self.hint = hint
        super().__init__(what, self.where, hint)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        hint = f"; {self.hint}" if self.hint else ""
        return " ".join(f"{place}{self.what}{hint}".split())

    def __reduce__(self) -> tuple[object, ...]:
        # Errors travel between worker processes; keyword arguments need this.
        return _rebuild, (type(self), self.what, self.where, self.hint)


def _rebuild(kind: type[EmocliError], what: str, where: str, hint: str) -> EmocliError:
    return kind(what, where=where, hint=hint)


class EmocliWarning(UserWarning):
    """Something a user should know of that stops nothing; the command line prints it as a line."""


class ConfigError(EmocliError):
    """A setting is unknown or has an impossible value."""


class ManifestError(EmocliError):
    """A manifest breaks a rule."""


class StoreError(EmocliError):
    """A feature store, check file or interchange file is absent, damaged or does not fit."""


class UnfittableError(StoreError):
    """Too few clips have the features that a modality check is to be fitted on, or all the same."""


class MediaError(EmocliError):
    """A recording cannot be read, or holds no such stream."""


class NoSoundError(MediaError):
    """A stretch of a recording has no sample of sound, as before a microphone begins."""


class RunError(EmocliError):
    """A run folder is absent, damaged or does not fit."""


class ReportError(EmocliError):
    """A report is absent, damaged or of another format."""


def reason(error: Exception) -> str:
    """Return the first line of what a library says is wrong, or else the name of its error."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def short(text: str, most: int = 80) -> str:
    """Return the text as it is, or the beginning of a long one: what a message shows of a value."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def choice(name: str, known: Sequence[str], most: int | None = None, *, prefix: str = "") -> str:
    """Suggest the nearest known name, or list what there is, ``most`` names at most: a mend.

    ``prefix`` is what a suggested name is typed after, such as its section.
    """
    more = ", ..." if most is not None and len(known) > most else ""
    listing = f"there are: {', '.join(known[:most]) + more or 'none'}"
    return suggestion(name, known, prefix=prefix) or listing


def suggestion(name: str, known: Sequence[str], *, prefix: str = "") -> str:
    """Suggest the nearest known name, after a ``prefix``; empty if none is near."""
    import difflib

    # The comparison takes as long as the name is long.
    close = difflib.get_close_matches(name, known, n=1) if len(name) < 200 else ()
    return f"did you mean '{prefix}{close[0]}'?" if close else ""
