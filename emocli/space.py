"""Ranges of settings that a search draws from; settings declare them beside their fields.

>>> Uniform(1e-4, 1e-2, log=True)
Uniform(low=0.0001, high=0.01, log=True)
>>> parse("train.lr=1e-4..1e-2:log")
('train.lr', Uniform(low=0.0001, high=0.01, log=True))
>>> parse("network.hidden=32,64,128")
('network.hidden', Choice(values=(32, 64, 128)))
>>> parse("network.layers.text=1..6")
('network.layers.text', Whole(low=1, high=6, log=False))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn, Protocol

from emocli.errors import ConfigError
from emocli.parsing import parse_toml

Value = None | bool | int | float | str


class DrawSource(Protocol):
    """The source that a range is drawn from: a trial of Optuna."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Draw a number."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Draw a whole number."""

    def suggest_categorical(self, name: str, choices: Sequence[Value]) -> Value:
        """Draw one of several values."""


class Range(Protocol):
    """The values a setting may have."""

    def draw(self, trial: DrawSource, name: str) -> Value:
        """Let a trial draw one."""

    def text(self) -> str:
        """Write it as `parse` reads it."""

    def ends(self) -> tuple[Value, ...]:
        """Return the values that a setting has to take if it takes all."""

    def holds(self, value: object) -> bool:
        """Whether a value may be drawn."""

    def including(self, value: object) -> Range:
        """Return the least range of its kind that holds a value too; itself if there is none."""


@dataclass(frozen=True)
class Uniform:
    """Numbers from ``low`` to ``high``, evenly or evenly in their logarithm."""

    low: float
    high: float
    log: bool = False

    def draw(self, trial: DrawSource, name: str) -> Value:
        """Let a trial draw one."""
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    def text(self) -> str:
        """Write it as `parse` reads it."""
        return f"{self.low:g}..{self.high:g}" + (":log" if self.log else "")

    def ends(self) -> tuple[Value, ...]:
        """Return the least and the greatest."""
        return self.low, self.high

    def holds(self, value: object) -> bool:
        """Whether a value may be drawn."""
        return _is_number(value) and self.low <= float(str(value)) <= self.high

    def including(self, value: object) -> Range:
        """Return it with a bound moved to a value."""
        if self.holds(value) or not isinstance(value, int | float) or (self.log and value <= 0):
            return self
        return replace(self, low=min(self.low, value), high=max(self.high, value))


@dataclass(frozen=True)
class Whole(Uniform):
    """Whole numbers from ``low`` to ``high``, both included."""

    low: int
    high: int

    def draw(self, trial: DrawSource, name: str) -> Value:
        """Let a trial draw one."""
        return trial.suggest_int(name, self.low, self.high, log=self.log)

    def text(self) -> str:
        """Write it as `parse` reads it."""
        return f"{self.low}..{self.high}" + (":log" if self.log else "")


@dataclass(frozen=True)
class Choice:
    """One of several values."""

    values: tuple[Value, ...]

    def draw(self, trial: DrawSource, name: str) -> Value:
        """Let a trial draw one."""
        return trial.suggest_categorical(name, self.values)

    def text(self) -> str:
        """Write it as `parse` reads it."""
        return ",".join(_text(value) for value in self.values)

    def ends(self) -> tuple[Value, ...]:
        """Return all of them."""
        return self.values

    def holds(self, value: object) -> bool:
        """Whether a value may be drawn."""
        return value in self.values

    def including(self, value: object) -> Range:
        """Return it with a value added."""
        if self.holds(value) or not isinstance(value, bool | int | float | str):
            return self
        return Choice((*self.values, value))


Space = Mapping[str, Range]
"""Setting to its range."""


def parse(text: str) -> tuple[str, Range]:
    """Read ``KEY=LOW..HIGH``, ``KEY=LOW..HIGH:log`` or ``KEY=VALUE,VALUE,...``.

    Raises
    ------
    ConfigError
        If it is of none of these forms.
    """
    name, equals, rest = (part.strip() for part in text.partition("="))
    try:
        named = name if equals and all(name.split(".")) else _refused()
        return named, _range(rest) if ".." in rest else _choice(rest)
    except ValueError as error:
        what = ": ".join([f"'{text}' is no range of a setting", *map(str, error.args)])
        hint = "write KEY=LOW..HIGH, KEY=LOW..HIGH:log or KEY=VALUE,VALUE,..."
        raise ConfigError(what, where="--space", hint=hint) from None


def _refused() -> NoReturn:
    raise ValueError


def _range(text: str) -> Range:
    bounds, colon, scale = text.partition(":")
    low, high = (_value(part) for part in bounds.split("..", 1))
    if (colon and scale != "log") or not _is_number(low) or not _is_number(high):
        raise ValueError
    least, most = float(str(low)), float(str(high))
    if least >= most:
        raise ValueError("LOW is above HIGH" if least > most else "LOW is HIGH")
    if colon and least <= 0:
        raise ValueError("a log range starts above 0")
    if type(low) is type(high) is int:
        return Whole(int(least), int(most), bool(colon))
    return Uniform(least, most, bool(colon))


def _choice(text: str) -> Choice:
    values = tuple(_value(part) for part in text.split(","))
    if len(set(map(repr, values))) < max(2, len(values)):
        raise ValueError
    return Choice(values)


def _text(value: Value) -> str:
    return str(value).lower() if type(value) is bool else str(value)


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


def _value(text: str) -> Value:
    """Read a number, true or false; anything else is a text."""
    text = text.strip()
    if not text:
        raise ValueError
    try:
        value = parse_toml(f"value = {text}")["value"]
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float | str) else text
