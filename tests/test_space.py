"""Ranges of settings: written as they are read, drawn as they say, and refused in one line."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from emocli.errors import ConfigError
from emocli.space import Choice, Range, Uniform, Value, Whole, parse


class Recorder:
    """Stands for a trial: gives the greatest, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        self.asked.append((name, low, high, log))
        return high

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        self.asked.append((name, low, high, log))
        return high

    def suggest_categorical(self, name: str, choices: Sequence[Value]) -> Value:
        self.asked.append((name, *choices))
        return choices[-1]


@pytest.mark.parametrize(
    ("text", "range_", "ends"),
    [
        ("0.1..0.5", Uniform(0.1, 0.5), (0.1, 0.5)),
        ("1..2.5", Uniform(1, 2.5), (1, 2.5)),
        ("0.0001..0.01:log", Uniform(1e-4, 1e-2, log=True), (1e-4, 1e-2)),
        ("-2..6", Whole(-2, 6), (-2, 6)),
        ("8..64:log", Whole(8, 64, log=True), (8, 64)),
        ("32,64", Choice((32, 64)), (32, 64)),
        ("true,false", Choice((True, False)), (True, False)),
        ("adam, sgd", Choice(("adam", "sgd")), ("adam", "sgd")),
        ("1,true", Choice((1, True)), (1, True)),
    ],
)
def test_ranges_are_read_and_written(text: str, range_: Range, ends: tuple[Value, ...]) -> None:
    assert parse(f" train.x = {text}") == ("train.x", range_)
    assert parse(f"train.x={range_.text()}") == ("train.x", range_)
    assert range_.ends() == ends
    trial = Recorder()
    assert range_.draw(trial, "train.x") == ends[-1]
    assert trial.asked[0][:3] == ("train.x", *ends)
    assert trial.asked[0][3:] in ((), (text.endswith(":log"),))


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "x=", "=1..2", "x.=1..2", "x=1", "x=1,1", "x=1,", "x=a..b", "x=1..2:lin",
        "x=1..2..3", "x=true..2", "x=..2",
    ],
)  # fmt: skip
def test_anything_else_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match="is no range of a setting; write KEY=") as caught:
        parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x=2..1", "LOW is above HIGH"),
        ("x=1..1", "LOW is HIGH"),
        ("x=0..1:log", "a log range starts above 0"),
    ],
)
def test_a_range_that_cannot_be_says_why(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=f"is no range of a setting: {why}; write KEY="):
        parse(text)
