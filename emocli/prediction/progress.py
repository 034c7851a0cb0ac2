"""Progress of a prediction: its stages, and the position in its recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emocli.data.media.length import length_of
from emocli.data.pool import Progress
from emocli.errors import MediaError


def no_progress(done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Stages:
    """The stages of a prediction, which alternate, and a callback for the progress of each.

    Attributes
    ----------
    cutting : callable
        Seconds of the recordings that are cut, and all of them; recognition is most of it.
    people : callable
        Seconds of the pictures in which people are known, and all of them.
    predicting : callable
        Segments that are done, and all of them; features are most of it.
    """

    cutting: Progress = no_progress
    people: Progress = no_progress
    predicting: Progress = no_progress


SILENT = Stages()


class RecordingClock:
    """Tells progress in seconds of recordings, before and between which it stands still."""

    def __init__(self, recordings: Sequence[Path], progress: Progress) -> None:
        self._seconds = {recording: _seconds(recording) for recording in recordings}
        self._total = sum(self._seconds.values())
        self._before = 0.0
        self._progress = progress
        self.heard(0.0)

    def heard(self, seconds: float) -> None:
        """Tell how many seconds of the current recording are done."""
        self._progress(round(self._before + seconds), round(self._total))

    def finish(self, recording: Path) -> None:
        """Go on to the next recording."""
        self._before += self._seconds[recording]
        self.heard(0.0)


class UnitClock:
    """Tells the progress of units of recordings, which are predicted one after another."""

    def __init__(self, seconds: float, segments: int, progress: Stages) -> None:
        self._seconds, self._segments = seconds, segments
        self._known, self._predicted = 0.0, 0
        self._progress = progress

    def known(self, seconds: float) -> None:
        """Tell in how many seconds of the unit's pictures people are known."""
        self._progress.people(round(self._known + seconds), round(self._seconds))

    def predicted(self, segments: float) -> None:
        """Tell how many segments of the unit are done."""
        self._progress.predicting(int(self._predicted + segments), self._segments)

    def finish(self, seconds: float, segments: int) -> None:
        """Go on to the next unit, behind one with so much to do."""
        self._known += seconds
        self._predicted += segments
        self.predicted(0)


def _seconds(recording: Path) -> float:
    try:
        return length_of(recording).seconds
    except MediaError:
        return 0.0  # it will be a failure
