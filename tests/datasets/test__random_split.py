"""Splitting clips one by one."""

from __future__ import annotations

from collections import Counter

import pytest

from emocli.data.clip import Clip
from emocli.datasets._random_split import SHARE, apart


@pytest.mark.parametrize("count", [3, 6, 7, 12, 60])
def test_every_split_has_its_share_of_clips(count: int) -> None:
    clips = apart([Clip(f"clip {k}") for k in range(count)])
    sizes = Counter(clip.split for clip in clips)
    assert sizes["valid"] == sizes["test"] == max(1, count // SHARE)
    assert [clip.id for clip in clips] == [f"clip {k}" for k in range(count)]


def test_a_clip_keeps_its_split_whatever_the_order() -> None:
    clips = [Clip(f"clip {k}") for k in range(20)]
    forth = {clip.id: clip.split for clip in apart(clips)}
    back = {clip.id: clip.split for clip in apart(clips[::-1])}
    assert forth == back
