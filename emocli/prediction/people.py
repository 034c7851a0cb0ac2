"""The people of recordings whose faces are predicted, and which of them a segment shows.

People are looked for once in a recording, stretch by stretch; what is known is kept, so that a
killed prediction goes on behind it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.config import Settings
from emocli.data.durable import make_folder, write_bytes
from emocli.errors import ConfigError
from emocli.plugin.feature import PeopleFinder
from emocli.plugin.people import Appearances, Stretch

MAIN, LARGEST, EACH = "main", "largest", "each"

LEAST = 1.0
"""Seconds for which somebody has to be seen to be one of `EACH`, in a recording of 4 s or more."""

LEAST_SHARE = 0.25
"""The same as a share of the recording, where that is less."""

ABSENT = 0
"""A number that nobody has: of a segment in which nobody is seen."""

STATE, SEEN = "state.", "seen."
"""What the names of arrays in a file of a stretch begin with."""


@dataclass(frozen=True)
class FaceChoice:
    """The choice of a face to predict: `MAIN`, `LARGEST`, `EACH`, or a person by number."""

    how: str
    person: int | None = None

    @classmethod
    def of(cls, text: str) -> FaceChoice:
        """Take the value of the option; `ConfigError` if there is no such choice."""
        if text in (MAIN, LARGEST, EACH):
            return cls(text)
        if text.isascii() and text.isdigit() and int(text) > 0:
            return cls("person", int(text))
        hint = f"choose {MAIN}, {LARGEST}, {EACH}, or a person by number, from 1"
        raise ConfigError(f"no face is chosen by '{text}'", where="--face", hint=hint)

    def __str__(self) -> str:
        return self.how if self.person is None else str(self.person)


def find_people(
    finder: PeopleFinder,
    config: Settings,
    recording: Path,
    folder: Path,
    progress: Callable[[float], None] = lambda seconds: None,
) -> Appearances:
    """Find the people of a recording; stretches that are in ``folder`` are known.

    Parameters
    ----------
    finder, config
        The feature's finder and its settings.
    recording : Path
        A video.
    folder : Path
        Where stretches are kept.
    progress : callable
        Told up to which second people are known.
    """
    make_folder(folder)
    seen, last = [], None
    for last in _kept(folder):
        seen.append(last.appearances)
    if last is None or last.end is not None:
        for stretch in finder.find(config, recording, last, progress):
            seen.append(stretch.appearances)
            _keep(stretch, folder / f"{len(seen):06d}.npz")
    return Appearances.joined(seen)


def lasting(appearances: Appearances) -> tuple[int, ...]:
    """Return the people who are seen long enough to have rows of their own, by number."""
    times = appearances.times
    length = float(times[-1] - times[0]) + appearances.interval if len(times) else 0.0
    least = min(LEAST, LEAST_SHARE * length)
    return tuple(sorted(n for n, seconds in appearances.seconds().items() if seconds >= least))


@dataclass(frozen=True)
class Shown:
    """The person of a segment (None: nobody), and the confidence of it (NaN: unknown)."""

    person: int | None
    score: float


NOBODY = Shown(None, float("nan"))


def main_person(seen: Appearances, spans: Sequence[tuple[float, float]]) -> Shown:
    """Return who is seen most while somebody speaks; if nobody is seen then, who is seen most.

    The score is how sure the number is, by the mean over the person's frames, times the person's
    share of the frames that show them or whoever is seen second most.

    Parameters
    ----------
    seen : Appearances
        Those of a segment.
    spans : sequence of (float, float)
        When somebody speaks in it, in seconds of the recording.
    """
    times = seen.times[seen.frame]
    spoken = np.zeros(len(times), bool)
    for start, end in spans:
        spoken |= (times >= start) & (times < end)
    rows = spoken if spoken.any() else np.ones(len(times), bool)
    return _most(seen, seen.track[rows])


def largest_person(seen: Appearances) -> Shown:
    """Return whose face is the largest in most frames of a segment, scored as `main_person`."""
    area = seen.box[:, 2] * seen.box[:, 3]
    order = np.lexsort((-area, seen.frame))
    _, first = np.unique(seen.frame[order], return_index=True)
    return _most(seen, seen.track[order[first]])


def certain_person(seen: Appearances, person: int) -> Shown:
    """Return a person of a segment, and how sure it is that it is that one; NaN if not there."""
    own = seen.score[seen.track == person]
    return Shown(person, float(own.mean()) if len(own) else float("nan"))


def _most(seen: Appearances, numbers: NDArray[np.int32]) -> Shown:
    if not len(numbers):
        return NOBODY
    people, counts = np.unique(numbers, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    first, *others = counts[order]
    share = float(first / (first + sum(others[:1])))
    known = certain_person(seen, int(people[order[0]]))
    return Shown(known.person, known.score * share)


def _keep(stretch: Stretch, path: Path) -> None:
    seen = {f"{SEEN}{f.name}": getattr(stretch.appearances, f.name) for f in fields(Appearances)}
    state = {f"{STATE}{name}": array for name, array in stretch.state.items()}
    end = np.array(np.nan if stretch.end is None else stretch.end)
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, end=end, **seen, **state)
    write_bytes(path, file.getvalue())


def _kept(folder: Path) -> Iterator[Stretch]:
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        end = float(arrays["end"])
        seen = _part(arrays, SEEN)
        yield Stretch(Appearances(**seen), None if np.isnan(end) else end, _part(arrays, STATE))


def _part(arrays: Mapping[str, NDArray[Any]], start: str) -> dict[str, NDArray[Any]]:
    return {n.removeprefix(start): array for n, array in arrays.items() if n.startswith(start)}
