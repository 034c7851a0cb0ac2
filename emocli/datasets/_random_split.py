"""Splitting clips by lot, where a corpus does not say how, or has too few people for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from emocli.data.clip import Clip, Split
from emocli.data.folds import lot

SHARE = 6
"""One clip in so many is for validation, and as many for the test; at least one each."""

NEEDED = "are needed (or split=clip, to try the pipeline)"
"""What there is to do where all clips end up in one split."""

WARNING = "clips are split one by one: figures say nothing about people who were not trained on"


def _by_itself(clip: Clip) -> str:
    return clip.id


def apart(clips: Sequence[Clip], group: Callable[[Clip], str] = _by_itself) -> tuple[Clip, ...]:
    """Put each group in a split of its own accord, drawn from its name; by default each clip."""
    names = {group(clip) for clip in clips}
    order = sorted(names, key=lot)
    size = max(1, len(order) // SHARE)
    splits: dict[str, Split] = dict.fromkeys(order[:size], "test")
    splits |= dict.fromkeys(order[size : 2 * size], "valid")
    return tuple(replace(clip, split=splits.get(group(clip), "train")) for clip in clips)
