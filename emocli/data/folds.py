"""The folds of a cross-validation; speakers and dialogues stay together."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from emocli.config import Settings
from emocli.data.clip import Clip, Split
from emocli.errors import ManifestError
from emocli.limits import MOST_FOLDS

FEWEST = 3
"""One to test, one to validate, one to train."""

MOST = 10_000
"""Each has a folder of its own."""

KEYS = ("dialogue", "speaker")
"""What keeps clips together."""


class Fold(Settings):
    """The part of a corpus that is tested.

    Attributes
    ----------
    index : int
        The fold that is tested, counted from 0; the next one (after the last comes the first)
        validates, the others train.
    count : int
        How many folds there are.
    """

    index: Annotated[int, Field(ge=0, lt=MOST_FOLDS)]
    count: Annotated[int, Field(ge=FEWEST, le=MOST_FOLDS)]

    def split(self, number: int) -> Split:
        """Return the split of the clips of a fold."""
        if number == self.index:
            return "test"
        return "valid" if number == (self.index + 1) % self.count else "train"


def assign(clips: Sequence[Clip], count: int, overlap: bool = False) -> tuple[int, ...]:
    """Give each clip the number of its fold, 0 to ``count - 1``.

    The folds the corpus is published with are used if there are so many of them. Otherwise groups
    of clips are dealt out so that folds have about as many clips, and as many of each class: the
    largest group first, each to the fold that has least of what it holds. The same clips always get
    the same folds, whatever their order.

    Parameters
    ----------
    clips : sequence of Clip
        The corpus.
    count : int
        How many folds.
    overlap : bool
        Whether a speaker or a dialogue may be in two splits: then only dialogues are kept together,
        or speakers where there are no dialogues.

    Raises
    ------
    ManifestError
        If the clips cannot be folded so.
    """
    if count < FEWEST:
        what = f"{count} folds are too few: one is tested, one validates and the others train"
        raise ManifestError(what, hint=f"ask for at least {FEWEST}")
    published = sorted({clip.fold for clip in clips if clip.fold is not None})
    if len(published) == count and all(clip.fold is not None for clip in clips):
        return tuple(published.index(clip.fold) for clip in clips if clip.fold is not None)
    groups = _groups(clips, overlap)
    sizes = Counter(groups)
    if len(sizes) < count:
        what = f"has {len(sizes)} groups of clips that belong together, too few for {count} folds"
        raise ManifestError(what, hint=_hint(len(sizes), len(published)))
    numbers = _dealt(clips, groups, sizes, count)
    return tuple(numbers[group] for group in groups)


def _hint(groups: int, published: int) -> str:
    if published >= FEWEST:
        return f"it is published with {published} folds"
    if groups >= FEWEST:
        return f"ask for at most {groups}"
    return f"folds need at least {FEWEST} speakers or dialogues"


def _dealt(
    clips: Sequence[Clip], groups: Sequence[str], sizes: Counter[str], count: int
) -> dict[str, int]:
    """Deal groups out to folds."""
    held = _contents(clips, groups)
    order = sorted(sizes, key=lambda group: (-sizes[group], shuffle_key(group)))
    full = np.zeros((count, len(next(iter(held.values())))))
    numbers: dict[str, int] = {}
    for group in order:
        likeness = full @ held[group]
        fold = min(range(count), key=lambda k: (likeness[k], full[k, 0], k))
        full[fold] += held[group]
        numbers[group] = fold
    return numbers


def _contents(clips: Sequence[Clip], groups: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Group to what it holds: its clips, and those with and without each class."""
    shown = [[c.label] if c.label else [(k, v > 0) for k, v in c.labels.items()] for c in clips]
    names = sorted({name for classes in shown for name in classes}, key=str)
    held = {group: np.zeros(1 + len(names)) for group in groups}
    for group, classes in zip(groups, shown, strict=True):
        held[group] += [1, *(name in classes for name in names)]
    return held


def _groups(clips: Sequence[Clip], overlap: bool) -> list[str]:
    """Name the group of each clip: all that is linked by a speaker or a dialogue is one."""
    keys = [key for key in KEYS if any(getattr(clip, key) for clip in clips)]
    if overlap:
        keys = keys[:1]
    rows = [[f"{k} {getattr(clip, k)}" for k in keys if getattr(clip, k)] for clip in clips]
    return _connected([row or [f"clip {c.id}"] for row, c in zip(rows, clips, strict=True)])


def _connected(links: Sequence[Sequence[str]]) -> list[str]:
    """Name the component of each row, where rows that share a name are connected."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for first, *others in links:
        for other in others:
            # The smaller name leads, so that the order of the rows does not matter.
            low, high = sorted((find(first), find(other)))
            leader[high] = low
    return [find(first) for first, *_ in links]


def shuffle_key(name: str) -> str:
    """Return a key that shuffles names reproducibly: numbering often follows sex, or the date."""
    return hashlib.sha256(name.encode()).hexdigest()
