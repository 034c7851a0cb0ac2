"""Splitting clips one by one, for folders with too few people to split them by person."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from emocli.data.clip import Clip, Split

SHARE = 6
"""One clip in so many is for validation, and as many for the test; at least one each."""

NEEDED = "are needed (or split=clip, to try the pipeline)"
"""What there is to do where all clips end up in one split."""

WARNING = "clips are split one by one: figures say nothing about people who were not trained on"


def apart(clips: Sequence[Clip]) -> tuple[Clip, ...]:
    """Put each clip in a split of its own accord, whoever speaks; drawn from its id."""
    order = sorted(clips, key=lambda clip: hashlib.sha256(clip.id.encode()).digest())
    size = max(1, len(order) // SHARE)
    splits: dict[str, Split] = {clip.id: "test" for clip in order[:size]}
    splits |= {clip.id: "valid" for clip in order[size : 2 * size]}
    return tuple(replace(clip, split=splits.get(clip.id, "train")) for clip in clips)
