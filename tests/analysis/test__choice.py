"""The clip an analysis shows by itself: chosen by what it says, and by nothing else."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emocli.analysis._choice import first_whole
from emocli.errors import RunError

TEXTS = {"a": "Very nice", "b": "Not every day.", "c": "It is VERY delicate", "d": "very"}


def evaluator(missing: dict[str, str]) -> Any:
    """Clips of two modalities, of which some lack one."""
    clips = tuple(SimpleNamespace(id=name, text=text) for name, text in TEXTS.items())
    stores = {
        m: SimpleNamespace(length=lambda clip, m=m: 0 if missing.get(clip) == m else 3)
        for m in ("text", "audio")
    }
    samples = SimpleNamespace(clips=clips, stores=stores)
    return SimpleNamespace(samples=samples, modalities=list(stores), run=Path("run"))


def test_it_is_the_first_with_the_word_that_has_everything() -> None:
    assert first_whole(evaluator({}))[0] == "a"
    assert first_whole(evaluator({"a": "audio"}), "very")[0] == "c"  # "every" is another word
    assert first_whole(evaluator({"a": "text", "c": "audio"}), "Very")[0] == "d"


def test_it_says_by_which_rule() -> None:
    assert first_whole(evaluator({}), "very")[1] == "the first test clip with the word 'very'"
    clip, rule = first_whole(evaluator({"a": "audio"}), "happy")
    assert (clip, rule) == ("b", "the first test clip; none has the word 'happy'")
    assert first_whole(evaluator({}))[1] == "the first test clip"


def test_without_a_whole_clip_it_is_refused() -> None:
    lacking = evaluator({"a": "audio", "b": "text", "c": "text", "d": "audio"})
    with pytest.raises(RunError, match="no test clip has all modalities"):
        first_whole(lacking)
