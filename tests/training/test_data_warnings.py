"""Warnings about values: counted over splits, and told with the feature they are of."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from emocli.training.data_warnings import number_warnings, step_warnings


class Joined:
    """Two features side by side: of each clip its length, and the steps that lack a part."""

    name = "mel+pitch"

    def __init__(self, lacking: dict[str, dict[str, int]], non_finite: int = 0) -> None:
        self._lacking = lacking
        self.header = SimpleNamespace(non_finite=non_finite)

    def length(self, clip_id: str) -> int:
        return 10

    def lacking(self, clip_id: str) -> dict[str, int]:
        return self._lacking.get(clip_id, {})


def samples(store: Joined, *ids: str) -> Any:
    return SimpleNamespace(stores={"audio": store}, clips=[SimpleNamespace(id=i) for i in ids])


def test_clips_without_a_part_are_told_apart_from_steps_without_it() -> None:
    store = Joined({"a": {"pitch": 10}, "b": {"pitch": 3}, "c": {"pitch": 4, "mel": 10}})
    splits = {"train": samples(store, "a", "b", "c", "d"), "test": samples(store, "d")}
    assert list(step_warnings(splits)) == [
        "1 clip (train) of mel+pitch lacks pitch, which is read as 0",
        "1 clip (train) of mel+pitch lacks mel, which is read as 0",
        "7 steps (train) of mel+pitch lack pitch, which is read as 0",
    ]


def test_numbers_that_are_read_as_others_are_counted() -> None:
    store = Joined({}, non_finite=5)
    splits = {"train": samples(store, "a"), "test": samples(store, "b")}
    counts = {"a": 0, "b": 2}
    standardiser: Any = SimpleNamespace(clipped=lambda own: {"audio": counts[own.clips[0].id]})
    assert list(number_warnings(splits, standardiser, 20.0)) == [
        "5 values of mel+pitch are not finite and read as 0",
        "2 values of mel+pitch (test) are beyond 20 robust standard deviations and were clipped",
    ]
